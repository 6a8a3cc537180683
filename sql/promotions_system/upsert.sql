-- One row per offer of the chunk that was written. An offer that stands under another pipeline, day or product is left
-- as it is and not returned. Sorted, so that two chunks with the same offers wait for each other instead of deadlocking.
INSERT INTO promotions_system.offers AS known (
    offer_id, pipeline, partition_date, product_id, probability, rank, action, model_version, valid_until,
    idempotency_key
)
SELECT
    sent.offer_id, :pipeline, :partition_date, sent.product_id, sent.probability, sent.rank, sent.action,
    :model_version, :valid_until, :idempotency_key
FROM
    jsonb_to_recordset(CAST(:offers AS jsonb)) AS sent (
        offer_id uuid, product_id bigint, probability double precision, rank integer, action text
    )
ORDER BY sent.offer_id
ON CONFLICT (offer_id) DO UPDATE SET
    probability = excluded.probability,
    rank = excluded.rank,
    action = excluded.action,
    model_version = excluded.model_version,
    valid_until = excluded.valid_until,
    idempotency_key = excluded.idempotency_key,
    revision = known.revision + 1,
    received_at = clock_timestamp(),
    withdrawn_at = NULL
WHERE
    (known.pipeline, known.partition_date, known.product_id)
    = (excluded.pipeline, excluded.partition_date, excluded.product_id)
RETURNING offer_id
