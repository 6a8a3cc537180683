-- One row per day, household that bought anything in the 90 days that end with the day, and product category candidate.
-- The one definition of the features: extract.sql asks for a single day, training.sql for many (every seventh from
-- :first_day to :last_day). Everything is as known when the day ended, in local days of :timezone: no later sale is read.
-- Candidates are the categories that the household bought in the 90 days, and the 90 that most households bought in the
-- last 28 (the name decides between equals): the first hold what is bought again, the second what may be new. Fuel,
-- coupons and products without a category are no candidates: nobody can be offered them. They still count as visits.
-- Days are counted, not units or money: a category bought twice on a day is bought once.
WITH days AS (
    SELECT generated.day::date AS day
    FROM generate_series(:first_day::date, :last_day::date, interval '7 days') AS generated (day)
),

bought AS (
    SELECT DISTINCT
        sold.household_id,
        CASE
            WHEN products.product_category NOT IN ('COUPON/MISC ITEMS', 'FUEL') THEN products.product_category
        END AS product_category,
        (sold.transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date AS day
    FROM retail.transactions AS sold
    LEFT JOIN retail.products AS products USING (product_id)
    WHERE
        sold.transaction_timestamp >= (:first_day::date - 89)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
        AND sold.transaction_timestamp < (:last_day::date + 1)::timestamp AT TIME ZONE :timezone AT TIME ZONE 'UTC'
),

households AS (
    SELECT
        days.day,
        visited.household_id,
        (count(*) FILTER (WHERE visited.day > days.day - 28))::integer AS visit_days_28d,
        count(*)::integer AS visit_days_90d,
        days.day - max(visited.day) AS days_since_visit
    FROM days
    INNER JOIN (SELECT DISTINCT bought.household_id, bought.day FROM bought) AS visited
        ON visited.day BETWEEN days.day - 89 AND days.day
    GROUP BY days.day, visited.household_id
),

own AS (
    SELECT
        days.day,
        bought.household_id,
        bought.product_category,
        (count(*) FILTER (WHERE bought.day > days.day - 7))::integer AS bought_days_7d,
        (count(*) FILTER (WHERE bought.day > days.day - 28))::integer AS bought_days_28d,
        count(*)::integer AS bought_days_90d,
        days.day - max(bought.day) AS days_since_bought,
        max(bought.day) - min(bought.day) AS days_apart
    FROM days
    INNER JOIN bought ON bought.day BETWEEN days.day - 89 AND days.day
    WHERE bought.product_category IS NOT NULL
    GROUP BY days.day, bought.household_id, bought.product_category
),

categories AS (
    SELECT
        own.day,
        own.product_category,
        (count(*) FILTER (WHERE own.bought_days_7d > 0))::double precision / active.households AS household_share_7d,
        (count(*) FILTER (WHERE own.bought_days_28d > 0))::double precision / active.households AS household_share_28d,
        row_number() OVER (
            PARTITION BY own.day
            ORDER BY count(*) FILTER (WHERE own.bought_days_28d > 0) DESC, own.product_category
        ) AS place
    FROM own
    INNER JOIN (SELECT day, count(*) AS households FROM households GROUP BY day) AS active USING (day)
    GROUP BY own.day, own.product_category, active.households
),

candidates AS (
    SELECT
        day,
        household_id,
        product_category,
        max(bought_days_7d) AS bought_days_7d,
        max(bought_days_28d) AS bought_days_28d,
        max(bought_days_90d) AS bought_days_90d,
        max(days_since_bought) AS days_since_bought,
        max(days_apart) AS days_apart
    FROM (
        SELECT * FROM own
        UNION ALL
        SELECT households.day, households.household_id, categories.product_category, 0, 0, 0, NULL, NULL
        FROM households
        INNER JOIN categories USING (day)
        WHERE categories.place <= 90
    ) AS found
    GROUP BY day, household_id, product_category
)

SELECT
    candidates.day,
    candidates.household_id,
    candidates.product_category,
    candidates.bought_days_7d,
    candidates.bought_days_28d,
    candidates.bought_days_90d,
    candidates.days_since_bought::double precision AS days_since_bought,
    candidates.days_apart::double precision / nullif(candidates.bought_days_90d - 1, 0) AS days_between,
    candidates.days_since_bought * (candidates.bought_days_90d - 1)::double precision / nullif(candidates.days_apart, 0)
        AS intervals_since_bought,
    categories.household_share_7d,
    categories.household_share_28d,
    households.visit_days_28d,
    households.visit_days_90d,
    households.days_since_visit
FROM candidates
-- Every candidate has both. As inner joins they are thought to leave next to nothing, and are planned for that.
LEFT JOIN households USING (day, household_id)
LEFT JOIN categories USING (day, product_category)
