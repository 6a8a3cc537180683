-- One row per product sold in the 28 days before the partition's end: 1 if it was sold anywhere on the day after, else 0.
-- Empty until the day after is over and the source holds sales of it or of a later day.
SELECT
    sold.product_id,
    coalesce(products.department, '(none)') AS department,
    bool_or(sold.transaction_timestamp >= days.ended)::integer AS actual
FROM (
    SELECT
        (:first_day::date - 27)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC' AS began,
        (:last_day::date + 1)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC' AS ended,
        (:last_day::date + 2)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC' AS day_after_ended
) AS days
INNER JOIN retail.transactions AS sold
    ON sold.transaction_timestamp >= days.began AND sold.transaction_timestamp < days.day_after_ended
LEFT JOIN retail.products AS products USING (product_id)
WHERE
    products.product_type IS DISTINCT FROM 'GASOLINE-REG UNLEADED'
    AND days.day_after_ended <= now() AT TIME ZONE 'UTC'
    AND EXISTS (SELECT FROM retail.transactions AS later WHERE later.transaction_timestamp >= days.ended)
GROUP BY sold.product_id, coalesce(products.department, '(none)')
HAVING bool_or(sold.transaction_timestamp < days.ended)
