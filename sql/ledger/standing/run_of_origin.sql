-- One row: the partition of the last run that belongs to an Airflow run.
SELECT runs.run_id, runs.partition_key
FROM ledger.runs
WHERE runs.origin = :origin AND runs.pipeline = :pipeline
ORDER BY runs.run_id DESC
LIMIT 1
