-- One row per run and parcel: what each run predicted, and what of it is current.

CREATE TABLE IF NOT EXISTS predictions.parcel_hours_runs (
    run_id bigint NOT NULL,
    depot text NOT NULL,
    parcel_id integer NOT NULL,
    predicted_hours double precision NOT NULL,
    PRIMARY KEY (run_id, depot, parcel_id)
);

-- One row per partition and parcel, as it stood at an instant.
CREATE OR REPLACE FUNCTION predictions.parcel_hours_as_of(instant timestamptz)
RETURNS TABLE (
    partition_date date,
    depot text,
    parcel_id integer,
    predicted_hours double precision,
    model_version integer,
    leakage_allowed boolean,
    published_at timestamptz,
    run_id bigint
)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT
        publications.partition_date,
        predicted.depot,
        predicted.parcel_id,
        predicted.predicted_hours,
        runs.model_version,
        runs.leakage_allowed,
        publications.published_at,
        runs.run_id
    FROM ledger.publications
    INNER JOIN ledger.runs USING (run_id)
    INNER JOIN predictions.parcel_hours_runs AS predicted USING (run_id)
    WHERE
        publications.pipeline = 'parcel_hours'
        AND publications.published_at <= instant
        AND (publications.withdrawn_at > instant OR publications.withdrawn_at IS NULL)
$$;

-- One row per partition and parcel: the current publications.
CREATE OR REPLACE VIEW predictions.parcel_hours AS
SELECT
    publications.partition_date,
    predicted.depot,
    predicted.parcel_id,
    predicted.predicted_hours,
    runs.model_version,
    runs.leakage_allowed,
    publications.published_at,
    runs.run_id
FROM ledger.publications
INNER JOIN ledger.runs USING (run_id)
INNER JOIN predictions.parcel_hours_runs AS predicted USING (run_id)
WHERE
    publications.pipeline = 'parcel_hours'
    AND publications.withdrawn_at IS NULL;
