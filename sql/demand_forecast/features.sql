-- One row per day, store and product category with a sale in the 28 days that end with the day.
-- The one definition of the features: extract.sql asks for a single day, training.sql for many. Everything is as known
-- when the day ended (:first_day to :last_day, local days of :timezone): no later sale is read.
-- "k days back" counts from the forecast day, the day after: 1 back is the day itself, 7 back the same weekday.
-- Fuel is left out, since it is counted by volume. Products missing from retail.products, or without a category there,
-- come out as category '(none)' for the expectations to judge.
-- Money is added up in whole cents: sums of fractions depend on their order in the last digit, and two plans of this query
-- would not give the same features.
SELECT
    days.day,
    daily.store_id,
    daily.product_category,
    extract(isodow FROM days.day + 1)::integer AS weekday,
    coalesce(sum(daily.units) FILTER (WHERE daily.day = days.day), 0)::double precision AS units_1d_back,
    coalesce(sum(daily.units) FILTER (WHERE daily.day = days.day - 6), 0)::double precision AS units_7d_back,
    coalesce(sum(daily.units) FILTER (WHERE daily.day = days.day - 13), 0)::double precision AS units_14d_back,
    coalesce(sum(daily.units) FILTER (WHERE daily.day = days.day - 27), 0)::double precision AS units_28d_back,
    coalesce(sum(daily.units) FILTER (WHERE daily.day > days.day - 7), 0)::double precision / 7 AS mean_units_7d,
    coalesce(sum(daily.units) FILTER (WHERE daily.day > days.day - 14), 0)::double precision / 14 AS mean_units_14d,
    sum(daily.units)::double precision / 28 AS mean_units_28d,
    (count(*) FILTER (WHERE daily.day > days.day - 7))::integer AS sale_days_7d,
    (count(*) FILTER (WHERE daily.day > days.day - 14))::integer AS sale_days_14d,
    count(*)::integer AS sale_days_28d,
    days.day - max(daily.day) AS days_since_last_sale,
    coalesce(sum(daily.discount) / nullif(sum(daily.value + daily.discount), 0), 0) AS discount_share_28d,
    sum(daily.value) / 100 / nullif(sum(daily.units), 0)::double precision AS average_price_28d
FROM (
    SELECT generated.day::date AS day
    FROM generate_series(:first_day::date, :last_day::date, interval '1 day') AS generated (day)
) AS days
INNER JOIN (
    SELECT
        sold.store_id,
        coalesce(products.product_category, '(none)') AS product_category,
        (sold.transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date AS day,
        sum(sold.quantity)::bigint AS units,
        sum(round(sold.sales_value * 100)) AS value,
        sum(round((sold.retail_disc + sold.coupon_disc + sold.coupon_match_disc) * 100)) AS discount
    FROM retail.transactions AS sold
    LEFT JOIN retail.products AS products USING (product_id)
    WHERE
        sold.transaction_timestamp >= (:first_day::date - 27)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
        AND sold.transaction_timestamp < (:last_day::date + 1)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
        AND products.product_type IS DISTINCT FROM 'GASOLINE-REG UNLEADED'
    GROUP BY 1, 2, 3
) AS daily
    ON daily.day BETWEEN days.day - 27 AND days.day
GROUP BY days.day, daily.store_id, daily.product_category
