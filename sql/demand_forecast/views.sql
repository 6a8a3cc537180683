-- One row per run, store and product category: what each run predicted, and what of it is current.

CREATE TABLE IF NOT EXISTS predictions.demand_forecast_runs (
    run_id bigint NOT NULL,
    store_id integer NOT NULL,
    product_category text NOT NULL,
    predicted_units double precision NOT NULL,
    PRIMARY KEY (run_id, store_id, product_category)
);
COMMENT ON TABLE predictions.demand_forecast_runs IS
    'Predictions of every run, current or not. Read predictions.demand_forecast instead.';
COMMENT ON COLUMN predictions.demand_forecast_runs.run_id IS 'The run in ledger.runs.';
COMMENT ON COLUMN predictions.demand_forecast_runs.store_id IS 'The store.';
COMMENT ON COLUMN predictions.demand_forecast_runs.product_category IS 'The product category.';
COMMENT ON COLUMN predictions.demand_forecast_runs.predicted_units IS 'Units expected to sell on the day after the partition.';

-- One row per partition, store and product category, as it stood at an instant.
CREATE OR REPLACE FUNCTION predictions.demand_forecast_as_of(instant timestamptz)
RETURNS TABLE (
    partition_date date,
    forecast_date date,
    store_id integer,
    product_category text,
    predicted_units double precision,
    model_version integer,
    leakage_allowed boolean,
    published_at timestamptz,
    run_id bigint
)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT
        publications.partition_date,
        publications.partition_date + 1,
        predicted.store_id,
        predicted.product_category,
        predicted.predicted_units,
        runs.model_version,
        runs.leakage_allowed,
        publications.published_at,
        runs.run_id
    FROM ledger.publications
    INNER JOIN ledger.runs USING (run_id)
    INNER JOIN predictions.demand_forecast_runs AS predicted USING (run_id)
    WHERE
        publications.pipeline = 'demand_forecast'
        AND publications.published_at <= instant
        AND (publications.withdrawn_at > instant OR publications.withdrawn_at IS NULL)
$$;
COMMENT ON FUNCTION predictions.demand_forecast_as_of IS
    'The demand forecast as anybody saw it at the instant: predictions.demand_forecast_as_of(''2026-11-17 09:00+00'').';

-- One row per partition, store and product category: the current publications.
CREATE OR REPLACE VIEW predictions.demand_forecast AS
SELECT
    publications.partition_date,
    publications.partition_date + 1 AS forecast_date,
    predicted.store_id,
    predicted.product_category,
    predicted.predicted_units,
    runs.model_version,
    runs.leakage_allowed,
    publications.published_at,
    runs.run_id
FROM ledger.publications
INNER JOIN ledger.runs USING (run_id)
INNER JOIN predictions.demand_forecast_runs AS predicted USING (run_id)
WHERE
    publications.pipeline = 'demand_forecast'
    AND publications.withdrawn_at IS NULL;
COMMENT ON VIEW predictions.demand_forecast IS 'The current demand forecast: one row per partition, store and category.';
COMMENT ON COLUMN predictions.demand_forecast.partition_date IS 'The day at whose end the forecast was made.';
COMMENT ON COLUMN predictions.demand_forecast.forecast_date IS 'The day that is forecast, the next one.';
COMMENT ON COLUMN predictions.demand_forecast.store_id IS 'The store.';
COMMENT ON COLUMN predictions.demand_forecast.product_category IS 'The product category.';
COMMENT ON COLUMN predictions.demand_forecast.predicted_units IS 'Units expected to sell on the forecast day.';
COMMENT ON COLUMN predictions.demand_forecast.model_version IS 'Version of the model that forecast it.';
COMMENT ON COLUMN predictions.demand_forecast.leakage_allowed IS
    'True where the run was told to accept a model that had seen days after the partition.';
COMMENT ON COLUMN predictions.demand_forecast.published_at IS 'When these rows became the current ones.';
COMMENT ON COLUMN predictions.demand_forecast.run_id IS 'The run, for ledger.runs and `daybreak show`.';
