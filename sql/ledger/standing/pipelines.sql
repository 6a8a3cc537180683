-- One row per pipeline that is asked for: its first partition, whether it is used, and what was measured last of its error and its drift.
SELECT
    wanted.pipeline,
    first_run.partition_key AS first_partition,
    first_run.partition_key IS NOT NULL OR EXISTS (
        SELECT
        FROM ledger.trusted_versions
        WHERE trusted_versions.model_name = ANY (string_to_array(wanted.models, chr(10)))
    ) AS used,
    measured.partition_key AS measured_partition,
    measured.value AS measured_value,
    CAST(trained.metrics ->> wanted.metric AS double precision) AS trained_value,
    drifts.partition_key AS drift_partition,
    drifts.columns AS drift_columns,
    drifts.drifted AS drifted_columns
FROM
    unnest(CAST(:pipelines AS text[]), CAST(:metrics AS text[]), CAST(:models AS text[])) AS wanted (
        pipeline, metric, models
    )
LEFT JOIN LATERAL (
    SELECT runs.partition_key
    FROM ledger.runs
    WHERE runs.pipeline = wanted.pipeline AND runs.partition_date IS NOT NULL
    ORDER BY runs.partition_key
    LIMIT 1
) AS first_run ON true
LEFT JOIN LATERAL (
    SELECT performance.partition_key, performance.value, performance.model_name, performance.model_version
    FROM ledger.performance
    WHERE
        performance.pipeline = wanted.pipeline
        AND performance.segment_by = ''
        AND performance.role = 'champion'
        AND performance.metric = wanted.metric
    ORDER BY performance.partition_key DESC, performance.run_id DESC
    LIMIT 1
) AS measured ON true
LEFT JOIN ledger.trusted_versions AS trained
    ON trained.model_name = measured.model_name AND trained.version = measured.model_version
LEFT JOIN LATERAL (
    SELECT drift.partition_key, count(*) AS columns, count(*) FILTER (WHERE drift.drifted) AS drifted
    FROM ledger.drift
    WHERE
        drift.pipeline = wanted.pipeline
        AND drift.run_id = (
            SELECT newest.run_id
            FROM ledger.drift AS newest
            WHERE newest.pipeline = wanted.pipeline
            ORDER BY newest.partition_key DESC, newest.run_id DESC
            LIMIT 1
        )
    GROUP BY drift.partition_key
) AS drifts ON true
ORDER BY wanted.pipeline
