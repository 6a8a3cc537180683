-- One row per day and product: 400 products on each of the twelve days that end with :last_day.
-- Every number has few digits, so that none can be taken for a prediction, and every day has the same numbers in another
-- order, so that scores are spread alike.
CREATE SCHEMA shelves;
CREATE TABLE shelves.daily AS
SELECT
    last_day - back AS day,
    n AS product_id,
    (ARRAY['GROCERY', 'DRUG', 'PRODUCE'])[1 + n % 3] AS department,
    ((n * 7919 + back * 104729) % 400 / 8.0)::double precision AS units,
    (1 + (n * 6007 + back * 1299709) % 160 / 8.0)::double precision AS price,
    ((n * 31 + back * 17) % 5 / 8.0)::double precision AS discount_share_28d,
    (1 + (n + back) % 4)::double precision AS mean_stores_28d,
    ((n * 7919 + back * 104729) % 400 / 8.0 - (n * 6007 + back * 1299709) % 160 / 8.0 + (n * 37 + back * 101) % 40 > 30)
        AS sold
FROM (SELECT CAST(:last_day AS date) AS last_day) AS given
CROSS JOIN generate_series(0, 11) AS days (back)
CROSS JOIN generate_series(1, 400) AS products (n);
ALTER TABLE shelves.daily ADD PRIMARY KEY (day, product_id);
