-- One row per day and household that ever bought anything before the day ended.
-- The one definition of the features: extract.sql asks for a single day, training.sql for many (every seventh from
-- :first_day to :last_day). Everything is as known when the day ended, in local days of :timezone: no later sale is read.
-- A household that bought nothing in the 90 days that end with the day comes out with 0 baskets and nulls, for the
-- expectations to judge. Fuel counts like any other purchase: nothing here is counted in units.
-- Money is added up in whole cents: sums of fractions depend on their order in the last digit, and two plans of this query
-- would not give the same features.
WITH days AS (
    SELECT generated.day::date AS day
    FROM generate_series(:first_day::date, :last_day::date, interval '7 days') AS generated (day)
),

known AS (
    SELECT
        household_id,
        (min(transaction_timestamp) AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date AS first_day
    FROM retail.transactions
    WHERE transaction_timestamp < (:last_day::date + 1)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
    GROUP BY household_id
),

visits AS (
    SELECT
        sold.household_id,
        (sold.transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date AS day,
        coalesce(products.department, '(none)') AS department,
        sold.basket_id,
        count(*) AS lines,
        sum(round(sold.sales_value * 100)) AS value,
        sum(round((sold.retail_disc + sold.coupon_disc + sold.coupon_match_disc) * 100)) AS discount
    FROM retail.transactions AS sold
    LEFT JOIN retail.products AS products USING (product_id)
    WHERE
        sold.transaction_timestamp >= (:first_day::date - 89)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
        AND sold.transaction_timestamp < (:last_day::date + 1)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
    GROUP BY 1, 2, 3, 4
)

SELECT
    days.day,
    known.household_id,
    (days.day - max(visits.day))::double precision AS days_since_last_purchase,
    count(DISTINCT visits.basket_id)::integer AS baskets_90d,
    coalesce(sum(visits.value), 0) / 100 AS spend_90d,
    sum(visits.lines)::double precision / nullif(count(DISTINCT visits.basket_id), 0) AS lines_per_basket_90d,
    coalesce(sum(visits.discount) / nullif(sum(visits.value + visits.discount), 0), 0) AS discount_share_90d,
    count(DISTINCT visits.department)::integer AS departments_90d
FROM days
INNER JOIN known ON known.first_day <= days.day
LEFT JOIN visits
    ON
        visits.household_id = known.household_id
        AND visits.day BETWEEN days.day - 89 AND days.day
GROUP BY days.day, known.household_id
