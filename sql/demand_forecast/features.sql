-- One row per day, store and product category with a sale in the 28 days that end with the day.
-- The one definition of the features: extract.sql asks for a single day, training.sql for many. Everything is as known
-- when the day ended (:first_day to :last_day, local days of :timezone): no later sale is read.
-- "k days back" counts from the forecast day, the day after: 1 back is the day itself, 7 back the same weekday.
-- Fuel is left out, since it is counted by volume. Products missing from retail.products, or without a category there,
-- come out as category '(none)' for the expectations to judge.
-- Money is added up in whole cents: sums of fractions depend on their order in the last digit, and two plans of this query
-- would not give the same features.
-- Sales are added up once per day, in the order in which each day asked for then groups its 28 days of them, and a day
-- is made once: nothing is sorted anew for every day. The 28 days are said from both ends in two ways, or the planner
-- would take them for a range that leaves next to nothing. A single day has one row, of which max() takes the units.
WITH days AS MATERIALIZED (
    SELECT generated.day::date AS day
    FROM generate_series(:first_day::date, :last_day::date, interval '1 day') AS generated (day)
),

daily AS MATERIALIZED (
    SELECT
        (sold.transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date AS day,
        sold.store_id,
        coalesce(products.product_category, '(none)') AS product_category,
        sum(sold.quantity::double precision) AS units,
        sum(round(sold.sales_value * 100)) AS value,
        sum(round((sold.retail_disc + sold.coupon_disc + sold.coupon_match_disc) * 100)) AS discount
    FROM retail.transactions AS sold
    LEFT JOIN retail.products AS products USING (product_id)
    WHERE
        sold.transaction_timestamp >= (:first_day::date - 27)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
        AND sold.transaction_timestamp < (:last_day::date + 1)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
        AND products.product_type IS DISTINCT FROM 'GASOLINE-REG UNLEADED'
    GROUP BY 2, 3, 1
    ORDER BY 2, 3
)

SELECT
    days.day,
    recent.store_id,
    recent.product_category,
    extract(isodow FROM days.day + 1)::integer AS weekday,
    recent.units_1d_back,
    recent.units_7d_back,
    recent.units_14d_back,
    recent.units_28d_back,
    recent.units_7d / 7 AS mean_units_7d,
    recent.units_14d / 14 AS mean_units_14d,
    recent.units_28d / 28 AS mean_units_28d,
    recent.sale_days_7d,
    recent.sale_days_14d,
    recent.sale_days_28d,
    recent.days_since_last_sale,
    coalesce(recent.discount / nullif(recent.value + recent.discount, 0), 0) AS discount_share_28d,
    recent.value / 100 / nullif(recent.units_28d, 0) AS average_price_28d
FROM days
CROSS JOIN LATERAL (
    SELECT
        daily.store_id,
        daily.product_category,
        coalesce(max(daily.units) FILTER (WHERE daily.day = days.day), 0) AS units_1d_back,
        coalesce(max(daily.units) FILTER (WHERE daily.day = days.day - 6), 0) AS units_7d_back,
        coalesce(max(daily.units) FILTER (WHERE daily.day = days.day - 13), 0) AS units_14d_back,
        coalesce(max(daily.units) FILTER (WHERE daily.day = days.day - 27), 0) AS units_28d_back,
        coalesce(sum(daily.units) FILTER (WHERE daily.day > days.day - 7), 0) AS units_7d,
        coalesce(sum(daily.units) FILTER (WHERE daily.day > days.day - 14), 0) AS units_14d,
        sum(daily.units) AS units_28d,
        (count(*) FILTER (WHERE daily.day > days.day - 7))::integer AS sale_days_7d,
        (count(*) FILTER (WHERE daily.day > days.day - 14))::integer AS sale_days_14d,
        count(*)::integer AS sale_days_28d,
        days.day - max(daily.day) AS days_since_last_sale,
        sum(daily.value) AS value,
        sum(daily.discount) AS discount
    FROM daily
    WHERE daily.day <= days.day AND days.day - daily.day < 28
    GROUP BY daily.store_id, daily.product_category
) AS recent
