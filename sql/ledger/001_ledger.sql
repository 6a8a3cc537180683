-- The run ledger: what ran on what, what came of it, and what is current.

CREATE SCHEMA IF NOT EXISTS ledger;
COMMENT ON SCHEMA ledger IS 'Daybreak: every run, its inputs by digest, its row counts, and which run is current.';
CREATE SCHEMA IF NOT EXISTS predictions;
COMMENT ON SCHEMA predictions IS 'Daybreak: for each pipeline the predictions of every run, and a view of the current ones.';

-- One row per pipeline, partition and attempt.
CREATE TABLE ledger.runs (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline text NOT NULL,
    partition_key text NOT NULL,
    partition_date date,
    attempt integer NOT NULL,
    window_start timestamptz,
    window_end timestamptz,
    timezone text,
    trigger text NOT NULL,
    origin text,
    state text NOT NULL DEFAULT 'running',
    parent_run_id bigint REFERENCES ledger.runs,
    model_name text,
    model_version integer,
    model_digest text,
    trained_through date,
    leakage_allowed boolean NOT NULL DEFAULT false,
    query_digest text,
    snapshot_uri text,
    snapshot_digest text,
    expectations_digest text,
    code_digest text,
    libraries jsonb,
    rows_extracted bigint,
    rows_quarantined bigint,
    rows_failed bigint,
    rows_scored bigint,
    seconds jsonb NOT NULL DEFAULT '{}',
    error text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    UNIQUE (pipeline, partition_key, attempt),
    CONSTRAINT known_state CHECK (state IN ('running', 'published', 'superseded', 'checked', 'failed')),
    CONSTRAINT every_row_is_accounted_for CHECK (
        (state IN ('running', 'failed') AND rows_scored IS NULL)
        OR coalesce(rows_extracted = rows_quarantined + rows_failed + rows_scored, false)
    ),
    CONSTRAINT finished_runs_know_what_they_used CHECK (
        state IN ('running', 'failed')
        OR (
            partition_date IS NOT NULL AND finished_at IS NOT NULL AND model_digest IS NOT NULL
            AND query_digest IS NOT NULL AND snapshot_digest IS NOT NULL AND expectations_digest IS NOT NULL
            AND code_digest IS NOT NULL AND libraries IS NOT NULL
        )
    ),
    CONSTRAINT failed_runs_say_why CHECK ((state = 'failed') = (error IS NOT NULL))
);
CREATE INDEX runs_by_origin ON ledger.runs (origin) WHERE origin IS NOT NULL;
COMMENT ON TABLE ledger.runs IS 'One row per pipeline, partition and attempt.';
COMMENT ON COLUMN ledger.runs.run_id IS 'The run; a higher number was planned later.';
COMMENT ON COLUMN ledger.runs.pipeline IS 'Name of the pipeline.';
COMMENT ON COLUMN ledger.runs.partition_key IS 'The partition as asked for; not a day where the run was refused for it.';
COMMENT ON COLUMN ledger.runs.partition_date IS 'The partition: a calendar day in the pipeline''s time zone.';
COMMENT ON COLUMN ledger.runs.attempt IS 'Number of the run among those of its partition, from 1.';
COMMENT ON COLUMN ledger.runs.window_start IS 'First instant of the partition.';
COMMENT ON COLUMN ledger.runs.window_end IS 'First instant after the partition.';
COMMENT ON COLUMN ledger.runs.timezone IS 'Time zone of the pipeline.';
COMMENT ON COLUMN ledger.runs.trigger IS 'How it was started: scheduled, manual, backfill, asset, command line, replay.';
COMMENT ON COLUMN ledger.runs.origin IS 'The Airflow run that it belongs to, as dag_id/run_id.';
COMMENT ON COLUMN ledger.runs.state IS
    'running, published, superseded (a newer run was published first), checked (dry run) or failed.';
COMMENT ON COLUMN ledger.runs.parent_run_id IS 'For a replay: the run whose quarantined rows were replayed.';
COMMENT ON COLUMN ledger.runs.model_name IS 'Registered model.';
COMMENT ON COLUMN ledger.runs.model_version IS 'Its version, resolved once when the run was planned.';
COMMENT ON COLUMN ledger.runs.model_digest IS 'SHA-256 of the model''s artifact.';
COMMENT ON COLUMN ledger.runs.trained_through IS 'Last day that the model has seen anything of.';
COMMENT ON COLUMN ledger.runs.leakage_allowed IS 'The run was told to accept a model that has seen days after the partition.';
COMMENT ON COLUMN ledger.runs.query_digest IS 'SHA-256 of the query, includes and all.';
COMMENT ON COLUMN ledger.runs.snapshot_uri IS 'Where the extracted rows are kept.';
COMMENT ON COLUMN ledger.runs.snapshot_digest IS 'SHA-256 of the snapshot''s file.';
COMMENT ON COLUMN ledger.runs.expectations_digest IS 'SHA-256 of the expectation suite.';
COMMENT ON COLUMN ledger.runs.code_digest IS 'SHA-256 of the engine''s and the pipelines'' Python source.';
COMMENT ON COLUMN ledger.runs.libraries IS 'Versions of the libraries that computed the predictions.';
COMMENT ON COLUMN ledger.runs.rows_extracted IS 'Rows read from the source.';
COMMENT ON COLUMN ledger.runs.rows_quarantined IS 'Rows that broke a critical expectation.';
COMMENT ON COLUMN ledger.runs.rows_failed IS 'Rows that the model could not score, or scored outside of the declared range.';
COMMENT ON COLUMN ledger.runs.rows_scored IS 'Rows with a prediction.';
COMMENT ON COLUMN ledger.runs.seconds IS 'Seconds spent in each stage.';
COMMENT ON COLUMN ledger.runs.error IS 'Why the run failed, in one line.';
COMMENT ON COLUMN ledger.runs.started_at IS 'When the run was planned.';
COMMENT ON COLUMN ledger.runs.finished_at IS 'When the run ended.';

-- One row per time a run became current. What is current is the row that is not withdrawn.
CREATE TABLE ledger.publications (
    publication_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline text NOT NULL,
    partition_date date NOT NULL,
    run_id bigint NOT NULL REFERENCES ledger.runs,
    reason text NOT NULL,
    published_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    CONSTRAINT withdrawn_after_published CHECK (withdrawn_at >= published_at)
);
CREATE UNIQUE INDEX one_current_publication ON ledger.publications (pipeline, partition_date)
    WHERE withdrawn_at IS NULL;
CREATE INDEX publications_by_run ON ledger.publications (run_id);
COMMENT ON TABLE ledger.publications IS 'One row per time that a run became the current one of its partition.';
COMMENT ON COLUMN ledger.publications.publication_id IS 'The publication.';
COMMENT ON COLUMN ledger.publications.pipeline IS 'Name of the pipeline.';
COMMENT ON COLUMN ledger.publications.partition_date IS 'The partition.';
COMMENT ON COLUMN ledger.publications.run_id IS 'The run whose predictions are shown.';
COMMENT ON COLUMN ledger.publications.reason IS 'run, rollback or replay.';
COMMENT ON COLUMN ledger.publications.published_at IS 'From when they are shown.';
COMMENT ON COLUMN ledger.publications.withdrawn_at IS 'Until when; empty while they are current.';

-- One row per run and expectation.
CREATE TABLE ledger.expectation_results (
    run_id bigint NOT NULL REFERENCES ledger.runs,
    position integer NOT NULL,
    expectation text NOT NULL,
    level text NOT NULL,
    severity text NOT NULL,
    success boolean NOT NULL,
    evaluated bigint NOT NULL,
    unexpected bigint NOT NULL,
    arguments jsonb NOT NULL,
    observed jsonb,
    PRIMARY KEY (run_id, position)
);
COMMENT ON TABLE ledger.expectation_results IS 'One row per run and expectation.';
COMMENT ON COLUMN ledger.expectation_results.run_id IS 'The run.';
COMMENT ON COLUMN ledger.expectation_results.position IS 'Place in the expectation suite, from 1.';
COMMENT ON COLUMN ledger.expectation_results.expectation IS 'Type of the expectation, as Great Expectations names it.';
COMMENT ON COLUMN ledger.expectation_results.level IS 'row: judged row by row; batch: judged over the whole batch.';
COMMENT ON COLUMN ledger.expectation_results.severity IS 'critical quarantines the row or stops the run; others are recorded.';
COMMENT ON COLUMN ledger.expectation_results.success IS 'Whether it was met.';
COMMENT ON COLUMN ledger.expectation_results.evaluated IS 'Rows it was judged on.';
COMMENT ON COLUMN ledger.expectation_results.unexpected IS 'Rows that broke it.';
COMMENT ON COLUMN ledger.expectation_results.arguments IS 'What was expected.';
COMMENT ON COLUMN ledger.expectation_results.observed IS 'What was observed, for batch-level expectations.';

-- One row per run and row that was not scored.
CREATE TABLE ledger.quarantine (
    run_id bigint NOT NULL REFERENCES ledger.runs,
    row_number bigint NOT NULL,
    stage text NOT NULL,
    entity_key jsonb NOT NULL,
    reasons text[] NOT NULL,
    payload jsonb NOT NULL,
    PRIMARY KEY (run_id, row_number),
    CONSTRAINT known_stage CHECK (stage IN ('validate', 'score'))
);
COMMENT ON TABLE ledger.quarantine IS 'One row per run and row that was not scored.';
COMMENT ON COLUMN ledger.quarantine.run_id IS 'The run.';
COMMENT ON COLUMN ledger.quarantine.row_number IS 'Position in the run''s snapshot, from 0.';
COMMENT ON COLUMN ledger.quarantine.stage IS 'validate: broke a critical expectation; score: the model could not score it.';
COMMENT ON COLUMN ledger.quarantine.entity_key IS 'The row''s entity key.';
COMMENT ON COLUMN ledger.quarantine.reasons IS 'Why, one text for each expectation broken.';
COMMENT ON COLUMN ledger.quarantine.payload IS 'The row as extracted.';

-- One row per time that an alias pointed to a version.
CREATE TABLE ledger.alias_history (
    model_name text NOT NULL,
    alias text NOT NULL,
    version integer NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz,
    reason text NOT NULL,
    PRIMARY KEY (model_name, alias, since)
);
CREATE UNIQUE INDEX one_version_per_alias ON ledger.alias_history (model_name, alias) WHERE until IS NULL;
COMMENT ON TABLE ledger.alias_history IS 'One row per time that an alias pointed to a model version.';
COMMENT ON COLUMN ledger.alias_history.model_name IS 'Registered model.';
COMMENT ON COLUMN ledger.alias_history.alias IS 'champion or challenger.';
COMMENT ON COLUMN ledger.alias_history.version IS 'The version it pointed to.';
COMMENT ON COLUMN ledger.alias_history.since IS 'From when.';
COMMENT ON COLUMN ledger.alias_history.until IS 'Until when; empty while it does.';
COMMENT ON COLUMN ledger.alias_history.reason IS 'Why it was moved.';
