-- One row per store, product category and copy of the partition.
-- Ordered by entity key, as that of the same rows in PostgreSQL is.
SELECT
    store_id,
    product_category,
    copy,
    weekday,
    units_1d_back,
    units_7d_back,
    units_14d_back,
    units_28d_back,
    mean_units_7d,
    mean_units_14d,
    mean_units_28d,
    sale_days_7d,
    sale_days_14d,
    sale_days_28d,
    days_since_last_sale,
    discount_share_28d,
    average_price_28d
FROM features
WHERE day = :first_day
ORDER BY store_id, product_category, copy
