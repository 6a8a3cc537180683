-- One row: how many runs were made. Fills a ledger of pipelines with so many days each, as they are after years.
WITH days AS (
    SELECT pipelines.pipeline, pipelines.pushes, CAST(:last AS date) - back.days AS day
    FROM unnest(CAST(:pipelines AS text[]), CAST(:pushes AS boolean[])) AS pipelines (pipeline, pushes)
    CROSS JOIN generate_series(0, :partitions - 1) AS back (days)
),

opened AS (
    INSERT INTO ledger.runs (
        pipeline, partition_key, partition_date, attempt, window_start, window_end, timezone, trigger, origin, state,
        model_name, model_version, model_digest, trained_through, query_digest, snapshot_uri, snapshot_digest,
        expectations_digest, code_digest, libraries, rows_extracted, rows_quarantined, rows_failed, rows_scored,
        started_at, finished_at, seconds, nulls
    )
    SELECT
        pipeline, to_char(day, 'YYYY-MM-DD'), day, 1, day, day + 1, 'America/New_York', 'scheduled',
        pipeline || '/' || day, CASE WHEN pushes THEN 'pushed' ELSE 'published' END, pipeline, 1, 'm', day - 30, 'q',
        'file:///nowhere', 's', 'e', 'c', '{}', 18000, 100, 0, 17900, day + 1, day + 1, '{"extract": 20, "score": 40}',
        (SELECT jsonb_object_agg('column ' || n, 10 * n) FROM generate_series(0, 11) AS columns (n))
    FROM days
    ORDER BY day, pipeline
    RETURNING run_id, pipeline, partition_key, partition_date, state
),

shown AS (
    INSERT INTO ledger.publications (pipeline, partition_key, partition_date, run_id, reason, published_at)
    SELECT pipeline, partition_key, partition_date, run_id, 'run', partition_date + 1
    FROM opened
    WHERE state = 'published'
),

expected AS (
    INSERT INTO ledger.expectation_results (
        run_id, position, expectation, level, severity, success, evaluated, unexpected, arguments
    )
    SELECT run_id, n, 'expect_column_values_to_not_be_null', 'row', 'critical', n > 2, 18000, 50, '{"column": "a"}'
    FROM opened CROSS JOIN generate_series(1, 8) AS places (n)
),

aside AS (
    INSERT INTO ledger.quarantine (run_id, row_number, stage, entity_key, reasons, payload)
    SELECT run_id, n, 'validate', '{"store_id": 1}', ARRAY['a: it is null'], '{"a": null, "store_id": 1}'
    FROM opened CROSS JOIN generate_series(1, 100) AS places (n)
),

measured AS (
    INSERT INTO ledger.performance (
        pipeline, partition_key, partition_date, run_id, role, segment_by, segment, metric, model_name, model_version,
        value, rows, predictions, measured_at
    )
    SELECT
        pipeline, partition_key, partition_date, run_id, 'champion', CASE WHEN n = 0 THEN '' ELSE 'store_id' END,
        CASE WHEN n = 0 THEN '(all)' ELSE n::text END, metric, pipeline, 1, 1 + n / 100.0, 150, 18000, partition_date + 2
    FROM opened
    CROSS JOIN generate_series(0, 116) AS places (n)
    CROSS JOIN unnest(ARRAY['poisson_deviance', 'rmse', 'log_loss', 'precision_at_5']) AS metrics (metric)
),

drifted AS (
    INSERT INTO ledger.drift (
        run_id, pipeline, partition_key, partition_date, column_name, model_version, divergence, threshold, drifted,
        rows, measured_at, shares
    )
    SELECT
        run_id, pipeline, partition_key, partition_date, 'column ' || n, 1, 0.01, 0.2, false, 18000, partition_date + 2,
        '{0.1, 0.2, 0.3, 0.4}'
    FROM opened CROSS JOIN generate_series(1, 5) AS places (n)
),

scored_by AS (
    INSERT INTO ledger.run_segments (
        run_id, position, model_name, model_version, model_digest, trained_through, rows_extracted, rows_quarantined,
        rows_failed, rows_scored
    )
    SELECT run_id, 1, pipeline, 1, 'm', partition_date - 30, 18000, 100, 0, 17900
    FROM opened
),

looked_at AS (
    INSERT INTO ledger.source_looks (run_id, changed, looked_at)
    SELECT run_id, false, partition_date + 2
    FROM opened
),

sent AS (
    INSERT INTO ledger.deliveries (
        pipeline, partition_date, generation, position, run_id, kind, idempotency_key, model_version, snapshot_digest,
        items, digest, state, attempts, acknowledged_at
    )
    SELECT
        pipeline, partition_date, 1, n, run_id, 'offers', pipeline || partition_key || n, 1, 's', 100, 'd',
        'acknowledged', 1, partition_date + 1
    FROM opened CROSS JOIN generate_series(0, 1) AS places (n)
    WHERE state = 'pushed'
)

SELECT count(*) AS runs FROM opened
