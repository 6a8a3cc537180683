-- One row per store, product category and copy of the partition, each in one of four segments of about the same size.
SELECT
    features.*,
    (ARRAY['first', 'second', 'third', 'fourth'])[1 + (store_id + copy) % 4] AS segment
FROM (
    \ir extract.sql
) AS features
ORDER BY store_id, product_category, copy
