-- One row: the first and last day that the source holds.
SELECT min(day) AS first_day, max(day) AS last_day
FROM shelves.daily
