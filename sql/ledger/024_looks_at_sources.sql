-- What the pages show of sources that have changed, and of how a partition's columns are spread.

-- One row per run that was current when its source was looked at: what was found the last time.
CREATE TABLE ledger.source_looks (
    run_id bigint PRIMARY KEY REFERENCES ledger.runs,
    changed boolean NOT NULL,
    looked_at timestamptz NOT NULL
);
COMMENT ON TABLE ledger.source_looks IS
    'One row per run: whether its source says something else than when it was planned, as was found the last time.';
COMMENT ON COLUMN ledger.source_looks.run_id IS 'The run, which was the current one of its partition then.';
COMMENT ON COLUMN ledger.source_looks.changed IS 'Whether changed.sql gave something else than it saw.';
COMMENT ON COLUMN ledger.source_looks.looked_at IS 'When the source was asked last.';

ALTER TABLE ledger.drift ADD COLUMN shares double precision [];
COMMENT ON COLUMN ledger.drift.shares IS
    'Share of the rows in each bin or value of the training profile, in its order; the rest lies in none of them. Empty '
    'of what was measured before this was kept, and of pipelines that push.';
