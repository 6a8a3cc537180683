-- One row per parcel handed in on the partition's day, in the order of its entity key.
\ir ../parcel_hours/extract.sql
