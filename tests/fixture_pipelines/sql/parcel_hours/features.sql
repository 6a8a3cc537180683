-- One row per parcel handed in from :window_start (included) to :window_end (left out).
SELECT
    depot,
    parcel_id,
    weight_kg,
    distance_km,
    pieces,
    zone,
    remark
FROM parcels.handed_in
WHERE handed_in_at >= :window_start AND handed_in_at < :window_end
