-- One row: the first and last local day that the source holds sales of.
-- A partition outside of it is refused before anything is read.
SELECT
    (min(transaction_timestamp) AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date AS first_day,
    (max(transaction_timestamp) AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date AS last_day
FROM retail.transactions
