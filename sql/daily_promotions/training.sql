-- One row per day and product sold in the 28 days that end with the day.
-- The features are those of extract.sql; the target says whether the product was sold anywhere on the next day.
-- The caller sees to it that the day after :last_day is over.
SELECT
    features.*,
    tomorrow.product_id IS NOT NULL AS sells_tomorrow
FROM (
    \ir features.sql
) AS features
LEFT JOIN (
    SELECT DISTINCT
        sold.product_id,
        (sold.transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date AS day
    FROM retail.transactions AS sold
    WHERE
        sold.transaction_timestamp >= (:first_day::date + 1)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
        AND sold.transaction_timestamp < (:last_day::date + 2)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
) AS tomorrow
    ON
        tomorrow.product_id = features.product_id
        AND tomorrow.day = features.day + 1
WHERE features.department <> '(none)'
ORDER BY features.day, features.product_id
