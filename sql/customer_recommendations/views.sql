-- One row per run, household and recommended product category: what each run recommended, and what of it is current.

CREATE TABLE IF NOT EXISTS predictions.customer_recommendations_runs (
    run_id bigint NOT NULL,
    household_id integer NOT NULL,
    product_category text NOT NULL,
    segment text,
    rank integer NOT NULL,
    probability double precision NOT NULL,
    PRIMARY KEY (run_id, household_id, product_category),
    UNIQUE (run_id, household_id, rank)
);
COMMENT ON TABLE predictions.customer_recommendations_runs IS
    'Recommendations of every run, current or not. Read predictions.customer_recommendations instead.';
COMMENT ON COLUMN predictions.customer_recommendations_runs.run_id IS 'The run in ledger.runs.';
COMMENT ON COLUMN predictions.customer_recommendations_runs.household_id IS 'The household.';
COMMENT ON COLUMN predictions.customer_recommendations_runs.product_category IS 'The product category.';
COMMENT ON COLUMN predictions.customer_recommendations_runs.segment IS
    'Segment in the publication of customer_segments that the run read; empty if the household was in none.';
COMMENT ON COLUMN predictions.customer_recommendations_runs.rank IS 'Place in the household''s list, from 1.';
COMMENT ON COLUMN predictions.customer_recommendations_runs.probability IS
    'Probability that the household buys in the category within the seven days after the partition.';

-- One row per partition, household and rank, as it stood at an instant.
CREATE OR REPLACE FUNCTION predictions.customer_recommendations_as_of(instant timestamptz)
RETURNS TABLE (
    partition_date date,
    household_id integer,
    rank integer,
    product_category text,
    probability double precision,
    segment text,
    model_name text,
    model_version integer,
    leakage_allowed boolean,
    published_at timestamptz,
    run_id bigint,
    upstream_run_id bigint
)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT
        publications.partition_date,
        predicted.household_id,
        predicted.rank,
        predicted.product_category,
        predicted.probability,
        predicted.segment,
        models.model_name,
        models.model_version,
        runs.leakage_allowed,
        publications.published_at,
        runs.run_id,
        runs.upstream_run_id
    FROM ledger.publications
    INNER JOIN ledger.runs USING (run_id)
    INNER JOIN predictions.customer_recommendations_runs AS predicted USING (run_id)
    -- A segment without a model of its own was scored by the fallback, whose row has no segment.
    LEFT JOIN ledger.run_segments AS own ON own.run_id = predicted.run_id AND own.segment = predicted.segment
    LEFT JOIN ledger.run_segments AS models
        ON models.run_id = predicted.run_id AND models.segment IS NOT DISTINCT FROM own.segment
    WHERE
        publications.pipeline = 'customer_recommendations'
        AND publications.published_at <= instant
        AND (publications.withdrawn_at > instant OR publications.withdrawn_at IS NULL)
$$;
COMMENT ON FUNCTION predictions.customer_recommendations_as_of IS
    'The lists as anybody saw them at the instant: predictions.customer_recommendations_as_of(''2026-11-17 09:00+00'').';

-- One row per partition, household and rank: the current publications.
CREATE OR REPLACE VIEW predictions.customer_recommendations AS
SELECT
    publications.partition_date,
    predicted.household_id,
    predicted.rank,
    predicted.product_category,
    predicted.probability,
    predicted.segment,
    models.model_name,
    models.model_version,
    runs.leakage_allowed,
    publications.published_at,
    runs.run_id,
    runs.upstream_run_id
FROM ledger.publications
INNER JOIN ledger.runs USING (run_id)
INNER JOIN predictions.customer_recommendations_runs AS predicted USING (run_id)
-- A segment without a model of its own was scored by the fallback, whose row has no segment.
LEFT JOIN ledger.run_segments AS own ON own.run_id = predicted.run_id AND own.segment = predicted.segment
LEFT JOIN ledger.run_segments AS models
    ON models.run_id = predicted.run_id AND models.segment IS NOT DISTINCT FROM own.segment
WHERE
    publications.pipeline = 'customer_recommendations'
    AND publications.withdrawn_at IS NULL;
COMMENT ON VIEW predictions.customer_recommendations IS
    'The current recommendations: the five best categories of each household and partition.';
COMMENT ON COLUMN predictions.customer_recommendations.partition_date IS 'The day at whose end the list was made.';
COMMENT ON COLUMN predictions.customer_recommendations.household_id IS 'The household.';
COMMENT ON COLUMN predictions.customer_recommendations.rank IS 'Place in the household''s list, from 1.';
COMMENT ON COLUMN predictions.customer_recommendations.product_category IS 'The product category.';
COMMENT ON COLUMN predictions.customer_recommendations.probability IS
    'Probability that the household buys in the category within the seven days after the partition.';
COMMENT ON COLUMN predictions.customer_recommendations.segment IS
    'The household''s segment as it was published when the run was planned; empty if it was in none.';
COMMENT ON COLUMN predictions.customer_recommendations.model_name IS 'The model that ranked it.';
COMMENT ON COLUMN predictions.customer_recommendations.model_version IS 'Version of that model.';
COMMENT ON COLUMN predictions.customer_recommendations.leakage_allowed IS
    'True where the run was told to accept a model that had seen days after the partition.';
COMMENT ON COLUMN predictions.customer_recommendations.published_at IS 'When these rows became the current ones.';
COMMENT ON COLUMN predictions.customer_recommendations.run_id IS 'The run, for ledger.runs and `daybreak show`.';
COMMENT ON COLUMN predictions.customer_recommendations.upstream_run_id IS
    'The run of customer_segments whose publication the segments come from.';
