-- One row per run of a partition, the newest first, with whether it is the current one.
SELECT
    runs.run_id,
    runs.attempt,
    runs.state,
    runs.trigger,
    runs.origin,
    runs.asked_by,
    runs.model_name,
    runs.model_version,
    runs.trained_through,
    runs.upstream_run_id,
    runs.rows_extracted,
    runs.rows_quarantined,
    runs.rows_failed,
    runs.rows_scored,
    runs.rows_kept,
    runs.error,
    runs.note,
    runs.waiting,
    runs.started_at,
    runs.finished_at,
    EXISTS (
        SELECT
        FROM ledger.publications
        WHERE publications.run_id = runs.run_id AND publications.withdrawn_at IS NULL
    ) AS current
FROM ledger.runs
WHERE runs.pipeline = :pipeline AND runs.partition_key = :key
ORDER BY runs.attempt DESC
LIMIT 50
