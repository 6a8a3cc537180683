-- One row per parcel: 400 a day from 2024-03-05 to 2024-03-12 in New York, whose 10 March has 23 hours.
-- The first parcel of a day is handed in at its first instant and the last one at its last.
CREATE SCHEMA parcels;
CREATE TABLE parcels.handed_in AS
SELECT
    (ARRAY['north', 'south', 'west'])[1 + n % 3] AS depot,
    (day - date '2024-03-01') * 1000 + n AS parcel_id,
    first_instant + (next_day - first_instant - interval '1 microsecond') * (n / 399.0) AS handed_in_at,
    (0.25 + ((n * 37 + day_of_month) % 3000) / 100.0)::numeric(9, 3) AS weight_kg,
    (1 + (n * 7919 + day_of_month * 104729) % 100000 / 1000.0)::double precision AS distance_km,
    CASE WHEN n % 10 > 0 THEN 1 + n % 4 END AS pieces,
    (ARRAY['city', 'suburb', 'country'])[1 + n / 3 % 3] AS zone,
    CASE WHEN n % 5 = 0 THEN 'fragile' END AS remark,
    (2 + n / 3 % 3 * 5 + (n * 7919 + day_of_month * 104729) % 100000 / 3000.0)::double precision AS hours_taken
FROM (
    SELECT
        generated.day::date AS day,
        extract(day FROM generated.day)::integer AS day_of_month,
        generated.day AT TIME ZONE 'America/New_York' AS first_instant,
        (generated.day + interval '1 day') AT TIME ZONE 'America/New_York' AS next_day
    FROM generate_series(timestamp '2024-03-05', timestamp '2024-03-12', interval '1 day') AS generated (day)
) AS days
CROSS JOIN generate_series(0, 399) AS parcels (n);
ALTER TABLE parcels.handed_in ADD PRIMARY KEY (depot, parcel_id);
