-- One row per day and household that ever bought anything before the day ended.
-- The one definition of the features: extract.sql asks for a single day, training.sql for many (every seventh from
-- :first_day to :last_day). Everything is as known when the day ended, in local days of :timezone: no later sale is read.
-- A household that bought nothing in the 90 days that end with the day comes out with 0 baskets and nulls, for the
-- expectations to judge. Fuel counts like any other purchase: nothing here is counted in units.
-- Money is added up in whole cents: sums of fractions depend on their order in the last digit, and two plans of this query
-- would not give the same features.
-- Sales are added up once per visit, in the order in which each day then groups its 90 days of them, and a day is made
-- once: nothing is sorted anew for every day. The 90 days are said from both ends in two ways, or the planner would
-- take them for a range that leaves next to nothing.
WITH days AS MATERIALIZED (
    SELECT generated.day::date AS day
    FROM generate_series(:first_day::date, :last_day::date, interval '7 days') AS generated (day)
),

known AS MATERIALIZED (
    SELECT
        household_id,
        (min(transaction_timestamp) AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date AS first_day
    FROM retail.transactions
    WHERE transaction_timestamp < (:last_day::date + 1)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
    GROUP BY household_id
),

visits AS MATERIALIZED (
    SELECT
        (sold.transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date AS day,
        sold.household_id,
        sold.basket_id,
        coalesce(products.department, '(none)') AS department,
        count(*)::double precision AS lines,
        sum(round(sold.sales_value * 100)) AS value,
        sum(round((sold.retail_disc + sold.coupon_disc + sold.coupon_match_disc) * 100)) AS discount
    FROM retail.transactions AS sold
    LEFT JOIN retail.products AS products USING (product_id)
    WHERE
        sold.transaction_timestamp >= (:first_day::date - 89)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
        AND sold.transaction_timestamp < (:last_day::date + 1)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
    GROUP BY 2, 3, 1, 4
    ORDER BY 2, 3
)

SELECT
    days.day,
    known.household_id,
    recent.days_since_last_purchase::double precision AS days_since_last_purchase,
    coalesce(recent.baskets, 0) AS baskets_90d,
    coalesce(recent.value, 0) / 100 AS spend_90d,
    recent.lines / nullif(recent.baskets, 0) AS lines_per_basket_90d,
    coalesce(recent.discount / nullif(recent.value + recent.discount, 0), 0) AS discount_share_90d,
    coalesce(recent.departments, 0) AS departments_90d
FROM days
INNER JOIN known ON known.first_day <= days.day
LEFT JOIN LATERAL (
    SELECT
        visits.household_id,
        days.day - max(visits.day) AS days_since_last_purchase,
        count(DISTINCT visits.basket_id)::integer AS baskets,
        count(DISTINCT visits.department)::integer AS departments,
        sum(visits.lines) AS lines,
        sum(visits.value) AS value,
        sum(visits.discount) AS discount
    FROM visits
    WHERE visits.day <= days.day AND days.day - visits.day < 90
    GROUP BY visits.household_id
) AS recent USING (household_id)
