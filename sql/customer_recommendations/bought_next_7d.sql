-- One row per day, household and product category that it bought in the seven local days after the day.
-- The one definition of what came true: training.sql asks for many days (every seventh from :first_day to :last_day),
-- actuals.sql for one. What can be offered to nobody is left out: fuel, coupons and products without a category.
SELECT DISTINCT
    days.day,
    sold.household_id,
    products.product_category
FROM (
    SELECT generated.day::date AS day
    FROM generate_series(:first_day::date, :last_day::date, interval '7 days') AS generated (day)
) AS days
INNER JOIN retail.transactions AS sold
    ON
        sold.transaction_timestamp >= (days.day + 1)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
        AND sold.transaction_timestamp < (days.day + 8)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
INNER JOIN retail.products AS products USING (product_id)
WHERE
    products.product_category NOT IN ('COUPON/MISC ITEMS', 'FUEL')
    -- Of all days together: by this, the planner can tell how many rows there will be.
    AND sold.transaction_timestamp >= (:first_day::date + 1)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
    AND sold.transaction_timestamp < (:last_day::date + 8)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
