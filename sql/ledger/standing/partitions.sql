-- One row per pipeline and partition that is asked for: what of it is current, and the last run that was made for it.
SELECT
    wanted.pipeline,
    wanted.partition_key,
    shown.run_id AS current_run,
    coalesce(publications.published_at, shown.finished_at) AS there_since,
    shown.state AS current_state,
    shown.rows_extracted,
    shown.rows_quarantined,
    shown.rows_failed,
    coalesce(shown.rows_kept, shown.rows_scored) AS rows_published,
    shown.model_version,
    shown.trained_through,
    shown.upstream_run_id IS NOT NULL AND upstream_now.run_id IS DISTINCT FROM shown.upstream_run_id AS stale,
    upstream.pipeline AS upstream,
    coalesce(looks.changed, false) AS outdated,
    looks.looked_at AS source_looked_at,
    newest.run_id AS last_run,
    newest.state AS last_state,
    newest.error,
    newest.error_type,
    newest.note,
    newest.waiting,
    newest.started_at,
    newest.finished_at
FROM
    unnest(CAST(:pipelines AS text[]), CAST(:keys AS text[])) AS wanted (pipeline, partition_key)
LEFT JOIN ledger.publications
    ON
        publications.pipeline = wanted.pipeline
        AND publications.partition_key = wanted.partition_key
        AND publications.withdrawn_at IS NULL
LEFT JOIN LATERAL (
    SELECT runs.*
    FROM ledger.runs
    WHERE
        runs.pipeline = wanted.pipeline
        AND runs.partition_key = wanted.partition_key
        AND runs.state <> 'checked'
    ORDER BY runs.attempt DESC
    LIMIT 1
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT runs.run_id
    FROM ledger.runs
    WHERE
        runs.pipeline = wanted.pipeline
        AND runs.partition_key = wanted.partition_key
        AND runs.state = 'pushed'
    ORDER BY runs.attempt DESC
    LIMIT 1
) AS sent ON true
LEFT JOIN ledger.runs AS shown ON shown.run_id = coalesce(publications.run_id, sent.run_id)
LEFT JOIN ledger.source_looks AS looks ON looks.run_id = shown.run_id
LEFT JOIN ledger.runs AS upstream ON upstream.run_id = shown.upstream_run_id
LEFT JOIN ledger.publications AS upstream_now
    ON
        upstream_now.pipeline = upstream.pipeline
        AND upstream_now.partition_key = upstream.partition_key
        AND upstream_now.withdrawn_at IS NULL
ORDER BY wanted.pipeline, wanted.partition_key
