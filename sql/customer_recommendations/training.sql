-- One row per day, household that bought anything in the 90 days that end with the day, and product category candidate.
-- The features are those of extract.sql but the segment, which training gives by the champion of customer_segments. The
-- target says whether the household bought in the category within seven days; categories_next_7d is in how many of all
-- categories that can be offered it did, candidates or not.
-- The features are put in order before what came true is joined to them: so the two are merged, and stay in order.
-- The caller sees to it that the seven days after :last_day are over.
WITH tomorrow AS (
    \ir bought_next_7d.sql
)

SELECT
    features.*,
    tomorrow.household_id IS NOT NULL AS bought_next_7d,
    coalesce(households.categories, 0) AS categories_next_7d
FROM (
    SELECT *
    FROM (
        \ir features.sql
    ) AS unordered
    ORDER BY day, household_id, product_category
) AS features
LEFT JOIN tomorrow USING (day, household_id, product_category)
LEFT JOIN (
    SELECT
        day,
        household_id,
        count(*) AS categories
    FROM tomorrow
    GROUP BY day, household_id
) AS households USING (day, household_id)
ORDER BY day, household_id, product_category
