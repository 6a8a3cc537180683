-- One row per parcel handed in on the days from :first_day to :last_day of :timezone.
\ir ../parcel_hours/training.sql
