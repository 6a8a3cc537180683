-- One row per day and product sold in the 28 days that end with the day.
-- The one definition of the features: extract.sql asks for a single day, training.sql for many. Everything is as known
-- when the day ended (:first_day to :last_day, local days of :timezone): no later sale is read.
-- Fuel is left out, since it is counted by volume. Products missing from retail.products come out as department
-- '(none)' for the expectations to judge.
-- Money is added up in whole cents, so that two plans of this query give the same features to the last digit, and with
-- them the same idempotency keys.
SELECT
    days.day,
    daily.product_id,
    coalesce(products.department, '(none)') AS department,
    coalesce(products.product_category, '(none)') AS product_category,
    coalesce(products.brand, '(none)') AS brand,
    extract(isodow FROM days.day + 1)::integer AS weekday,
    coalesce(sum(daily.units) FILTER (WHERE daily.day = days.day), 0)::double precision AS units_1d_back,
    coalesce(sum(daily.units) FILTER (WHERE daily.day > days.day - 7), 0)::double precision AS units_7d,
    sum(daily.units)::double precision AS units_28d,
    (count(*) FILTER (WHERE daily.day > days.day - 7))::integer AS sale_days_7d,
    (count(*) FILTER (WHERE daily.day > days.day - 14))::integer AS sale_days_14d,
    count(*)::integer AS sale_days_28d,
    (count(*) FILTER (WHERE extract(isodow FROM daily.day) = extract(isodow FROM days.day + 1)))::integer
        AS sale_days_same_weekday,
    sum(daily.stores)::double precision / count(*) AS mean_stores_28d,
    days.day - max(daily.day) AS days_since_last_sale,
    coalesce(sum(daily.discount) / nullif(sum(daily.value + daily.discount), 0), 0) AS discount_share_28d,
    sum(daily.value) / 100 / nullif(sum(daily.units), 0)::double precision AS average_price_28d
FROM (
    SELECT generated.day::date AS day
    FROM generate_series(:first_day::date, :last_day::date, interval '1 day') AS generated (day)
) AS days
INNER JOIN (
    SELECT
        sold.product_id,
        (sold.transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date AS day,
        sum(sold.quantity)::bigint AS units,
        count(DISTINCT sold.store_id)::bigint AS stores,
        sum(round(sold.sales_value * 100)) AS value,
        sum(round((sold.retail_disc + sold.coupon_disc + sold.coupon_match_disc) * 100)) AS discount
    FROM retail.transactions AS sold
    WHERE
        sold.transaction_timestamp >= (:first_day::date - 27)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
        AND sold.transaction_timestamp < (:last_day::date + 1)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
    GROUP BY 1, 2
) AS daily
    ON daily.day BETWEEN days.day - 27 AND days.day
LEFT JOIN retail.products AS products USING (product_id)
WHERE products.product_type IS DISTINCT FROM 'GASOLINE-REG UNLEADED'
GROUP BY days.day, daily.product_id, products.department, products.product_category, products.brand
