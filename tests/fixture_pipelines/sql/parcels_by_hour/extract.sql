-- One row per parcel handed in within the partition, in the order of its entity key.
\ir ../parcel_hours/extract.sql
