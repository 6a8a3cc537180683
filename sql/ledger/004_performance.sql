-- The model's life: every decision about an alias, also a refusal, and how predictions compared with what happened.

ALTER TABLE ledger.alias_history
    ADD COLUMN outcome text NOT NULL DEFAULT 'moved',
    ADD COLUMN from_version integer,
    ADD COLUMN reasons jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN decided_by text,
    ADD CONSTRAINT known_outcome CHECK (outcome IN ('intended', 'moved', 'removed', 'refused', 'abandoned')),
    -- What did not move the alias takes no time: "which version was it at an instant" never finds it.
    ADD CONSTRAINT only_moves_last CHECK (outcome = 'moved' OR coalesce(until = since, false));
COMMENT ON TABLE ledger.alias_history IS
    'One row per decision about an alias. A row with outcome moved says from when to when it pointed to the version.';
COMMENT ON COLUMN ledger.alias_history.version IS 'The version it was to point to.';
COMMENT ON COLUMN ledger.alias_history.reason IS 'Why, in one line.';
COMMENT ON COLUMN ledger.alias_history.outcome IS
    'moved; removed; refused; intended: written down before the alias is moved; abandoned: intended, and never moved.';
COMMENT ON COLUMN ledger.alias_history.from_version IS 'The version it pointed to before; empty where there was none.';
COMMENT ON COLUMN ledger.alias_history.reasons IS 'What a promotion was judged by: check, whether it was met, what was found.';
COMMENT ON COLUMN ledger.alias_history.decided_by IS 'How it was started: a command, or an Airflow run as dag_id/run_id.';

-- One row per run, role, segment and metric: the predictions of a partition against what really happened.
CREATE TABLE ledger.performance (
    pipeline text NOT NULL,
    partition_date date NOT NULL,
    run_id bigint NOT NULL REFERENCES ledger.runs,
    role text NOT NULL,
    segment_by text NOT NULL,
    segment text NOT NULL,
    metric text NOT NULL,
    model_name text,
    model_version integer,
    value double precision NOT NULL,
    rows bigint NOT NULL,
    predictions bigint NOT NULL,
    detail jsonb,
    measured_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, role, segment_by, segment, metric),
    CONSTRAINT known_role CHECK (role IN ('champion', 'shadow')),
    CONSTRAINT measured_on_rows CHECK (rows BETWEEN 1 AND predictions)
);
CREATE INDEX performance_by_partition ON ledger.performance (pipeline, partition_date);
COMMENT ON TABLE ledger.performance IS
    'One row per run, role, segment and metric: the predictions of a partition against what really happened.';
COMMENT ON COLUMN ledger.performance.pipeline IS 'Name of the pipeline.';
COMMENT ON COLUMN ledger.performance.partition_date IS 'The partition.';
COMMENT ON COLUMN ledger.performance.run_id IS 'The run whose predictions were measured.';
COMMENT ON COLUMN ledger.performance.role IS 'champion: what was published or pushed; shadow: what the challenger predicted.';
COMMENT ON COLUMN ledger.performance.segment_by IS 'The column whose values are the segments; empty for all rows.';
COMMENT ON COLUMN ledger.performance.segment IS
    'The value of that column; (all) for all rows, (other) for the rows of segments that are too small.';
COMMENT ON COLUMN ledger.performance.metric IS
    'mae, rmse, poisson_deviance, bias; log_loss, brier_score, reliability; precision_at_5.';
COMMENT ON COLUMN ledger.performance.model_name IS 'Registered model; empty where each segment of the run had its own.';
COMMENT ON COLUMN ledger.performance.model_version IS 'Its version; empty where each segment of the run had its own.';
COMMENT ON COLUMN ledger.performance.value IS 'The metric.';
COMMENT ON COLUMN ledger.performance.rows IS 'Predictions with an actual, which the metric is over.';
COMMENT ON COLUMN ledger.performance.predictions IS 'Predictions that there were; the actuals of the others are not known.';
COMMENT ON COLUMN ledger.performance.detail IS 'Of reliability: bins with rows, mean prediction and observed share.';
COMMENT ON COLUMN ledger.performance.measured_at IS 'When it was measured last.';
