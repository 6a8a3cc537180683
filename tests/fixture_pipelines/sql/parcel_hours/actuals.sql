-- One row per parcel handed in on the partition's day, with the hours that it took; none while it is on its way.
SELECT
    depot,
    parcel_id,
    hours_taken AS actual
FROM parcels.handed_in
WHERE handed_in_at >= :window_start AND handed_in_at < :window_end
