-- One row per day, every seventh from :first_day to :last_day, and household that bought anything in the 90 days before.
-- The features are those of extract.sql. There is no target: the model finds groups.
SELECT *
FROM (
    \ir features.sql
) AS features
WHERE baskets_90d > 0
ORDER BY day, household_id
