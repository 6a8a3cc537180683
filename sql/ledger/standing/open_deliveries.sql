-- One row per pipeline and partition with chunks that are not known to have arrived.
SELECT
    deliveries.pipeline,
    deliveries.partition_date,
    count(*) AS chunks,
    sum(deliveries.items) AS items,
    max(deliveries.attempts) AS attempts,
    min(deliveries.opened_at) AS opened_at
FROM ledger.deliveries
WHERE deliveries.pipeline = ANY (CAST(:pipelines AS text[])) AND deliveries.state = 'open'
GROUP BY deliveries.pipeline, deliveries.partition_date
ORDER BY deliveries.pipeline, deliveries.partition_date
