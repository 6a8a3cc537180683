-- One row per pipeline that is asked for: what its last measurements say of the model, and whether a training followed.
SELECT
    wanted.pipeline,
    request.partition_key,
    request.reasons,
    request.kinds,
    request.held_back,
    request.requested_at,
    (
        SELECT max(trusted_versions.recorded_at)
        FROM ledger.trusted_versions
        WHERE
            trusted_versions.model_name = ANY (string_to_array(wanted.models, chr(10)))
            AND trusted_versions.recorded_at > request.requested_at
    ) AS trained_at
FROM
    unnest(CAST(:pipelines AS text[]), CAST(:models AS text[])) AS wanted (pipeline, models)
INNER JOIN LATERAL (
    SELECT found.*
    FROM ledger.retraining_requests AS found
    WHERE found.pipeline = wanted.pipeline
    ORDER BY found.partition_key DESC, found.request_id DESC
    LIMIT 1
) AS request ON true
-- Of a partition that was measured later, without crossing anything, there is no request; one that was made anew since,
-- and crosses nothing any more, is settled.
WHERE
    request.settled_at IS NULL
    AND request.partition_key >= greatest(
        (
            SELECT max(performance.partition_key)
            FROM ledger.performance
            WHERE performance.pipeline = wanted.pipeline AND performance.role = 'champion'
        ),
        (SELECT max(drift.partition_key) FROM ledger.drift WHERE drift.pipeline = wanted.pipeline),
        request.partition_key
    )
ORDER BY wanted.pipeline
