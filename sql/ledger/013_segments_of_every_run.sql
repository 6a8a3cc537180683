-- Every planned run says in ledger.run_segments which version scores its rows: one model is the case of one segment.

-- One row per run that had one model for all of its rows.
INSERT INTO ledger.run_segments (
    run_id, position, segment, model_name, model_version, model_digest, trained_through,
    rows_extracted, rows_quarantined, rows_failed, rows_scored
)
SELECT
    run_id, 1, NULL, model_name, model_version, model_digest, trained_through,
    rows_extracted, rows_quarantined, rows_failed, rows_scored
FROM ledger.runs
WHERE num_nulls(model_name, model_version, model_digest, trained_through) = 0;

COMMENT ON TABLE ledger.run_segments IS
    'One row per planned run and segment; a run with one model for all rows has one.';
COMMENT ON COLUMN ledger.run_segments.segment IS
    'The segment; empty for the rows that are in no other: all of them where there is one model.';
