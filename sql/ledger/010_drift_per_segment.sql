-- One row per run, segment and column, where each segment has a model of its own; a request for all of them together.

ALTER TABLE ledger.drift
    ADD COLUMN segment text,
    DROP CONSTRAINT drift_pkey,
    ADD CONSTRAINT one_row_per_run_segment_and_column UNIQUE NULLS NOT DISTINCT (run_id, segment, column_name);
COMMENT ON TABLE ledger.drift IS
    'One row per run, segment and column: how far its spread is from that on the held-out days of the training.';
COMMENT ON COLUMN ledger.drift.segment IS
    'Segment whose rows were compared, where each has a model of its own; empty where one model scores all.';

ALTER TABLE ledger.retraining_requests
    ALTER COLUMN model_version DROP NOT NULL,
    DROP CONSTRAINT retraining_requests_pipeline_partition_date_model_version_key,
    ADD CONSTRAINT one_request_per_partition_and_version
        UNIQUE NULLS NOT DISTINCT (pipeline, partition_date, model_version);
COMMENT ON COLUMN ledger.retraining_requests.partition_date IS 'The partition that was watched.';
COMMENT ON COLUMN ledger.retraining_requests.model_version IS
    'The champion that was measured; empty where each segment has its own, and the reasons name the segments.';
