-- Deliveries: receipts of predictions that are sent downstream and kept nowhere.

ALTER TABLE ledger.runs DROP CONSTRAINT known_state;
ALTER TABLE ledger.runs ADD CONSTRAINT known_state CHECK (
    state IN ('running', 'published', 'superseded', 'checked', 'failed', 'pushed', 'not pushed')
);
ALTER TABLE ledger.runs ADD COLUMN note text;
COMMENT ON COLUMN ledger.runs.state IS
    'running; published, superseded (a newer run was first); pushed, not pushed; checked (dry run); or failed.';
COMMENT ON COLUMN ledger.runs.note IS 'Why a finished run did less than it could have, for example: not pushed: backfill.';

-- One row per chunk that was to be sent. It holds nothing that a prediction could be read or guessed from.
CREATE TABLE ledger.deliveries (
    pipeline text NOT NULL,
    partition_date date NOT NULL,
    generation integer NOT NULL,
    position integer NOT NULL,
    run_id bigint NOT NULL REFERENCES ledger.runs,
    kind text NOT NULL,
    idempotency_key text NOT NULL UNIQUE,
    model_version integer NOT NULL,
    snapshot_digest text NOT NULL,
    items integer NOT NULL,
    digest text NOT NULL,
    state text NOT NULL DEFAULT 'open',
    rejected integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    acknowledged_at timestamptz,
    PRIMARY KEY (pipeline, partition_date, generation, kind, position),
    CONSTRAINT known_kind CHECK (kind IN ('offers', 'withdrawals')),
    CONSTRAINT known_state CHECK (state IN ('open', 'acknowledged', 'obsolete')),
    CONSTRAINT acknowledged_has_a_time CHECK ((state = 'acknowledged') = (acknowledged_at IS NOT NULL)),
    CONSTRAINT items_are_counted CHECK (items > 0 AND rejected BETWEEN 0 AND items)
);
CREATE INDEX deliveries_by_run ON ledger.deliveries (run_id);
COMMENT ON TABLE ledger.deliveries IS 'One row per chunk of predictions that was to be sent downstream: the receipt.';
COMMENT ON COLUMN ledger.deliveries.pipeline IS 'Name of the pipeline.';
COMMENT ON COLUMN ledger.deliveries.partition_date IS 'The partition.';
COMMENT ON COLUMN ledger.deliveries.generation IS
    'Counts the different contents that were to be sent for the partition, from 1.';
COMMENT ON COLUMN ledger.deliveries.position IS 'Place of the chunk among those of its generation and kind, from 0.';
COMMENT ON COLUMN ledger.deliveries.run_id IS 'The run that opened it.';
COMMENT ON COLUMN ledger.deliveries.kind IS 'offers, or withdrawals of offers that an earlier generation made.';
COMMENT ON COLUMN ledger.deliveries.idempotency_key IS 'The key it is sent under; kept over retries, re-runs and crashes.';
COMMENT ON COLUMN ledger.deliveries.model_version IS 'The model version that scored it.';
COMMENT ON COLUMN ledger.deliveries.snapshot_digest IS 'SHA-256 of the snapshot it was scored from.';
COMMENT ON COLUMN ledger.deliveries.items IS 'How many items it holds.';
COMMENT ON COLUMN ledger.deliveries.digest IS
    'HMAC-SHA-256 of its content under a secret key: a plain hash of a probability could be guessed.';
COMMENT ON COLUMN ledger.deliveries.state IS
    'open: not known to have arrived; acknowledged; obsolete: overtaken by a later one.';
COMMENT ON COLUMN ledger.deliveries.rejected IS 'Items of it that the receiver rejected.';
COMMENT ON COLUMN ledger.deliveries.attempts IS 'Requests that were made for it.';
COMMENT ON COLUMN ledger.deliveries.opened_at IS 'When it was written down, before the first request.';
COMMENT ON COLUMN ledger.deliveries.acknowledged_at IS 'When the receiver acknowledged it.';
