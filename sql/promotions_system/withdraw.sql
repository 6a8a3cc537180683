-- One row per offer to withdraw that stands under another pipeline or day, and so is not withdrawn. One that is not
-- known is not listed either, which is all that its sender wants.
WITH named AS (
    SELECT offer_id, (pipeline, partition_date) = (:pipeline, :partition_date) AS is_own
    FROM promotions_system.offers
    WHERE offer_id = ANY(:withdrawn)
    ORDER BY offer_id
    FOR UPDATE
),
withdrawal AS (
    UPDATE promotions_system.offers
    SET withdrawn_at = clock_timestamp(), idempotency_key = :idempotency_key
    FROM named
    WHERE offers.offer_id = named.offer_id AND named.is_own AND offers.withdrawn_at IS NULL
)
SELECT offer_id FROM named WHERE NOT is_own
