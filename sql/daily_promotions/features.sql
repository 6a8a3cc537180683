-- One row per day and product sold in the 28 days that end with the day.
-- The one definition of the features: extract.sql asks for a single day, training.sql for many. Everything is as known
-- when the day ended (:first_day to :last_day, local days of :timezone): no later sale is read.
-- Fuel is left out, since it is counted by volume. Products missing from retail.products come out as department
-- '(none)' for the expectations to judge.
-- Money is added up in whole cents, so that two plans of this query give the same features to the last digit, and with
-- them the same idempotency keys.
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
        sold.product_id,
        sum(sold.quantity::double precision) AS units,
        count(DISTINCT sold.store_id)::double precision AS stores,
        sum(round(sold.sales_value * 100)) AS value,
        sum(round((sold.retail_disc + sold.coupon_disc + sold.coupon_match_disc) * 100)) AS discount
    FROM retail.transactions AS sold
    WHERE
        sold.transaction_timestamp >= (:first_day::date - 27)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
        AND sold.transaction_timestamp < (:last_day::date + 1)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
    GROUP BY 2, 1
    ORDER BY 2
)

SELECT
    days.day,
    recent.product_id,
    coalesce(products.department, '(none)') AS department,
    coalesce(products.product_category, '(none)') AS product_category,
    coalesce(products.brand, '(none)') AS brand,
    extract(isodow FROM days.day + 1)::integer AS weekday,
    recent.units_1d_back,
    recent.units_7d,
    recent.units_28d,
    recent.sale_days_7d,
    recent.sale_days_14d,
    recent.sale_days_28d,
    recent.sale_days_same_weekday,
    recent.stores / recent.sale_days_28d AS mean_stores_28d,
    recent.days_since_last_sale,
    coalesce(recent.discount / nullif(recent.value + recent.discount, 0), 0) AS discount_share_28d,
    recent.value / 100 / nullif(recent.units_28d, 0) AS average_price_28d
FROM days
CROSS JOIN LATERAL (
    SELECT
        daily.product_id,
        coalesce(max(daily.units) FILTER (WHERE daily.day = days.day), 0) AS units_1d_back,
        coalesce(sum(daily.units) FILTER (WHERE daily.day > days.day - 7), 0) AS units_7d,
        sum(daily.units) AS units_28d,
        (count(*) FILTER (WHERE daily.day > days.day - 7))::integer AS sale_days_7d,
        (count(*) FILTER (WHERE daily.day > days.day - 14))::integer AS sale_days_14d,
        count(*)::integer AS sale_days_28d,
        (count(*) FILTER (WHERE (days.day + 1 - daily.day) % 7 = 0))::integer AS sale_days_same_weekday,
        days.day - max(daily.day) AS days_since_last_sale,
        sum(daily.stores) AS stores,
        sum(daily.value) AS value,
        sum(daily.discount) AS discount
    FROM daily
    WHERE daily.day <= days.day AND days.day - daily.day < 28
    GROUP BY daily.product_id
) AS recent
LEFT JOIN retail.products AS products USING (product_id)
WHERE products.product_type IS DISTINCT FROM 'GASOLINE-REG UNLEADED'
