-- One row per store, product category and copy of a twenty-fourth of the day, one for each of its hours.
-- Ordered by entity key, as the demand forecast's own query is; here the table's primary key gives the order.
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
FROM bench.features
WHERE day = :first_day AND (store_id + copy) % 24 = extract(hour FROM :start AT TIME ZONE :timezone)
ORDER BY store_id, product_category, copy
