-- What the promotions system keeps: offers, and the answer it gave to each chunk.
-- Applied at every start; it changes nothing that is there.

CREATE SCHEMA IF NOT EXISTS promotions_system;
COMMENT ON SCHEMA promotions_system IS 'The promotions system: a stand-in that belongs to the receiver, not to Daybreak.';

-- One row per offer. The sender names it; sending it again changes it.
CREATE TABLE IF NOT EXISTS promotions_system.offers (
    offer_id uuid PRIMARY KEY,
    pipeline text NOT NULL,
    partition_date date NOT NULL,
    product_id bigint NOT NULL,
    probability double precision NOT NULL,
    rank integer NOT NULL,
    action text NOT NULL,
    model_version integer NOT NULL,
    valid_until timestamptz NOT NULL,
    idempotency_key text NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    first_received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    withdrawn_at timestamptz
);
CREATE INDEX IF NOT EXISTS offers_by_day ON promotions_system.offers (partition_date, pipeline, rank);
COMMENT ON TABLE promotions_system.offers IS 'One row per offer.';
COMMENT ON COLUMN promotions_system.offers.offer_id IS 'The offer, as the sender names it.';
COMMENT ON COLUMN promotions_system.offers.pipeline IS 'The pipeline that sent it.';
COMMENT ON COLUMN promotions_system.offers.partition_date IS 'The day whose data it was derived from.';
COMMENT ON COLUMN promotions_system.offers.product_id IS 'The product on offer.';
COMMENT ON COLUMN promotions_system.offers.probability IS 'Probability that the product sells on the day after the partition.';
COMMENT ON COLUMN promotions_system.offers.rank IS 'Place among the offers of its pipeline and partition, from 1.';
COMMENT ON COLUMN promotions_system.offers.action IS 'price_reduction, display or mailer.';
COMMENT ON COLUMN promotions_system.offers.model_version IS 'The model version that scored it.';
COMMENT ON COLUMN promotions_system.offers.valid_until IS 'When it expires.';
COMMENT ON COLUMN promotions_system.offers.idempotency_key IS 'The chunk that wrote it last.';
COMMENT ON COLUMN promotions_system.offers.revision IS 'How many chunks have written it; an answer given again writes nothing.';
COMMENT ON COLUMN promotions_system.offers.first_received_at IS 'When it first came.';
COMMENT ON COLUMN promotions_system.offers.received_at IS 'When it was last written.';
COMMENT ON COLUMN promotions_system.offers.withdrawn_at IS 'When the sender took it back.';

-- One row per chunk that was processed.
CREATE TABLE IF NOT EXISTS promotions_system.chunks (
    idempotency_key text PRIMARY KEY,
    body_digest bytea NOT NULL,
    status integer,
    answer text,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE promotions_system.chunks IS 'One row per chunk that was processed; refused requests leave none.';
COMMENT ON COLUMN promotions_system.chunks.idempotency_key IS 'The key the sender gave it.';
COMMENT ON COLUMN promotions_system.chunks.body_digest IS 'SHA-256 of the body, to tell a repetition from another chunk.';
COMMENT ON COLUMN promotions_system.chunks.status IS 'Status of the answer; empty only inside of the transaction that processes it.';
COMMENT ON COLUMN promotions_system.chunks.answer IS 'The answer, given again to whoever repeats the request.';
COMMENT ON COLUMN promotions_system.chunks.received_at IS 'When it came.';

-- One row per offer, with what has become of it by now.
CREATE OR REPLACE VIEW promotions_system.listed_offers AS
SELECT
    offers.*,
    CASE
        WHEN withdrawn_at IS NOT NULL THEN 'withdrawn'
        WHEN valid_until <= clock_timestamp() THEN 'expired'
        ELSE 'active'
    END AS state
FROM promotions_system.offers;
COMMENT ON VIEW promotions_system.listed_offers IS 'One row per offer, with its state: active, expired or withdrawn.';
