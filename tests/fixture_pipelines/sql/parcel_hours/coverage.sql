-- One row: the first and last local day that parcels were handed in on.
SELECT
    (min(handed_in_at) AT TIME ZONE :timezone)::date AS first_day,
    (max(handed_in_at) AT TIME ZONE :timezone)::date AS last_day
FROM parcels.handed_in
