-- One row per parcel handed in on the days from :first_day to :last_day of :timezone, with the hours that it took.
SELECT
    features.*,
    handed_in.hours_taken,
    (handed_in.handed_in_at AT TIME ZONE :timezone)::date AS handed_in_on
FROM (
    \ir features.sql
) AS features
INNER JOIN parcels.handed_in USING (depot, parcel_id)
ORDER BY depot, parcel_id
