-- One row per parcel handed in on the days from :first_day to :last_day of :timezone and one of eight carriers: whether
-- that carrier would have done. The parcel's class is completed by training.py.
SELECT
    depot,
    parcel_id,
    carriers.carrier,
    carriers.carrier + parcel_id % 2 > 6 AS would_do
FROM parcels.handed_in
CROSS JOIN generate_series(1, 8) AS carriers (carrier)
WHERE handed_in_at >= :window_start AND handed_in_at < :window_end
ORDER BY depot, parcel_id, carrier
