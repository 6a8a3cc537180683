-- One row per day, store and product category with a sale in the 28 days that end with the day.
-- The features are those of extract.sql; the target is the units sold on the next day, 0 where nothing was sold.
-- The caller sees to it that the day after :last_day is over.
SELECT
    features.*,
    coalesce(tomorrow.units, 0)::double precision AS units_tomorrow
FROM (
    \ir features.sql
) AS features
LEFT JOIN (
    SELECT
        sold.store_id,
        coalesce(products.product_category, '(none)') AS product_category,
        (sold.transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date AS day,
        sum(sold.quantity)::bigint AS units
    FROM retail.transactions AS sold
    LEFT JOIN retail.products AS products USING (product_id)
    WHERE
        sold.transaction_timestamp >= (:first_day::date + 1)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
        AND sold.transaction_timestamp < (:last_day::date + 2)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
        AND products.product_type IS DISTINCT FROM 'GASOLINE-REG UNLEADED'
    GROUP BY 1, 2, 3
) AS tomorrow
    ON
        tomorrow.store_id = features.store_id
        AND tomorrow.product_category = features.product_category
        AND tomorrow.day = features.day + 1
WHERE features.product_category <> '(none)'
ORDER BY features.day, features.store_id, features.product_category
