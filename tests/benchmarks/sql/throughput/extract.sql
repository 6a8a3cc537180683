-- One row per store, product category and copy of the partition.
-- Ordered by entity key, as the demand forecast's own query is; here the table's primary key gives the order.
SELECT
    \ir columns.sql
FROM bench.features
WHERE day = :first_day
ORDER BY store_id, product_category, copy
