-- One row per household that ever bought anything before the partition's end.
-- Ordered by entity key, so that the same sales give the same snapshot digest.
SELECT *
FROM (
    \ir features.sql
) AS features
ORDER BY household_id
