-- One row per pipeline and partition that is asked for and there: what its current run was like.
SELECT
    wanted.pipeline,
    wanted.partition_key,
    runs.rows_extracted,
    runs.rows_quarantined,
    runs.seconds,
    runs.nulls
FROM
    (
        SELECT DISTINCT asked.pipeline, asked.partition_key
        FROM unnest(CAST(:pipelines AS text[]), CAST(:keys AS text[])) AS asked (pipeline, partition_key)
    ) AS wanted
LEFT JOIN ledger.publications
    ON
        publications.pipeline = wanted.pipeline
        AND publications.partition_key = wanted.partition_key
        AND publications.withdrawn_at IS NULL
INNER JOIN LATERAL (
    SELECT found.rows_extracted, found.rows_quarantined, found.seconds, found.nulls
    FROM ledger.runs AS found
    WHERE
        found.pipeline = wanted.pipeline
        AND found.partition_key = wanted.partition_key
        AND (found.run_id = publications.run_id OR publications.run_id IS NULL AND found.state = 'pushed')
    ORDER BY found.attempt DESC
    LIMIT 1
) AS runs ON true
