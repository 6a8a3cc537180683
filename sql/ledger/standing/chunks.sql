-- One row per chunk of a partition that is open, or was last to be sent, the open ones first.
SELECT
    deliveries.generation,
    deliveries.kind,
    deliveries.position,
    deliveries.idempotency_key,
    deliveries.items,
    deliveries.rejected,
    deliveries.state,
    deliveries.attempts,
    deliveries.opened_at,
    deliveries.acknowledged_at
FROM ledger.deliveries
WHERE deliveries.pipeline = :pipeline AND deliveries.partition_date = :day
ORDER BY deliveries.state = 'open' DESC, deliveries.generation DESC, deliveries.kind, deliveries.position
LIMIT 200
