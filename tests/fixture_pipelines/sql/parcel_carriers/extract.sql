-- One row per parcel handed in on the partition's day and carrier, with the class that the upstream run gave it.
-- In the order of the entity key, so that a parcel's rows follow each other.
SELECT
    handed_in.depot,
    handed_in.parcel_id,
    carriers.carrier,
    classes.parcel_class
FROM predictions.parcel_classes_runs AS classes
INNER JOIN parcels.handed_in USING (depot, parcel_id)
CROSS JOIN generate_series(1, 4) AS carriers (carrier)
WHERE
    classes.run_id = :upstream_run_id
    AND handed_in.handed_in_at >= :window_start
    AND handed_in.handed_in_at < :window_end
ORDER BY depot, parcel_id, carrier
