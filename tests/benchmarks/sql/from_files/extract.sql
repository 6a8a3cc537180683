-- One row per store, product category and copy of the partition.
-- Ordered by entity key, as that of the same rows in PostgreSQL is.
SELECT
    \ir ../throughput/columns.sql
FROM features
WHERE day = :first_day
ORDER BY store_id, product_category, copy
