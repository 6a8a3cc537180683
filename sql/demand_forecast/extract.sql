-- One row per store and product category with a sale in the 28 days before the partition's end.
-- Ordered by entity key, so that the same sales give the same snapshot digest.
SELECT *
FROM (
    \ir features.sql
) AS features
ORDER BY store_id, product_category
