-- One row per household and product category that it bought in the seven days after the partition; what is not here was
-- not bought. Empty until the seven days are over and the source holds sales of the last of them or of a later day.
SELECT
    bought.household_id,
    bought.product_category,
    1 AS actual
FROM (
    \ir bought_next_7d.sql
) AS bought
WHERE
    (:last_day::date + 8)::timestamp AT TIME ZONE :timezone <= now()
    AND EXISTS (
        SELECT
        FROM retail.transactions AS later
        WHERE
            later.transaction_timestamp >= (:last_day::date + 7)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
    )
