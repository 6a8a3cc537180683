-- One row per partition, generation and kind of what was to be sent, the newest first.
SELECT
    deliveries.partition_date,
    deliveries.generation,
    deliveries.kind,
    count(*) AS chunks,
    count(*) FILTER (WHERE deliveries.state = 'acknowledged') AS acknowledged,
    count(*) FILTER (WHERE deliveries.state = 'open') AS open,
    count(*) FILTER (WHERE deliveries.state = 'obsolete') AS obsolete,
    sum(deliveries.items) AS items,
    sum(deliveries.rejected) AS rejected,
    max(deliveries.attempts) AS attempts,
    min(deliveries.opened_at) AS opened_at,
    max(deliveries.acknowledged_at) AS acknowledged_at,
    max(deliveries.run_id) AS run_id
FROM ledger.deliveries
WHERE deliveries.pipeline = :pipeline AND deliveries.partition_date >= :first
GROUP BY deliveries.partition_date, deliveries.generation, deliveries.kind
ORDER BY deliveries.partition_date DESC, deliveries.generation DESC, deliveries.kind
