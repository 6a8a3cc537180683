-- One row per parcel handed in on the partition's day, in the order of its entity key.
SELECT *
FROM (
    \ir features.sql
) AS features
ORDER BY depot, parcel_id
