-- One row per segment of the newest measured partition.
SELECT performance.segment, performance.value, performance.rows
FROM ledger.performance
WHERE
    performance.run_id = (
        SELECT newest.run_id
        FROM ledger.performance AS newest
        WHERE newest.pipeline = :pipeline AND newest.metric = :metric AND newest.segment_by = ''
        ORDER BY newest.partition_key DESC, newest.run_id DESC
        LIMIT 1
    )
    AND performance.role = 'champion'
    AND performance.metric = :metric
    AND performance.segment_by = :segment_by
ORDER BY performance.value DESC
LIMIT 400
