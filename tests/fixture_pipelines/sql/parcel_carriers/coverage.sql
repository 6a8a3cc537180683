-- One row: the first and last local day that parcels were handed in on.
\ir ../parcel_hours/coverage.sql
