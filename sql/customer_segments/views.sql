-- One row per run and household: the segment each run found, and what of it is current.

CREATE TABLE IF NOT EXISTS predictions.customer_segments_runs (
    run_id bigint NOT NULL,
    household_id integer NOT NULL,
    segment text NOT NULL,
    PRIMARY KEY (run_id, household_id)
);
COMMENT ON TABLE predictions.customer_segments_runs IS
    'Segments of every run, current or not. Read predictions.customer_segments instead.';
COMMENT ON COLUMN predictions.customer_segments_runs.run_id IS 'The run in ledger.runs.';
COMMENT ON COLUMN predictions.customer_segments_runs.household_id IS 'The household.';
COMMENT ON COLUMN predictions.customer_segments_runs.segment IS 'loyal, regular, occasional or lapsing.';

-- One row per partition and household, as it stood at an instant.
CREATE OR REPLACE FUNCTION predictions.customer_segments_as_of(instant timestamptz)
RETURNS TABLE (
    partition_date date,
    household_id integer,
    segment text,
    model_version integer,
    leakage_allowed boolean,
    published_at timestamptz,
    run_id bigint
)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT
        publications.partition_date,
        predicted.household_id,
        predicted.segment,
        runs.model_version,
        runs.leakage_allowed,
        publications.published_at,
        runs.run_id
    FROM ledger.publications
    INNER JOIN ledger.runs USING (run_id)
    INNER JOIN predictions.customer_segments_runs AS predicted USING (run_id)
    WHERE
        publications.pipeline = 'customer_segments'
        AND publications.published_at <= instant
        AND (publications.withdrawn_at > instant OR publications.withdrawn_at IS NULL)
$$;
COMMENT ON FUNCTION predictions.customer_segments_as_of IS
    'The segments as anybody saw them at the instant: predictions.customer_segments_as_of(''2026-11-17 09:00+00'').';

-- One row per partition and household that bought anything in the 90 days before: the current publications.
CREATE OR REPLACE VIEW predictions.customer_segments AS
SELECT
    publications.partition_date,
    predicted.household_id,
    predicted.segment,
    runs.model_version,
    runs.leakage_allowed,
    publications.published_at,
    runs.run_id
FROM ledger.publications
INNER JOIN ledger.runs USING (run_id)
INNER JOIN predictions.customer_segments_runs AS predicted USING (run_id)
WHERE
    publications.pipeline = 'customer_segments'
    AND publications.withdrawn_at IS NULL;
COMMENT ON VIEW predictions.customer_segments IS 'The current segments: one row per partition and household.';
COMMENT ON COLUMN predictions.customer_segments.partition_date IS 'The day at whose end the household was looked at.';
COMMENT ON COLUMN predictions.customer_segments.household_id IS 'The household.';
COMMENT ON COLUMN predictions.customer_segments.segment IS
    'loyal, regular, occasional or lapsing: from the households that came last to those that stay away.';
COMMENT ON COLUMN predictions.customer_segments.model_version IS 'Version of the model that found it.';
COMMENT ON COLUMN predictions.customer_segments.leakage_allowed IS
    'True where the run was told to accept a model that had seen days after the partition.';
COMMENT ON COLUMN predictions.customer_segments.published_at IS 'When these rows became the current ones.';
COMMENT ON COLUMN predictions.customer_segments.run_id IS 'The run, for ledger.runs and `daybreak show`.';
