-- Cascades: which publication a run consumed, which model scored which segment, and what was kept of the scored rows.

ALTER TABLE ledger.runs
    ADD COLUMN upstream_run_id bigint REFERENCES ledger.runs,
    ADD COLUMN upstream_publication_id bigint REFERENCES ledger.publications,
    ADD COLUMN rows_kept bigint,
    ADD CONSTRAINT upstream_is_known_whole CHECK ((upstream_run_id IS NULL) = (upstream_publication_id IS NULL)),
    ADD CONSTRAINT kept_rows_were_scored CHECK (rows_kept BETWEEN 0 AND rows_scored);
COMMENT ON COLUMN ledger.runs.upstream_run_id IS 'The run of the upstream pipeline whose predictions were read.';
COMMENT ON COLUMN ledger.runs.upstream_publication_id IS 'The publication that made them current when this run was planned.';
COMMENT ON COLUMN ledger.runs.rows_kept IS
    'Rows that are published, where only the best of each group are; empty where all scored rows are.';
CREATE INDEX runs_by_upstream ON ledger.runs (upstream_run_id) WHERE upstream_run_id IS NOT NULL;

-- One row per run and segment, for pipelines that have a model for each segment.
CREATE TABLE ledger.run_segments (
    run_id bigint NOT NULL REFERENCES ledger.runs,
    position integer NOT NULL,
    segment text,
    model_name text,
    model_version integer,
    model_digest text,
    trained_through date,
    rows_extracted bigint,
    rows_quarantined bigint,
    rows_failed bigint,
    rows_scored bigint,
    PRIMARY KEY (run_id, position),
    CONSTRAINT one_row_per_segment UNIQUE NULLS NOT DISTINCT (run_id, segment),
    CONSTRAINT every_row_is_accounted_for CHECK (
        rows_scored IS NULL OR coalesce(rows_extracted = rows_quarantined + rows_failed + rows_scored, false)
    ),
    CONSTRAINT without_a_model_nothing_is_scored CHECK (model_name IS NOT NULL OR coalesce(rows_failed + rows_scored, 0) = 0),
    CONSTRAINT model_is_known_whole CHECK (
        num_nulls(model_name, model_version, model_digest, trained_through) IN (0, 4)
    )
);
COMMENT ON TABLE ledger.run_segments IS 'One row per run and segment, for pipelines that have a model for each segment.';
COMMENT ON COLUMN ledger.run_segments.run_id IS 'The run.';
COMMENT ON COLUMN ledger.run_segments.position IS 'Place of the segment in the pipeline''s declaration, from 1.';
COMMENT ON COLUMN ledger.run_segments.segment IS 'The segment; empty for the rows of any other segment, or of none.';
COMMENT ON COLUMN ledger.run_segments.model_name IS 'Registered model; empty where there is none, and the rows are quarantined.';
COMMENT ON COLUMN ledger.run_segments.model_version IS 'Its version, resolved once when the run was planned.';
COMMENT ON COLUMN ledger.run_segments.model_digest IS 'SHA-256 of the model''s artifact.';
COMMENT ON COLUMN ledger.run_segments.trained_through IS 'Last day that the model has seen anything of.';
COMMENT ON COLUMN ledger.run_segments.rows_extracted IS 'Rows of the segment that were read from the source.';
COMMENT ON COLUMN ledger.run_segments.rows_quarantined IS 'Those that broke a critical expectation, or had no model.';
COMMENT ON COLUMN ledger.run_segments.rows_failed IS 'Those that the model could not score.';
COMMENT ON COLUMN ledger.run_segments.rows_scored IS 'Those with a prediction.';

CREATE FUNCTION ledger.refuse_segments_that_do_not_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM ledger.run_segments
        WHERE run_id = NEW.run_id
        HAVING
            count(*) > 0
            AND (sum(rows_extracted), sum(rows_quarantined), sum(rows_failed), sum(rows_scored))
            IS DISTINCT FROM
            (NEW.rows_extracted::numeric, NEW.rows_quarantined::numeric, NEW.rows_failed::numeric, NEW.rows_scored::numeric)
    ) THEN
        RAISE EXCEPTION 'The segments of run % do not add up to the run.', NEW.run_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'segments_add_up';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER segments_add_up
    AFTER INSERT OR UPDATE OF state ON ledger.runs
    FOR EACH ROW WHEN (NEW.state NOT IN ('running', 'failed'))
    EXECUTE FUNCTION ledger.refuse_segments_that_do_not_add_up();
