-- Drift: how features and predictions were spread on the held-out days of a training, and how far a partition is off.

-- One row per model version and column.
CREATE TABLE ledger.training_profiles (
    model_name text NOT NULL,
    model_version integer NOT NULL,
    column_name text NOT NULL,
    profile jsonb NOT NULL,
    PRIMARY KEY (model_name, model_version, column_name)
);
COMMENT ON TABLE ledger.training_profiles IS
    'One row per model version and column: its spread on the held-out days of the training.';
COMMENT ON COLUMN ledger.training_profiles.model_name IS 'Registered model.';
COMMENT ON COLUMN ledger.training_profiles.model_version IS 'Its version.';
COMMENT ON COLUMN ledger.training_profiles.column_name IS 'A feature, or the predicted column.';
COMMENT ON COLUMN ledger.training_profiles.profile IS
    'Bins and weights of numbers, values and weights of texts, as Great Expectations takes a partition object.';

-- One row per run and column.
CREATE TABLE ledger.drift (
    run_id bigint NOT NULL REFERENCES ledger.runs,
    pipeline text NOT NULL,
    partition_date date NOT NULL,
    column_name text NOT NULL,
    model_version integer NOT NULL,
    divergence double precision,
    threshold double precision NOT NULL,
    drifted boolean NOT NULL,
    rows bigint NOT NULL,
    measured_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, column_name)
);
CREATE INDEX drift_by_partition ON ledger.drift (pipeline, partition_date);
COMMENT ON TABLE ledger.drift IS
    'One row per run and column: how far the spread of its values is from that on the held-out days of the training.';
COMMENT ON COLUMN ledger.drift.run_id IS 'The run.';
COMMENT ON COLUMN ledger.drift.pipeline IS 'Name of the pipeline.';
COMMENT ON COLUMN ledger.drift.partition_date IS 'The partition.';
COMMENT ON COLUMN ledger.drift.column_name IS 'A feature, or the predicted column.';
COMMENT ON COLUMN ledger.drift.model_version IS 'The version that scored the run, with whose training it is compared.';
COMMENT ON COLUMN ledger.drift.divergence IS
    'Kullback-Leibler divergence in nats; empty where it is infinite: values where the training had none.';
COMMENT ON COLUMN ledger.drift.threshold IS 'The divergence from which on it is drift.';
COMMENT ON COLUMN ledger.drift.drifted IS 'Whether it is.';
COMMENT ON COLUMN ledger.drift.rows IS 'Rows that were compared.';
COMMENT ON COLUMN ledger.drift.measured_at IS 'When it was measured.';

-- One row per time that measurements asked, or would have asked, for a training.
CREATE TABLE ledger.retraining_requests (
    request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline text NOT NULL,
    partition_date date NOT NULL,
    model_version integer NOT NULL,
    reasons text[] NOT NULL,
    held_back text,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (pipeline, partition_date, model_version)
);
COMMENT ON TABLE ledger.retraining_requests IS
    'One row per pipeline, partition and version whose measurements crossed a declared threshold.';
COMMENT ON COLUMN ledger.retraining_requests.request_id IS 'The request.';
COMMENT ON COLUMN ledger.retraining_requests.pipeline IS 'Name of the pipeline.';
COMMENT ON COLUMN ledger.retraining_requests.partition_date IS 'The partition that was measured last.';
COMMENT ON COLUMN ledger.retraining_requests.model_version IS 'The champion that was measured.';
COMMENT ON COLUMN ledger.retraining_requests.reasons IS 'What crossed its threshold.';
COMMENT ON COLUMN ledger.retraining_requests.held_back IS 'Why no training was asked for all the same: the cool-down.';
COMMENT ON COLUMN ledger.retraining_requests.requested_at IS 'When.';
