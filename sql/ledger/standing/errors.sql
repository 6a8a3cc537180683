-- One row per measured partition and role, of all rows together: the newest partitions, the oldest of them first.
SELECT found.partition_key, found.role, found.model_version, found.value, found.rows
FROM (
    SELECT DISTINCT ON (performance.partition_key, performance.role)
        performance.partition_key,
        performance.role,
        performance.model_version,
        performance.value,
        performance.rows
    FROM ledger.performance
    WHERE
        performance.pipeline = :pipeline
        AND performance.metric = :metric
        AND performance.segment_by = ''
        AND performance.partition_key >= :first
    ORDER BY performance.partition_key, performance.role, performance.run_id DESC
) AS found
ORDER BY found.partition_key, found.role
