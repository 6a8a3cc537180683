-- One row per product sold in the 28 days before the partition's end.
-- Ordered by entity key, so that the same sales give the same snapshot digest, and with it the same idempotency keys.
SELECT *
FROM (
    \ir features.sql
) AS features
ORDER BY product_id
