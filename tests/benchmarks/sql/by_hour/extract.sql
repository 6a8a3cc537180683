-- One row per store, product category and copy of a twenty-fourth of the day, one for each of its hours.
-- Ordered by entity key, as the demand forecast's own query is; here the table's primary key gives the order.
SELECT
    \ir ../throughput/columns.sql
FROM bench.features
WHERE day = :first_day AND (store_id + copy) % 24 = extract(hour FROM :start AT TIME ZONE :timezone)
ORDER BY store_id, product_category, copy
