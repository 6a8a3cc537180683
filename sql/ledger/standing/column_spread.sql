-- One row: how a column of a partition is spread, and how it was on the held-out days of the model that scored it.
SELECT
    drift.run_id,
    drift.divergence,
    drift.threshold,
    drift.drifted,
    drift.rows,
    drift.shares,
    drift.model_version,
    training_profiles.profile
FROM ledger.drift
LEFT JOIN ledger.run_segments
    ON run_segments.run_id = drift.run_id AND run_segments.segment IS NOT DISTINCT FROM drift.segment
LEFT JOIN ledger.training_profiles
    ON
        training_profiles.model_name = run_segments.model_name
        AND training_profiles.model_version = drift.model_version
        AND training_profiles.column_name = drift.column_name
WHERE
    drift.pipeline = :pipeline
    AND drift.partition_key = :key
    AND drift.column_name = :column
    AND drift.segment IS NOT DISTINCT FROM :segment
ORDER BY drift.run_id DESC
LIMIT 1
