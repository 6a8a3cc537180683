-- One row per day, household that bought anything in the 90 days that end with the day, and product category candidate.
-- The one definition of the features: extract.sql asks for a single day, training.sql for many (every seventh from
-- :first_day to :last_day). Everything is as known when the day ended, in local days of :timezone: no later sale is read.
-- Candidates are the categories that the household bought in the 90 days, and the 90 that most households bought in the
-- last 28 (the name decides between equals): the first hold what is bought again, the second what may be new. Fuel,
-- coupons and products without a category are no candidates: nobody can be offered them. They still count as visits.
-- Days are counted, not units or money: a category bought twice on a day is bought once.
-- Each day is worked out by itself and a category is a number until the end: so what is grouped stays small, and fits into
-- memory. The 90 days are said from both ends in two ways, or they would be taken for a range that leaves next to nothing.
-- What was bought is kept in the order in which every day groups and joins it: so nothing is sorted anew for each day.
WITH days AS MATERIALIZED (
    SELECT generated.day::date AS day
    FROM generate_series(:first_day::date, :last_day::date, interval '7 days') AS generated (day)
),

named AS (
    SELECT
        found.product_category,
        row_number() OVER (ORDER BY found.product_category)::integer AS category
    FROM (SELECT DISTINCT products.product_category FROM retail.products AS products) AS found
    WHERE found.product_category NOT IN ('COUPON/MISC ITEMS', 'FUEL')
),

offered AS (
    SELECT
        products.product_id,
        named.category
    FROM retail.products AS products
    INNER JOIN named USING (product_category)
),

bought AS MATERIALIZED (
    SELECT DISTINCT
        sold.household_id,
        offered.category,
        (sold.transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date AS day
    FROM retail.transactions AS sold
    LEFT JOIN offered USING (product_id)
    WHERE
        sold.transaction_timestamp >= (:first_day::date - 89)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
        AND sold.transaction_timestamp < (:last_day::date + 1)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
    ORDER BY 1, 2
),

visited AS MATERIALIZED (
    SELECT DISTINCT
        bought.household_id,
        bought.day
    FROM bought
    ORDER BY 1
)

SELECT
    days.day,
    candidates.household_id,
    named.product_category,
    candidates.bought_days_7d,
    candidates.bought_days_28d,
    candidates.bought_days_90d,
    candidates.days_since_bought::double precision AS days_since_bought,
    candidates.days_apart::double precision / nullif(candidates.bought_days_90d - 1, 0) AS days_between,
    candidates.days_since_bought * (candidates.bought_days_90d - 1)::double precision / nullif(candidates.days_apart, 0)
        AS intervals_since_bought,
    candidates.household_share_7d,
    candidates.household_share_28d,
    candidates.visit_days_28d,
    candidates.visit_days_90d,
    candidates.days_since_visit
FROM days
CROSS JOIN LATERAL (
    WITH households AS (
        SELECT
            visited.household_id,
            (count(*) FILTER (WHERE days.day - visited.day < 28))::integer AS visit_days_28d,
            count(*)::integer AS visit_days_90d,
            days.day - max(visited.day) AS days_since_visit
        FROM visited
        WHERE visited.day <= days.day AND days.day - visited.day < 90
        GROUP BY visited.household_id
    ),

    own AS (
        SELECT
            bought.household_id,
            bought.category,
            (count(*) FILTER (WHERE days.day - bought.day < 7))::integer AS bought_days_7d,
            (count(*) FILTER (WHERE days.day - bought.day < 28))::integer AS bought_days_28d,
            count(*)::integer AS bought_days_90d,
            days.day - max(bought.day) AS days_since_bought,
            max(bought.day) - min(bought.day) AS days_apart
        FROM bought
        WHERE bought.category IS NOT NULL AND bought.day <= days.day AND days.day - bought.day < 90
        GROUP BY bought.household_id, bought.category
    ),

    categories AS (
        SELECT
            own.category,
            (count(*) FILTER (WHERE own.bought_days_7d > 0))::double precision / active.households AS household_share_7d,
            (count(*) FILTER (WHERE own.bought_days_28d > 0))::double precision / active.households AS household_share_28d,
            row_number() OVER (ORDER BY count(*) FILTER (WHERE own.bought_days_28d > 0) DESC, own.category) AS place
        FROM own
        CROSS JOIN (SELECT count(*) AS households FROM households) AS active
        GROUP BY own.category, active.households
    )

    SELECT
        household_id,
        category,
        coalesce(own.bought_days_7d, 0) AS bought_days_7d,
        coalesce(own.bought_days_28d, 0) AS bought_days_28d,
        coalesce(own.bought_days_90d, 0) AS bought_days_90d,
        own.days_since_bought,
        own.days_apart,
        categories.household_share_7d,
        categories.household_share_28d,
        households.visit_days_28d,
        households.visit_days_90d,
        households.days_since_visit
    FROM (
        SELECT
            households.household_id,
            categories.category
        FROM households
        CROSS JOIN categories
        WHERE categories.place <= 90
    ) AS popular
    FULL JOIN own USING (household_id, category)
    -- Every candidate has both. As inner joins they are thought to leave next to nothing, and are planned for that.
    LEFT JOIN households USING (household_id)
    LEFT JOIN categories USING (category)
) AS candidates
LEFT JOIN named USING (category)
