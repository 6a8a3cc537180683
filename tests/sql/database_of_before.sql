-- A database as the version before tables followed their declarations left it: runs, publications (current, withdrawn,
-- rolled back), shadows, quarantine and receipts of seven pipelines. Plain text of pg_dump, rows as INSERT.
--
-- PostgreSQL database dump
--

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: ledger; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA ledger;

--
-- Name: SCHEMA ledger; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA ledger IS 'Daybreak: every run, its inputs by digest, its row counts, and which run is current.';

--
-- Name: parcels; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA parcels;

--
-- Name: predictions; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA predictions;

--
-- Name: SCHEMA predictions; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA predictions IS 'Daybreak: for each pipeline the predictions of every run, and a view of the current ones.';

--
-- Name: refuse_segments_that_do_not_add_up(); Type: FUNCTION; Schema: ledger; Owner: -
--

CREATE FUNCTION ledger.refuse_segments_that_do_not_add_up() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

--
-- Name: see_to_shadow_table(text, text[]); Type: FUNCTION; Schema: ledger; Owner: -
--

CREATE FUNCTION ledger.see_to_shadow_table(pipeline text, columns text[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    predictions text := 'predictions.' || quote_ident(pipeline || '_runs');
    shadows text := 'predictions.' || quote_ident(pipeline || '_shadow');
    found record;
BEGIN
    EXECUTE 'CREATE TABLE IF NOT EXISTS ' || shadows || ' (run_id bigint NOT NULL)';
    EXECUTE 'COMMENT ON TABLE ' || shadows || ' IS ' || quote_literal(
        'What challengers predicted for the rows of a run. Never published: read predictions.' || pipeline || ' instead.'
    );
    EXECUTE 'COMMENT ON COLUMN ' || shadows || '.run_id IS ' || quote_literal('The run in ledger.shadow_runs.');
    FOR found IN
        SELECT constraints.conname AS name
        FROM pg_constraint AS constraints
        WHERE constraints.conrelid = shadows::regclass AND constraints.contype IN ('p', 'u')
    LOOP
        EXECUTE 'ALTER TABLE ' || shadows || ' DROP CONSTRAINT ' || quote_ident(found.name);
    END LOOP;
    EXECUTE 'ALTER TABLE ' || shadows || ' ALTER COLUMN run_id SET NOT NULL';
    -- What is not written any more stays, and may be empty.
    FOR found IN
        SELECT attributes.attname AS name
        FROM pg_attribute AS attributes
        WHERE
            attributes.attrelid = shadows::regclass
            AND attributes.attnum > 0
            AND NOT attributes.attisdropped
            AND attributes.attname <> 'run_id'
            AND attributes.attname <> ALL (columns)
    LOOP
        EXECUTE 'ALTER TABLE ' || shadows || ' ALTER COLUMN ' || quote_ident(found.name) || ' DROP NOT NULL';
    END LOOP;
    FOR found IN
        SELECT
            wanted.attname AS name,
            format_type(wanted.atttypid, wanted.atttypmod) AS kind,
            col_description(wanted.attrelid, wanted.attnum) AS says,
            known.attname IS NULL AS missing,
            (known.atttypid, known.atttypmod) IS DISTINCT FROM (wanted.atttypid, wanted.atttypmod) AS other
        FROM pg_attribute AS wanted
        LEFT JOIN pg_attribute AS known
            ON known.attrelid = shadows::regclass AND known.attname = wanted.attname AND NOT known.attisdropped
        WHERE wanted.attrelid = predictions::regclass AND wanted.attname = ANY (columns) AND NOT wanted.attisdropped
        ORDER BY wanted.attnum
    LOOP
        IF found.missing THEN
            EXECUTE 'ALTER TABLE ' || shadows || ' ADD COLUMN ' || quote_ident(found.name) || ' ' || found.kind;
        ELSIF found.other THEN
            -- Rows are copied in binary: into a column of another type they would be read as something else.
            EXECUTE 'ALTER TABLE ' || shadows || ' ALTER COLUMN ' || quote_ident(found.name) || ' TYPE ' || found.kind
                || ' USING ' || quote_ident(found.name) || '::' || found.kind;
        END IF;
        EXECUTE 'COMMENT ON COLUMN ' || shadows || '.' || quote_ident(found.name) || ' IS '
            || quote_nullable(found.says);
    END LOOP;
    EXECUTE 'CREATE INDEX IF NOT EXISTS ' || quote_ident(pipeline || '_shadow_by_run') || ' ON ' || shadows
        || ' USING brin (run_id) WITH (autosummarize = on)';
END
$$;

--
-- Name: customer_recommendations_as_of(timestamp with time zone); Type: FUNCTION; Schema: predictions; Owner: -
--

CREATE FUNCTION predictions.customer_recommendations_as_of(instant timestamp with time zone) RETURNS TABLE(partition_date date, household_id integer, rank integer, product_category text, probability double precision, segment text, model_name text, model_version integer, leakage_allowed boolean, published_at timestamp with time zone, run_id bigint, upstream_run_id bigint)
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

--
-- Name: FUNCTION customer_recommendations_as_of(instant timestamp with time zone); Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON FUNCTION predictions.customer_recommendations_as_of(instant timestamp with time zone) IS 'The lists as anybody saw them at the instant: predictions.customer_recommendations_as_of(''2026-11-17 09:00+00'').';

--
-- Name: customer_segments_as_of(timestamp with time zone); Type: FUNCTION; Schema: predictions; Owner: -
--

CREATE FUNCTION predictions.customer_segments_as_of(instant timestamp with time zone) RETURNS TABLE(partition_date date, household_id integer, segment text, model_version integer, leakage_allowed boolean, published_at timestamp with time zone, run_id bigint)
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

--
-- Name: FUNCTION customer_segments_as_of(instant timestamp with time zone); Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON FUNCTION predictions.customer_segments_as_of(instant timestamp with time zone) IS 'The segments as anybody saw them at the instant: predictions.customer_segments_as_of(''2026-11-17 09:00+00'').';

--
-- Name: demand_forecast_as_of(timestamp with time zone); Type: FUNCTION; Schema: predictions; Owner: -
--

CREATE FUNCTION predictions.demand_forecast_as_of(instant timestamp with time zone) RETURNS TABLE(partition_date date, forecast_date date, store_id integer, product_category text, predicted_units double precision, model_version integer, leakage_allowed boolean, published_at timestamp with time zone, run_id bigint)
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

--
-- Name: FUNCTION demand_forecast_as_of(instant timestamp with time zone); Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON FUNCTION predictions.demand_forecast_as_of(instant timestamp with time zone) IS 'The demand forecast as anybody saw it at the instant: predictions.demand_forecast_as_of(''2026-11-17 09:00+00'').';

--
-- Name: parcel_hours_as_of(timestamp with time zone); Type: FUNCTION; Schema: predictions; Owner: -
--

CREATE FUNCTION predictions.parcel_hours_as_of(instant timestamp with time zone) RETURNS TABLE(partition_date date, depot text, parcel_id integer, predicted_hours double precision, model_version integer, leakage_allowed boolean, published_at timestamp with time zone, run_id bigint)
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

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: alias_history; Type: TABLE; Schema: ledger; Owner: -
--

CREATE TABLE ledger.alias_history (
    model_name text NOT NULL,
    alias text NOT NULL,
    version integer NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone,
    reason text NOT NULL,
    outcome text DEFAULT 'moved'::text NOT NULL,
    from_version integer,
    reasons jsonb DEFAULT '[]'::jsonb NOT NULL,
    decided_by text,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT declared_of_the_past CHECK (((outcome <> 'declared'::text) OR COALESCE(((since < until) AND (until <= recorded_at)), false))),
    CONSTRAINT known_outcome CHECK ((outcome = ANY (ARRAY['intended'::text, 'moved'::text, 'removed'::text, 'refused'::text, 'abandoned'::text, 'declared'::text]))),
    CONSTRAINT only_what_was_in_force_lasts CHECK (((outcome = ANY (ARRAY['moved'::text, 'declared'::text])) OR COALESCE((until = since), false)))
);

--
-- Name: TABLE alias_history; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON TABLE ledger.alias_history IS 'One row per decision about an alias. Rows with outcome moved or declared say from when to when a version was in force.';

--
-- Name: COLUMN alias_history.model_name; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.alias_history.model_name IS 'Registered model.';

--
-- Name: COLUMN alias_history.alias; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.alias_history.alias IS 'champion or challenger.';

--
-- Name: COLUMN alias_history.version; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.alias_history.version IS 'The version it was to point to.';

--
-- Name: COLUMN alias_history.since; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.alias_history.since IS 'From when it counts.';

--
-- Name: COLUMN alias_history.until; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.alias_history.until IS 'Until when; empty while it does.';

--
-- Name: COLUMN alias_history.reason; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.alias_history.reason IS 'Why, in one line.';

--
-- Name: COLUMN alias_history.outcome; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.alias_history.outcome IS 'moved; removed; refused; intended: written down before the alias is moved; abandoned: intended, and never moved; declared: in force before the first move that is recorded, the alias was not touched.';

--
-- Name: COLUMN alias_history.from_version; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.alias_history.from_version IS 'The version it pointed to before; empty where there was none.';

--
-- Name: COLUMN alias_history.reasons; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.alias_history.reasons IS 'What a promotion was judged by: check, whether it was met, what was found.';

--
-- Name: COLUMN alias_history.decided_by; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.alias_history.decided_by IS 'How it was started: a command, or an Airflow run as dag_id/run_id.';

--
-- Name: COLUMN alias_history.recorded_at; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.alias_history.recorded_at IS 'When it was written down: later than since where it was declared, else the same moment.';

--
-- Name: deliveries; Type: TABLE; Schema: ledger; Owner: -
--

CREATE TABLE ledger.deliveries (
    pipeline text NOT NULL,
    partition_date date NOT NULL,
    generation integer NOT NULL,
    "position" integer NOT NULL,
    run_id bigint NOT NULL,
    kind text NOT NULL,
    idempotency_key text NOT NULL,
    model_version integer NOT NULL,
    snapshot_digest text NOT NULL,
    items integer NOT NULL,
    digest text NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    rejected integer DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    opened_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    acknowledged_at timestamp with time zone,
    CONSTRAINT acknowledged_has_a_time CHECK (((state = 'acknowledged'::text) = (acknowledged_at IS NOT NULL))),
    CONSTRAINT items_are_counted CHECK (((items > 0) AND ((rejected >= 0) AND (rejected <= items)))),
    CONSTRAINT known_kind CHECK ((kind = ANY (ARRAY['offers'::text, 'withdrawals'::text]))),
    CONSTRAINT known_state CHECK ((state = ANY (ARRAY['open'::text, 'acknowledged'::text, 'obsolete'::text])))
);

--
-- Name: TABLE deliveries; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON TABLE ledger.deliveries IS 'One row per chunk of predictions that was to be sent downstream: the receipt.';

--
-- Name: COLUMN deliveries.pipeline; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries.pipeline IS 'Name of the pipeline.';

--
-- Name: COLUMN deliveries.partition_date; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries.partition_date IS 'The partition.';

--
-- Name: COLUMN deliveries.generation; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries.generation IS 'Counts the different contents that were to be sent for the partition, from 1.';

--
-- Name: COLUMN deliveries."position"; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries."position" IS 'Place of the chunk among those of its generation and kind, from 0.';

--
-- Name: COLUMN deliveries.run_id; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries.run_id IS 'The run that opened it.';

--
-- Name: COLUMN deliveries.kind; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries.kind IS 'offers, or withdrawals of offers that an earlier generation made.';

--
-- Name: COLUMN deliveries.idempotency_key; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries.idempotency_key IS 'The key it is sent under; kept over retries, re-runs and crashes.';

--
-- Name: COLUMN deliveries.model_version; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries.model_version IS 'The model version that scored it.';

--
-- Name: COLUMN deliveries.snapshot_digest; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries.snapshot_digest IS 'SHA-256 of the snapshot it was scored from.';

--
-- Name: COLUMN deliveries.items; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries.items IS 'How many items it holds.';

--
-- Name: COLUMN deliveries.digest; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries.digest IS 'HMAC-SHA-256 of its content under a secret key: a plain hash of a probability could be guessed.';

--
-- Name: COLUMN deliveries.state; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries.state IS 'open: not known to have arrived; acknowledged; obsolete: overtaken by a later one.';

--
-- Name: COLUMN deliveries.rejected; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries.rejected IS 'Items of it that the receiver rejected.';

--
-- Name: COLUMN deliveries.attempts; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries.attempts IS 'Requests that were made for it.';

--
-- Name: COLUMN deliveries.opened_at; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries.opened_at IS 'When it was written down, before the first request.';

--
-- Name: COLUMN deliveries.acknowledged_at; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.deliveries.acknowledged_at IS 'When the receiver acknowledged it.';

--
-- Name: drift; Type: TABLE; Schema: ledger; Owner: -
--

CREATE TABLE ledger.drift (
    run_id bigint NOT NULL,
    pipeline text NOT NULL,
    partition_date date NOT NULL,
    column_name text NOT NULL,
    model_version integer NOT NULL,
    divergence double precision,
    threshold double precision NOT NULL,
    drifted boolean NOT NULL,
    rows bigint NOT NULL,
    measured_at timestamp with time zone NOT NULL,
    segment text
);

--
-- Name: TABLE drift; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON TABLE ledger.drift IS 'One row per run, segment and column: how far its spread is from that on the held-out days of the training.';

--
-- Name: COLUMN drift.run_id; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.drift.run_id IS 'The run.';

--
-- Name: COLUMN drift.pipeline; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.drift.pipeline IS 'Name of the pipeline.';

--
-- Name: COLUMN drift.partition_date; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.drift.partition_date IS 'The partition.';

--
-- Name: COLUMN drift.column_name; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.drift.column_name IS 'A feature, or the predicted column.';

--
-- Name: COLUMN drift.model_version; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.drift.model_version IS 'The version that scored the run, with whose training it is compared.';

--
-- Name: COLUMN drift.divergence; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.drift.divergence IS 'Kullback-Leibler divergence in nats; empty where it is infinite: values where the training had none.';

--
-- Name: COLUMN drift.threshold; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.drift.threshold IS 'The divergence from which on it is drift.';

--
-- Name: COLUMN drift.drifted; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.drift.drifted IS 'Whether it is.';

--
-- Name: COLUMN drift.rows; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.drift.rows IS 'Rows that were compared.';

--
-- Name: COLUMN drift.measured_at; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.drift.measured_at IS 'When it was measured.';

--
-- Name: COLUMN drift.segment; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.drift.segment IS 'Segment whose rows were compared, where each has a model of its own; empty where one model scores all.';

--
-- Name: expectation_results; Type: TABLE; Schema: ledger; Owner: -
--

CREATE TABLE ledger.expectation_results (
    run_id bigint NOT NULL,
    "position" integer NOT NULL,
    expectation text NOT NULL,
    level text NOT NULL,
    severity text NOT NULL,
    success boolean NOT NULL,
    evaluated bigint NOT NULL,
    unexpected bigint NOT NULL,
    arguments jsonb NOT NULL,
    observed jsonb
);

--
-- Name: TABLE expectation_results; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON TABLE ledger.expectation_results IS 'One row per run and expectation.';

--
-- Name: COLUMN expectation_results.run_id; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.expectation_results.run_id IS 'The run.';

--
-- Name: COLUMN expectation_results."position"; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.expectation_results."position" IS 'Place in the expectation suite, from 1.';

--
-- Name: COLUMN expectation_results.expectation; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.expectation_results.expectation IS 'Type of the expectation, as Great Expectations names it.';

--
-- Name: COLUMN expectation_results.level; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.expectation_results.level IS 'row: judged row by row; batch: judged over the whole batch.';

--
-- Name: COLUMN expectation_results.severity; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.expectation_results.severity IS 'critical quarantines the row or stops the run; others are recorded.';

--
-- Name: COLUMN expectation_results.success; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.expectation_results.success IS 'Whether it was met.';

--
-- Name: COLUMN expectation_results.evaluated; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.expectation_results.evaluated IS 'Rows it was judged on.';

--
-- Name: COLUMN expectation_results.unexpected; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.expectation_results.unexpected IS 'Rows that broke it.';

--
-- Name: COLUMN expectation_results.arguments; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.expectation_results.arguments IS 'What was expected.';

--
-- Name: COLUMN expectation_results.observed; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.expectation_results.observed IS 'What was observed, for batch-level expectations.';

--
-- Name: performance; Type: TABLE; Schema: ledger; Owner: -
--

CREATE TABLE ledger.performance (
    pipeline text NOT NULL,
    partition_date date NOT NULL,
    run_id bigint NOT NULL,
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
    measured_at timestamp with time zone NOT NULL,
    CONSTRAINT known_role CHECK ((role = ANY (ARRAY['champion'::text, 'shadow'::text]))),
    CONSTRAINT measured_on_rows CHECK (((rows >= 1) AND (rows <= predictions)))
);

--
-- Name: TABLE performance; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON TABLE ledger.performance IS 'One row per run, role, segment and metric: the predictions of a partition against what really happened.';

--
-- Name: COLUMN performance.pipeline; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.performance.pipeline IS 'Name of the pipeline.';

--
-- Name: COLUMN performance.partition_date; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.performance.partition_date IS 'The partition.';

--
-- Name: COLUMN performance.run_id; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.performance.run_id IS 'The run whose predictions were measured.';

--
-- Name: COLUMN performance.role; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.performance.role IS 'champion: what was published or pushed; shadow: what the challenger predicted.';

--
-- Name: COLUMN performance.segment_by; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.performance.segment_by IS 'The column whose values are the segments; empty for all rows; (model) for the rows that one of several models scored.';

--
-- Name: COLUMN performance.segment; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.performance.segment IS 'The value of that column, or the model; (all) for all rows, (other) for the rows of segments that are too small.';

--
-- Name: COLUMN performance.metric; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.performance.metric IS 'mae, rmse, poisson_deviance, bias; log_loss, brier_score, reliability; precision_at_5.';

--
-- Name: COLUMN performance.model_name; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.performance.model_name IS 'Registered model; empty where several predicted what was measured.';

--
-- Name: COLUMN performance.model_version; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.performance.model_version IS 'Its version; empty where several predicted what was measured.';

--
-- Name: COLUMN performance.value; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.performance.value IS 'The metric.';

--
-- Name: COLUMN performance.rows; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.performance.rows IS 'Predictions with an actual, which the metric is over.';

--
-- Name: COLUMN performance.predictions; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.performance.predictions IS 'Predictions that there were; the actuals of the others are not known.';

--
-- Name: COLUMN performance.detail; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.performance.detail IS 'Of reliability: bins with rows, mean prediction and observed share.';

--
-- Name: COLUMN performance.measured_at; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.performance.measured_at IS 'When it was measured last.';

--
-- Name: publications; Type: TABLE; Schema: ledger; Owner: -
--

CREATE TABLE ledger.publications (
    publication_id bigint NOT NULL,
    pipeline text NOT NULL,
    partition_date date NOT NULL,
    run_id bigint NOT NULL,
    reason text NOT NULL,
    published_at timestamp with time zone NOT NULL,
    withdrawn_at timestamp with time zone,
    CONSTRAINT withdrawn_after_published CHECK ((withdrawn_at >= published_at))
);

--
-- Name: TABLE publications; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON TABLE ledger.publications IS 'One row per time that a run became the current one of its partition.';

--
-- Name: COLUMN publications.publication_id; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.publications.publication_id IS 'The publication.';

--
-- Name: COLUMN publications.pipeline; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.publications.pipeline IS 'Name of the pipeline.';

--
-- Name: COLUMN publications.partition_date; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.publications.partition_date IS 'The partition.';

--
-- Name: COLUMN publications.run_id; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.publications.run_id IS 'The run whose predictions are shown.';

--
-- Name: COLUMN publications.reason; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.publications.reason IS 'run, rollback or replay.';

--
-- Name: COLUMN publications.published_at; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.publications.published_at IS 'From when they are shown.';

--
-- Name: COLUMN publications.withdrawn_at; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.publications.withdrawn_at IS 'Until when; empty while they are current.';

--
-- Name: publications_publication_id_seq; Type: SEQUENCE; Schema: ledger; Owner: -
--

ALTER TABLE ledger.publications ALTER COLUMN publication_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ledger.publications_publication_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: quarantine; Type: TABLE; Schema: ledger; Owner: -
--

CREATE TABLE ledger.quarantine (
    run_id bigint NOT NULL,
    row_number bigint NOT NULL,
    stage text NOT NULL,
    entity_key jsonb NOT NULL,
    reasons text[] NOT NULL,
    payload jsonb NOT NULL,
    CONSTRAINT known_stage CHECK ((stage = ANY (ARRAY['validate'::text, 'score'::text])))
);

--
-- Name: TABLE quarantine; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON TABLE ledger.quarantine IS 'One row per run and row that was not scored.';

--
-- Name: COLUMN quarantine.run_id; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.quarantine.run_id IS 'The run.';

--
-- Name: COLUMN quarantine.row_number; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.quarantine.row_number IS 'Position in the run''s snapshot, from 0.';

--
-- Name: COLUMN quarantine.stage; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.quarantine.stage IS 'validate: broke a critical expectation; score: the model could not score it.';

--
-- Name: COLUMN quarantine.entity_key; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.quarantine.entity_key IS 'The row''s entity key.';

--
-- Name: COLUMN quarantine.reasons; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.quarantine.reasons IS 'Why, one text for each expectation broken.';

--
-- Name: COLUMN quarantine.payload; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.quarantine.payload IS 'The row as extracted.';

--
-- Name: retraining_requests; Type: TABLE; Schema: ledger; Owner: -
--

CREATE TABLE ledger.retraining_requests (
    request_id bigint NOT NULL,
    pipeline text NOT NULL,
    partition_date date NOT NULL,
    model_version integer,
    reasons text[] NOT NULL,
    held_back text,
    requested_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

--
-- Name: TABLE retraining_requests; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON TABLE ledger.retraining_requests IS 'One row per pipeline, partition and version whose measurements crossed a declared threshold.';

--
-- Name: COLUMN retraining_requests.request_id; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.retraining_requests.request_id IS 'The request.';

--
-- Name: COLUMN retraining_requests.pipeline; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.retraining_requests.pipeline IS 'Name of the pipeline.';

--
-- Name: COLUMN retraining_requests.partition_date; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.retraining_requests.partition_date IS 'The partition that was watched.';

--
-- Name: COLUMN retraining_requests.model_version; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.retraining_requests.model_version IS 'The champion that was measured; empty where each segment has its own, and the reasons name the segments.';

--
-- Name: COLUMN retraining_requests.reasons; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.retraining_requests.reasons IS 'What crossed its threshold.';

--
-- Name: COLUMN retraining_requests.held_back; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.retraining_requests.held_back IS 'Why no training was asked for all the same: the cool-down.';

--
-- Name: COLUMN retraining_requests.requested_at; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.retraining_requests.requested_at IS 'When.';

--
-- Name: retraining_requests_request_id_seq; Type: SEQUENCE; Schema: ledger; Owner: -
--

ALTER TABLE ledger.retraining_requests ALTER COLUMN request_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ledger.retraining_requests_request_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: run_segments; Type: TABLE; Schema: ledger; Owner: -
--

CREATE TABLE ledger.run_segments (
    run_id bigint NOT NULL,
    "position" integer NOT NULL,
    segment text,
    model_name text,
    model_version integer,
    model_digest text,
    trained_through date,
    rows_extracted bigint,
    rows_quarantined bigint,
    rows_failed bigint,
    rows_scored bigint,
    CONSTRAINT every_row_is_accounted_for CHECK (((rows_scored IS NULL) OR COALESCE((rows_extracted = ((rows_quarantined + rows_failed) + rows_scored)), false))),
    CONSTRAINT model_is_known_whole CHECK ((num_nulls(model_name, model_version, model_digest, trained_through) = ANY (ARRAY[0, 4]))),
    CONSTRAINT without_a_model_nothing_is_scored CHECK (((model_name IS NOT NULL) OR (COALESCE((rows_failed + rows_scored), (0)::bigint) = 0)))
);

--
-- Name: TABLE run_segments; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON TABLE ledger.run_segments IS 'One row per run and segment, for pipelines that have a model for each segment.';

--
-- Name: COLUMN run_segments.run_id; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.run_segments.run_id IS 'The run.';

--
-- Name: COLUMN run_segments."position"; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.run_segments."position" IS 'Place of the segment in the pipeline''s declaration, from 1.';

--
-- Name: COLUMN run_segments.segment; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.run_segments.segment IS 'The segment; empty for the rows of any other segment, or of none.';

--
-- Name: COLUMN run_segments.model_name; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.run_segments.model_name IS 'Registered model; empty where there is none, and the rows are quarantined.';

--
-- Name: COLUMN run_segments.model_version; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.run_segments.model_version IS 'Its version, resolved once when the run was planned.';

--
-- Name: COLUMN run_segments.model_digest; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.run_segments.model_digest IS 'SHA-256 of the model''s artifact.';

--
-- Name: COLUMN run_segments.trained_through; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.run_segments.trained_through IS 'Last day that the model has seen anything of.';

--
-- Name: COLUMN run_segments.rows_extracted; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.run_segments.rows_extracted IS 'Rows of the segment that were read from the source.';

--
-- Name: COLUMN run_segments.rows_quarantined; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.run_segments.rows_quarantined IS 'Those that broke a critical expectation, or had no model.';

--
-- Name: COLUMN run_segments.rows_failed; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.run_segments.rows_failed IS 'Those that the model could not score.';

--
-- Name: COLUMN run_segments.rows_scored; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.run_segments.rows_scored IS 'Those with a prediction.';

--
-- Name: runs; Type: TABLE; Schema: ledger; Owner: -
--

CREATE TABLE ledger.runs (
    run_id bigint NOT NULL,
    pipeline text NOT NULL,
    partition_key text NOT NULL,
    partition_date date,
    attempt integer NOT NULL,
    window_start timestamp with time zone,
    window_end timestamp with time zone,
    timezone text,
    trigger text NOT NULL,
    origin text,
    state text DEFAULT 'running'::text NOT NULL,
    parent_run_id bigint,
    model_name text,
    model_version integer,
    model_digest text,
    trained_through date,
    leakage_allowed boolean DEFAULT false NOT NULL,
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
    seconds jsonb DEFAULT '{}'::jsonb NOT NULL,
    error text,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    note text,
    upstream_run_id bigint,
    upstream_publication_id bigint,
    rows_kept bigint,
    model_policy text,
    CONSTRAINT every_row_is_accounted_for CHECK ((((state = ANY (ARRAY['running'::text, 'failed'::text])) AND (rows_scored IS NULL)) OR COALESCE((rows_extracted = ((rows_quarantined + rows_failed) + rows_scored)), false))),
    CONSTRAINT failed_runs_say_why CHECK (((state = 'failed'::text) = (error IS NOT NULL))),
    CONSTRAINT finished_runs_know_what_they_used CHECK (((state = ANY (ARRAY['running'::text, 'failed'::text])) OR ((partition_date IS NOT NULL) AND (finished_at IS NOT NULL) AND (model_digest IS NOT NULL) AND (query_digest IS NOT NULL) AND (snapshot_digest IS NOT NULL) AND (expectations_digest IS NOT NULL) AND (code_digest IS NOT NULL) AND (libraries IS NOT NULL)))),
    CONSTRAINT kept_rows_were_scored CHECK (((rows_kept >= 0) AND (rows_kept <= rows_scored))),
    CONSTRAINT known_model_policy CHECK ((model_policy = ANY (ARRAY['current'::text, 'as_of'::text, 'as_of_declared'::text, 'pinned'::text, 'same_as'::text]))),
    CONSTRAINT known_state CHECK ((state = ANY (ARRAY['running'::text, 'published'::text, 'superseded'::text, 'checked'::text, 'failed'::text, 'pushed'::text, 'not pushed'::text]))),
    CONSTRAINT upstream_is_known_whole CHECK (((upstream_run_id IS NULL) = (upstream_publication_id IS NULL)))
);

--
-- Name: TABLE runs; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON TABLE ledger.runs IS 'One row per pipeline, partition and attempt.';

--
-- Name: COLUMN runs.run_id; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.run_id IS 'The run; a higher number was planned later.';

--
-- Name: COLUMN runs.pipeline; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.pipeline IS 'Name of the pipeline.';

--
-- Name: COLUMN runs.partition_key; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.partition_key IS 'The partition as asked for; not a day where the run was refused for it.';

--
-- Name: COLUMN runs.partition_date; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.partition_date IS 'The partition: a calendar day in the pipeline''s time zone.';

--
-- Name: COLUMN runs.attempt; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.attempt IS 'Number of the run among those of its partition, from 1.';

--
-- Name: COLUMN runs.window_start; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.window_start IS 'First instant of the partition.';

--
-- Name: COLUMN runs.window_end; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.window_end IS 'First instant after the partition.';

--
-- Name: COLUMN runs.timezone; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.timezone IS 'Time zone of the pipeline.';

--
-- Name: COLUMN runs.trigger; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.trigger IS 'How it was started: scheduled, manual, backfill, asset, command line, replay.';

--
-- Name: COLUMN runs.origin; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.origin IS 'The Airflow run that it belongs to, as dag_id/run_id.';

--
-- Name: COLUMN runs.state; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.state IS 'running; published, superseded (a newer run was first); pushed, not pushed; checked (dry run); or failed.';

--
-- Name: COLUMN runs.parent_run_id; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.parent_run_id IS 'For a replay: the run whose quarantined rows were replayed.';

--
-- Name: COLUMN runs.model_name; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.model_name IS 'Registered model.';

--
-- Name: COLUMN runs.model_version; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.model_version IS 'Its version, resolved once when the run was planned.';

--
-- Name: COLUMN runs.model_digest; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.model_digest IS 'SHA-256 of the model''s artifact.';

--
-- Name: COLUMN runs.trained_through; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.trained_through IS 'Last day that the model has seen anything of.';

--
-- Name: COLUMN runs.leakage_allowed; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.leakage_allowed IS 'The run was told to accept a model that has seen days after the partition.';

--
-- Name: COLUMN runs.query_digest; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.query_digest IS 'SHA-256 of the query, includes and all.';

--
-- Name: COLUMN runs.snapshot_uri; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.snapshot_uri IS 'Where the extracted rows are kept.';

--
-- Name: COLUMN runs.snapshot_digest; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.snapshot_digest IS 'SHA-256 of the snapshot''s file.';

--
-- Name: COLUMN runs.expectations_digest; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.expectations_digest IS 'SHA-256 of the expectation suite.';

--
-- Name: COLUMN runs.code_digest; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.code_digest IS 'SHA-256 of the engine''s and the pipelines'' Python source.';

--
-- Name: COLUMN runs.libraries; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.libraries IS 'Versions of the libraries that computed the predictions.';

--
-- Name: COLUMN runs.rows_extracted; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.rows_extracted IS 'Rows read from the source.';

--
-- Name: COLUMN runs.rows_quarantined; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.rows_quarantined IS 'Rows that broke a critical expectation.';

--
-- Name: COLUMN runs.rows_failed; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.rows_failed IS 'Rows that the model could not score, or scored outside of the declared range.';

--
-- Name: COLUMN runs.rows_scored; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.rows_scored IS 'Rows with a prediction.';

--
-- Name: COLUMN runs.seconds; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.seconds IS 'Seconds spent in each stage.';

--
-- Name: COLUMN runs.error; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.error IS 'Why the run failed, in one line.';

--
-- Name: COLUMN runs.started_at; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.started_at IS 'When the run was planned.';

--
-- Name: COLUMN runs.finished_at; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.finished_at IS 'When the run ended.';

--
-- Name: COLUMN runs.note; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.note IS 'Why a finished run did less than it could have, for example: not pushed: backfill.';

--
-- Name: COLUMN runs.upstream_run_id; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.upstream_run_id IS 'The run of the upstream pipeline whose predictions were read.';

--
-- Name: COLUMN runs.upstream_publication_id; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.upstream_publication_id IS 'The publication that made them current when this run was planned.';

--
-- Name: COLUMN runs.rows_kept; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.rows_kept IS 'Rows that are published, where only the best of each group are; empty where all scored rows are.';

--
-- Name: COLUMN runs.model_policy; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.runs.model_policy IS 'What chose the model version: current: the alias; as_of: the alias history, as of the end of the partition; as_of_declared: the same, and it was declared, not recorded; pinned: its number; same_as: another run.';

--
-- Name: runs_run_id_seq; Type: SEQUENCE; Schema: ledger; Owner: -
--

ALTER TABLE ledger.runs ALTER COLUMN run_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ledger.runs_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: shadow_runs; Type: TABLE; Schema: ledger; Owner: -
--

CREATE TABLE ledger.shadow_runs (
    run_id bigint NOT NULL,
    model_version integer,
    model_digest text,
    models jsonb,
    state text NOT NULL,
    rows_failed bigint,
    rows_scored bigint,
    seconds double precision,
    problem text,
    finished_at timestamp with time zone,
    CONSTRAINT known_state CHECK ((state = ANY (ARRAY['planned'::text, 'scored'::text, 'failed'::text, 'refused'::text]))),
    CONSTRAINT scored_shadows_are_known_whole CHECK (((state <> 'scored'::text) OR (num_nulls(model_digest, rows_failed, rows_scored, finished_at) = 0))),
    CONSTRAINT what_went_wrong_is_said CHECK (((state = ANY (ARRAY['failed'::text, 'refused'::text])) = (problem IS NOT NULL)))
);

--
-- Name: TABLE shadow_runs; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON TABLE ledger.shadow_runs IS 'One row per run whose rows were, or were to be, scored by a challenger too.';

--
-- Name: COLUMN shadow_runs.run_id; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.shadow_runs.run_id IS 'The run, whose snapshot both scored.';

--
-- Name: COLUMN shadow_runs.model_version; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.shadow_runs.model_version IS 'The challenger''s version; empty where each segment has its own.';

--
-- Name: COLUMN shadow_runs.model_digest; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.shadow_runs.model_digest IS 'SHA-256 of its artifact, or over those of the segments.';

--
-- Name: COLUMN shadow_runs.models; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.shadow_runs.models IS 'Model and version of each segment, where each has its own.';

--
-- Name: COLUMN shadow_runs.state; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.shadow_runs.state IS 'planned; scored; failed: the challenger could not score the rows; refused: it must not score this partition.';

--
-- Name: COLUMN shadow_runs.rows_failed; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.shadow_runs.rows_failed IS 'Rows that the challenger could not score.';

--
-- Name: COLUMN shadow_runs.rows_scored; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.shadow_runs.rows_scored IS 'Rows that it scored; they are in predictions.<pipeline>_shadow.';

--
-- Name: COLUMN shadow_runs.seconds; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.shadow_runs.seconds IS 'Seconds that it took; nothing of it delays the publication.';

--
-- Name: COLUMN shadow_runs.problem; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.shadow_runs.problem IS 'Why it did not score, in one line. The run itself is not touched by it.';

--
-- Name: COLUMN shadow_runs.finished_at; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.shadow_runs.finished_at IS 'When it ended.';

--
-- Name: training_profiles; Type: TABLE; Schema: ledger; Owner: -
--

CREATE TABLE ledger.training_profiles (
    model_name text NOT NULL,
    model_version integer NOT NULL,
    column_name text NOT NULL,
    profile jsonb NOT NULL
);

--
-- Name: TABLE training_profiles; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON TABLE ledger.training_profiles IS 'One row per model version and column: its spread on the held-out days of the training.';

--
-- Name: COLUMN training_profiles.model_name; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.training_profiles.model_name IS 'Registered model.';

--
-- Name: COLUMN training_profiles.model_version; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.training_profiles.model_version IS 'Its version.';

--
-- Name: COLUMN training_profiles.column_name; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.training_profiles.column_name IS 'A feature, or the predicted column.';

--
-- Name: COLUMN training_profiles.profile; Type: COMMENT; Schema: ledger; Owner: -
--

COMMENT ON COLUMN ledger.training_profiles.profile IS 'Bins and weights of numbers, values and weights of texts, as Great Expectations takes a partition object.';

--
-- Name: handed_in; Type: TABLE; Schema: parcels; Owner: -
--

CREATE TABLE parcels.handed_in (
    depot text NOT NULL,
    parcel_id integer NOT NULL,
    handed_in_at timestamp with time zone,
    weight_kg numeric(9,3),
    distance_km double precision,
    pieces integer,
    zone text,
    remark text,
    hours_taken double precision
);

--
-- Name: customer_recommendations_runs; Type: TABLE; Schema: predictions; Owner: -
--

CREATE TABLE predictions.customer_recommendations_runs (
    run_id bigint NOT NULL,
    household_id integer NOT NULL,
    product_category text NOT NULL,
    segment text,
    rank integer NOT NULL,
    probability double precision NOT NULL
);

--
-- Name: TABLE customer_recommendations_runs; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON TABLE predictions.customer_recommendations_runs IS 'Recommendations of every run, current or not. Read predictions.customer_recommendations instead.';

--
-- Name: COLUMN customer_recommendations_runs.run_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations_runs.run_id IS 'The run in ledger.runs.';

--
-- Name: COLUMN customer_recommendations_runs.household_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations_runs.household_id IS 'The household.';

--
-- Name: COLUMN customer_recommendations_runs.product_category; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations_runs.product_category IS 'The product category.';

--
-- Name: COLUMN customer_recommendations_runs.segment; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations_runs.segment IS 'Segment in the publication of customer_segments that the run read; empty if the household was in none.';

--
-- Name: COLUMN customer_recommendations_runs.rank; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations_runs.rank IS 'Place in the household''s list, from 1.';

--
-- Name: COLUMN customer_recommendations_runs.probability; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations_runs.probability IS 'Probability that the household buys in the category within the seven days after the partition.';

--
-- Name: customer_recommendations; Type: VIEW; Schema: predictions; Owner: -
--

CREATE VIEW predictions.customer_recommendations AS
 SELECT publications.partition_date,
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
   FROM ((((ledger.publications
     JOIN ledger.runs USING (run_id))
     JOIN predictions.customer_recommendations_runs predicted USING (run_id))
     LEFT JOIN ledger.run_segments own ON (((own.run_id = predicted.run_id) AND (own.segment = predicted.segment))))
     LEFT JOIN ledger.run_segments models ON (((models.run_id = predicted.run_id) AND (NOT (models.segment IS DISTINCT FROM own.segment)))))
  WHERE ((publications.pipeline = 'customer_recommendations'::text) AND (publications.withdrawn_at IS NULL));

--
-- Name: VIEW customer_recommendations; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON VIEW predictions.customer_recommendations IS 'The current recommendations: the five best categories of each household and partition.';

--
-- Name: COLUMN customer_recommendations.partition_date; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations.partition_date IS 'The day at whose end the list was made.';

--
-- Name: COLUMN customer_recommendations.household_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations.household_id IS 'The household.';

--
-- Name: COLUMN customer_recommendations.rank; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations.rank IS 'Place in the household''s list, from 1.';

--
-- Name: COLUMN customer_recommendations.product_category; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations.product_category IS 'The product category.';

--
-- Name: COLUMN customer_recommendations.probability; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations.probability IS 'Probability that the household buys in the category within the seven days after the partition.';

--
-- Name: COLUMN customer_recommendations.segment; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations.segment IS 'The household''s segment as it was published when the run was planned; empty if it was in none.';

--
-- Name: COLUMN customer_recommendations.model_name; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations.model_name IS 'The model that ranked it.';

--
-- Name: COLUMN customer_recommendations.model_version; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations.model_version IS 'Version of that model.';

--
-- Name: COLUMN customer_recommendations.leakage_allowed; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations.leakage_allowed IS 'True where the run was told to accept a model that had seen days after the partition.';

--
-- Name: COLUMN customer_recommendations.published_at; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations.published_at IS 'When these rows became the current ones.';

--
-- Name: COLUMN customer_recommendations.run_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations.run_id IS 'The run, for ledger.runs and `daybreak show`.';

--
-- Name: COLUMN customer_recommendations.upstream_run_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_recommendations.upstream_run_id IS 'The run of customer_segments whose publication the segments come from.';

--
-- Name: customer_segments_runs; Type: TABLE; Schema: predictions; Owner: -
--

CREATE TABLE predictions.customer_segments_runs (
    run_id bigint NOT NULL,
    household_id integer NOT NULL,
    segment text NOT NULL
);

--
-- Name: TABLE customer_segments_runs; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON TABLE predictions.customer_segments_runs IS 'Segments of every run, current or not. Read predictions.customer_segments instead.';

--
-- Name: COLUMN customer_segments_runs.run_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_segments_runs.run_id IS 'The run in ledger.runs.';

--
-- Name: COLUMN customer_segments_runs.household_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_segments_runs.household_id IS 'The household.';

--
-- Name: COLUMN customer_segments_runs.segment; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_segments_runs.segment IS 'loyal, regular, occasional or lapsing.';

--
-- Name: customer_segments; Type: VIEW; Schema: predictions; Owner: -
--

CREATE VIEW predictions.customer_segments AS
 SELECT publications.partition_date,
    predicted.household_id,
    predicted.segment,
    runs.model_version,
    runs.leakage_allowed,
    publications.published_at,
    runs.run_id
   FROM ((ledger.publications
     JOIN ledger.runs USING (run_id))
     JOIN predictions.customer_segments_runs predicted USING (run_id))
  WHERE ((publications.pipeline = 'customer_segments'::text) AND (publications.withdrawn_at IS NULL));

--
-- Name: VIEW customer_segments; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON VIEW predictions.customer_segments IS 'The current segments: one row per partition and household.';

--
-- Name: COLUMN customer_segments.partition_date; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_segments.partition_date IS 'The day at whose end the household was looked at.';

--
-- Name: COLUMN customer_segments.household_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_segments.household_id IS 'The household.';

--
-- Name: COLUMN customer_segments.segment; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_segments.segment IS 'loyal, regular, occasional or lapsing: from the households that came last to those that stay away.';

--
-- Name: COLUMN customer_segments.model_version; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_segments.model_version IS 'Version of the model that found it.';

--
-- Name: COLUMN customer_segments.leakage_allowed; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_segments.leakage_allowed IS 'True where the run was told to accept a model that had seen days after the partition.';

--
-- Name: COLUMN customer_segments.published_at; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_segments.published_at IS 'When these rows became the current ones.';

--
-- Name: COLUMN customer_segments.run_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.customer_segments.run_id IS 'The run, for ledger.runs and `daybreak show`.';

--
-- Name: demand_forecast_runs; Type: TABLE; Schema: predictions; Owner: -
--

CREATE TABLE predictions.demand_forecast_runs (
    run_id bigint NOT NULL,
    store_id integer NOT NULL,
    product_category text NOT NULL,
    predicted_units double precision NOT NULL
);

--
-- Name: TABLE demand_forecast_runs; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON TABLE predictions.demand_forecast_runs IS 'Predictions of every run, current or not. Read predictions.demand_forecast instead.';

--
-- Name: COLUMN demand_forecast_runs.run_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast_runs.run_id IS 'The run in ledger.runs.';

--
-- Name: COLUMN demand_forecast_runs.store_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast_runs.store_id IS 'The store.';

--
-- Name: COLUMN demand_forecast_runs.product_category; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast_runs.product_category IS 'The product category.';

--
-- Name: COLUMN demand_forecast_runs.predicted_units; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast_runs.predicted_units IS 'Units expected to sell on the day after the partition.';

--
-- Name: demand_forecast; Type: VIEW; Schema: predictions; Owner: -
--

CREATE VIEW predictions.demand_forecast AS
 SELECT publications.partition_date,
    (publications.partition_date + 1) AS forecast_date,
    predicted.store_id,
    predicted.product_category,
    predicted.predicted_units,
    runs.model_version,
    runs.leakage_allowed,
    publications.published_at,
    runs.run_id
   FROM ((ledger.publications
     JOIN ledger.runs USING (run_id))
     JOIN predictions.demand_forecast_runs predicted USING (run_id))
  WHERE ((publications.pipeline = 'demand_forecast'::text) AND (publications.withdrawn_at IS NULL));

--
-- Name: VIEW demand_forecast; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON VIEW predictions.demand_forecast IS 'The current demand forecast: one row per partition, store and category.';

--
-- Name: COLUMN demand_forecast.partition_date; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast.partition_date IS 'The day at whose end the forecast was made.';

--
-- Name: COLUMN demand_forecast.forecast_date; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast.forecast_date IS 'The day that is forecast, the next one.';

--
-- Name: COLUMN demand_forecast.store_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast.store_id IS 'The store.';

--
-- Name: COLUMN demand_forecast.product_category; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast.product_category IS 'The product category.';

--
-- Name: COLUMN demand_forecast.predicted_units; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast.predicted_units IS 'Units expected to sell on the forecast day.';

--
-- Name: COLUMN demand_forecast.model_version; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast.model_version IS 'Version of the model that forecast it.';

--
-- Name: COLUMN demand_forecast.leakage_allowed; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast.leakage_allowed IS 'True where the run was told to accept a model that had seen days after the partition.';

--
-- Name: COLUMN demand_forecast.published_at; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast.published_at IS 'When these rows became the current ones.';

--
-- Name: COLUMN demand_forecast.run_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast.run_id IS 'The run, for ledger.runs and `daybreak show`.';

--
-- Name: demand_forecast_shadow; Type: TABLE; Schema: predictions; Owner: -
--

CREATE TABLE predictions.demand_forecast_shadow (
    run_id bigint NOT NULL,
    store_id integer,
    product_category text,
    predicted_units double precision
);

--
-- Name: TABLE demand_forecast_shadow; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON TABLE predictions.demand_forecast_shadow IS 'What challengers predicted for the rows of a run. Never published: read predictions.demand_forecast instead.';

--
-- Name: COLUMN demand_forecast_shadow.run_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast_shadow.run_id IS 'The run in ledger.shadow_runs.';

--
-- Name: COLUMN demand_forecast_shadow.store_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast_shadow.store_id IS 'The store.';

--
-- Name: COLUMN demand_forecast_shadow.product_category; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast_shadow.product_category IS 'The product category.';

--
-- Name: COLUMN demand_forecast_shadow.predicted_units; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.demand_forecast_shadow.predicted_units IS 'Units expected to sell on the day after the partition.';

--
-- Name: parcel_carriers_runs; Type: TABLE; Schema: predictions; Owner: -
--

CREATE TABLE predictions.parcel_carriers_runs (
    run_id bigint NOT NULL,
    depot text NOT NULL,
    parcel_id integer NOT NULL,
    carrier integer NOT NULL,
    parcel_class text,
    rank integer NOT NULL,
    likelihood double precision NOT NULL
);

--
-- Name: parcel_carriers; Type: VIEW; Schema: predictions; Owner: -
--

CREATE VIEW predictions.parcel_carriers AS
 SELECT publications.partition_date,
    predicted.run_id,
    predicted.depot,
    predicted.parcel_id,
    predicted.carrier,
    predicted.parcel_class,
    predicted.rank,
    predicted.likelihood
   FROM (ledger.publications
     JOIN predictions.parcel_carriers_runs predicted USING (run_id))
  WHERE ((publications.pipeline = 'parcel_carriers'::text) AND (publications.withdrawn_at IS NULL));

--
-- Name: parcel_classes_runs; Type: TABLE; Schema: predictions; Owner: -
--

CREATE TABLE predictions.parcel_classes_runs (
    run_id bigint NOT NULL,
    depot text NOT NULL,
    parcel_id integer NOT NULL,
    parcel_class text NOT NULL
);

--
-- Name: parcel_classes; Type: VIEW; Schema: predictions; Owner: -
--

CREATE VIEW predictions.parcel_classes AS
 SELECT publications.partition_date,
    predicted.run_id,
    predicted.depot,
    predicted.parcel_id,
    predicted.parcel_class
   FROM (ledger.publications
     JOIN predictions.parcel_classes_runs predicted USING (run_id))
  WHERE ((publications.pipeline = 'parcel_classes'::text) AND (publications.withdrawn_at IS NULL));

--
-- Name: parcel_hours_runs; Type: TABLE; Schema: predictions; Owner: -
--

CREATE TABLE predictions.parcel_hours_runs (
    run_id bigint NOT NULL,
    depot text NOT NULL,
    parcel_id integer NOT NULL,
    predicted_hours double precision NOT NULL
);

--
-- Name: parcel_hours; Type: VIEW; Schema: predictions; Owner: -
--

CREATE VIEW predictions.parcel_hours AS
 SELECT publications.partition_date,
    predicted.depot,
    predicted.parcel_id,
    predicted.predicted_hours,
    runs.model_version,
    runs.leakage_allowed,
    publications.published_at,
    runs.run_id
   FROM ((ledger.publications
     JOIN ledger.runs USING (run_id))
     JOIN predictions.parcel_hours_runs predicted USING (run_id))
  WHERE ((publications.pipeline = 'parcel_hours'::text) AND (publications.withdrawn_at IS NULL));

--
-- Name: parcel_hours_shadow; Type: TABLE; Schema: predictions; Owner: -
--

CREATE TABLE predictions.parcel_hours_shadow (
    run_id bigint NOT NULL,
    depot text,
    parcel_id integer,
    predicted_hours double precision
);

--
-- Name: TABLE parcel_hours_shadow; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON TABLE predictions.parcel_hours_shadow IS 'What challengers predicted for the rows of a run. Never published: read predictions.parcel_hours instead.';

--
-- Name: COLUMN parcel_hours_shadow.run_id; Type: COMMENT; Schema: predictions; Owner: -
--

COMMENT ON COLUMN predictions.parcel_hours_shadow.run_id IS 'The run in ledger.shadow_runs.';

--
-- Name: daybreak_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.daybreak_migrations (
    name text NOT NULL,
    digest text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

--
-- Data for Name: alias_history; Type: TABLE DATA; Schema: ledger; Owner: -
--

INSERT INTO ledger.alias_history VALUES
	('parcel_hours', 'champion', 1, '2026-11-28 05:27:04.062746+00', NULL, 'trained through 2024-03-07', 'moved', NULL, '[]', 'command line', '2026-11-28 05:27:04.062746+00'),
	('parcel_classes', 'champion', 1, '2026-11-28 05:27:09.177167+00', NULL, 'trained through 2024-03-06', 'moved', NULL, '[]', 'command line', '2026-11-28 05:27:09.177167+00'),
	('carriers_near', 'champion', 1, '2026-11-28 05:27:11.864871+00', NULL, 'trained through 2024-03-07', 'moved', NULL, '[]', 'command line', '2026-11-28 05:27:11.864871+00'),
	('carriers_middling', 'champion', 1, '2026-11-28 05:27:12.42877+00', NULL, 'trained through 2024-03-07', 'moved', NULL, '[]', 'command line', '2026-11-28 05:27:12.42877+00'),
	('carriers_any', 'champion', 1, '2026-11-28 05:27:12.865175+00', NULL, 'trained through 2024-03-07', 'moved', NULL, '[]', 'command line', '2026-11-28 05:27:12.865175+00'),
	('parcel_hours', 'challenger', 2, '2026-11-28 05:27:14.200247+00', NULL, 'test', 'moved', NULL, '[]', 'command line', '2026-11-28 05:27:14.200247+00');

--
-- Data for Name: deliveries; Type: TABLE DATA; Schema: ledger; Owner: -
--

INSERT INTO ledger.deliveries VALUES
	('daily_promotions', '2026-11-16', 1, 1, 17, 'offers', '078abf8bb1151056b2b3deba370bba82', 3, '03c7c0ace395d80182db07ae2c30f034', 5, '8277e0910d750195b448797616e091ad', 'acknowledged', 0, 1, '2026-11-17 06:02:00+00', '2026-11-17 06:03:00+00'),
	('daily_promotions', '2026-11-17', 1, 1, 22, 'offers', 'f9200631fae3236a823e6bbb5a8866d0', 3, '03c7c0ace395d80182db07ae2c30f034', 5, '8277e0910d750195b448797616e091ad', 'acknowledged', 0, 1, '2026-11-18 06:02:00+00', '2026-11-18 06:03:00+00');

--
-- Data for Name: drift; Type: TABLE DATA; Schema: ledger; Owner: -
--

--
-- Data for Name: expectation_results; Type: TABLE DATA; Schema: ledger; Owner: -
--

INSERT INTO ledger.expectation_results VALUES
	(1, 1, 'expect_column_values_to_be_between', 'row', 'critical', true, 24, 0, '{"column": "weight_kg", "max_value": 50.0, "min_value": 0.0}', NULL),
	(1, 2, 'expect_column_values_to_not_be_null', 'row', 'critical', true, 24, 0, '{"column": "zone"}', NULL),
	(1, 3, 'expect_column_values_to_be_between', 'row', 'warning', true, 21, 0, '{"column": "pieces", "mostly": 0.9, "max_value": 20.0, "min_value": 1.0}', NULL),
	(1, 4, 'expect_table_row_count_to_be_between', 'batch', 'critical', true, 24, 0, '{"max_value": 100000, "min_value": 10}', '24'),
	(1, 5, 'expect_column_mean_to_be_between', 'batch', 'warning', true, 24, 0, '{"column": "distance_km", "max_value": 100.0, "min_value": 1.0}', '51.296166666666664'),
	(2, 1, 'expect_column_values_to_be_between', 'row', 'critical', true, 24, 0, '{"column": "weight_kg", "max_value": 50.0, "min_value": 0.0}', NULL),
	(2, 2, 'expect_column_values_to_not_be_null', 'row', 'critical', true, 24, 0, '{"column": "zone"}', NULL),
	(2, 3, 'expect_column_values_to_be_between', 'row', 'warning', true, 21, 0, '{"column": "pieces", "mostly": 0.9, "max_value": 20.0, "min_value": 1.0}', NULL),
	(2, 4, 'expect_table_row_count_to_be_between', 'batch', 'critical', true, 24, 0, '{"max_value": 100000, "min_value": 10}', '24'),
	(2, 5, 'expect_column_mean_to_be_between', 'batch', 'warning', true, 24, 0, '{"column": "distance_km", "max_value": 100.0, "min_value": 1.0}', '51.296166666666664'),
	(3, 1, 'expect_column_values_to_be_between', 'row', 'critical', true, 96, 0, '{"column": "carrier", "max_value": 4.0, "min_value": 1.0}', NULL),
	(4, 1, 'expect_column_values_to_be_between', 'row', 'critical', true, 24, 0, '{"column": "weight_kg", "max_value": 50.0, "min_value": 0.0}', NULL),
	(4, 2, 'expect_column_values_to_not_be_null', 'row', 'critical', true, 24, 0, '{"column": "zone"}', NULL),
	(4, 3, 'expect_column_values_to_be_between', 'row', 'warning', true, 21, 0, '{"column": "pieces", "mostly": 0.9, "max_value": 20.0, "min_value": 1.0}', NULL),
	(4, 4, 'expect_table_row_count_to_be_between', 'batch', 'critical', true, 24, 0, '{"max_value": 100000, "min_value": 10}', '24'),
	(4, 5, 'expect_column_mean_to_be_between', 'batch', 'warning', true, 24, 0, '{"column": "distance_km", "max_value": 100.0, "min_value": 1.0}', '51.8585'),
	(5, 1, 'expect_column_values_to_be_between', 'row', 'critical', true, 24, 0, '{"column": "weight_kg", "max_value": 50.0, "min_value": 0.0}', NULL),
	(5, 2, 'expect_column_values_to_not_be_null', 'row', 'critical', true, 24, 0, '{"column": "zone"}', NULL),
	(5, 3, 'expect_column_values_to_be_between', 'row', 'warning', true, 21, 0, '{"column": "pieces", "mostly": 0.9, "max_value": 20.0, "min_value": 1.0}', NULL),
	(5, 4, 'expect_table_row_count_to_be_between', 'batch', 'critical', true, 24, 0, '{"max_value": 100000, "min_value": 10}', '24'),
	(5, 5, 'expect_column_mean_to_be_between', 'batch', 'warning', true, 24, 0, '{"column": "distance_km", "max_value": 100.0, "min_value": 1.0}', '51.8585'),
	(6, 1, 'expect_column_values_to_be_between', 'row', 'critical', true, 96, 0, '{"column": "carrier", "max_value": 4.0, "min_value": 1.0}', NULL),
	(7, 1, 'expect_column_values_to_be_between', 'row', 'critical', true, 24, 0, '{"column": "weight_kg", "max_value": 50.0, "min_value": 0.0}', NULL),
	(7, 2, 'expect_column_values_to_not_be_null', 'row', 'critical', true, 24, 0, '{"column": "zone"}', NULL),
	(7, 3, 'expect_column_values_to_be_between', 'row', 'warning', true, 21, 0, '{"column": "pieces", "mostly": 0.9, "max_value": 20.0, "min_value": 1.0}', NULL),
	(7, 4, 'expect_table_row_count_to_be_between', 'batch', 'critical', true, 24, 0, '{"max_value": 100000, "min_value": 10}', '24'),
	(7, 5, 'expect_column_mean_to_be_between', 'batch', 'warning', true, 24, 0, '{"column": "distance_km", "max_value": 100.0, "min_value": 1.0}', '50.73383333333334'),
	(8, 1, 'expect_column_values_to_be_between', 'row', 'critical', false, 24, 1, '{"column": "weight_kg", "max_value": 50.0, "min_value": 0.0}', NULL),
	(8, 2, 'expect_column_values_to_not_be_null', 'row', 'critical', true, 24, 0, '{"column": "zone"}', NULL),
	(8, 3, 'expect_column_values_to_be_between', 'row', 'warning', true, 21, 0, '{"column": "pieces", "mostly": 0.9, "max_value": 20.0, "min_value": 1.0}', NULL),
	(8, 4, 'expect_table_row_count_to_be_between', 'batch', 'critical', true, 23, 0, '{"max_value": 100000, "min_value": 10}', '23'),
	(8, 5, 'expect_column_mean_to_be_between', 'batch', 'warning', true, 23, 0, '{"column": "distance_km", "max_value": 100.0, "min_value": 1.0}', '49.22234782608696'),
	(9, 1, 'expect_column_values_to_be_between', 'row', 'critical', true, 24, 0, '{"column": "weight_kg", "max_value": 50.0, "min_value": 0.0}', NULL),
	(9, 2, 'expect_column_values_to_not_be_null', 'row', 'critical', true, 24, 0, '{"column": "zone"}', NULL),
	(9, 3, 'expect_column_values_to_be_between', 'row', 'warning', true, 21, 0, '{"column": "pieces", "mostly": 0.9, "max_value": 20.0, "min_value": 1.0}', NULL),
	(9, 4, 'expect_table_row_count_to_be_between', 'batch', 'critical', true, 24, 0, '{"max_value": 100000, "min_value": 10}', '24'),
	(9, 5, 'expect_column_mean_to_be_between', 'batch', 'warning', true, 24, 0, '{"column": "distance_km", "max_value": 100.0, "min_value": 1.0}', '51.8585'),
	(10, 1, 'expect_column_values_to_be_between', 'row', 'critical', true, 24, 0, '{"column": "weight_kg", "max_value": 50.0, "min_value": 0.0}', NULL),
	(10, 2, 'expect_column_values_to_not_be_null', 'row', 'critical', true, 24, 0, '{"column": "zone"}', NULL),
	(10, 3, 'expect_column_values_to_be_between', 'row', 'warning', true, 21, 0, '{"column": "pieces", "mostly": 0.9, "max_value": 20.0, "min_value": 1.0}', NULL),
	(10, 4, 'expect_table_row_count_to_be_between', 'batch', 'critical', true, 24, 0, '{"max_value": 100000, "min_value": 10}', '24'),
	(10, 5, 'expect_column_mean_to_be_between', 'batch', 'warning', true, 24, 0, '{"column": "distance_km", "max_value": 100.0, "min_value": 1.0}', '51.8585'),
	(11, 1, 'expect_column_values_to_be_between', 'row', 'critical', true, 96, 0, '{"column": "carrier", "max_value": 4.0, "min_value": 1.0}', NULL);

--
-- Data for Name: performance; Type: TABLE DATA; Schema: ledger; Owner: -
--

--
-- Data for Name: publications; Type: TABLE DATA; Schema: ledger; Owner: -
--

INSERT INTO ledger.publications OVERRIDING SYSTEM VALUE VALUES
	(2, 'parcel_classes', '2024-03-09', 2, 'run', '2026-11-28 05:27:33.179596+00', NULL),
	(3, 'parcel_carriers', '2024-03-09', 3, 'run', '2026-11-28 05:27:35.068153+00', NULL),
	(7, 'parcel_hours', '2024-03-08', 7, 'run', '2026-11-28 05:27:40.665959+00', NULL),
	(1, 'parcel_hours', '2024-03-09', 1, 'run', '2026-11-28 05:27:31.436162+00', '2026-11-28 05:27:42.588144+00'),
	(8, 'parcel_hours', '2024-03-09', 8, 'run', '2026-11-28 05:27:42.588144+00', '2026-11-28 05:27:42.902212+00'),
	(9, 'parcel_hours', '2024-03-09', 1, 'rollback', '2026-11-28 05:27:42.902212+00', NULL),
	(4, 'parcel_hours', '2024-03-10', 4, 'run', '2026-11-28 05:27:36.608003+00', '2026-11-28 05:27:44.001665+00'),
	(10, 'parcel_hours', '2024-03-10', 9, 'run', '2026-11-28 05:27:44.001665+00', NULL),
	(5, 'parcel_classes', '2024-03-10', 5, 'run', '2026-11-28 05:27:37.503203+00', '2026-11-28 05:27:45.437+00'),
	(11, 'parcel_classes', '2024-03-10', 10, 'run', '2026-11-28 05:27:45.437+00', NULL),
	(6, 'parcel_carriers', '2024-03-10', 6, 'run', '2026-11-28 05:27:39.048679+00', '2026-11-28 05:27:46.532693+00'),
	(12, 'parcel_carriers', '2024-03-10', 11, 'run', '2026-11-28 05:27:46.532693+00', NULL),
	(13, 'demand_forecast', '2026-11-16', 13, 'run', '2026-11-17 06:01:30+00', '2026-11-17 06:02:30+00'),
	(14, 'demand_forecast', '2026-11-16', 14, 'run', '2026-11-17 06:02:30+00', '2026-11-17 06:03:30+00'),
	(15, 'demand_forecast', '2026-11-16', 13, 'rollback', '2026-11-17 06:03:30+00', NULL),
	(16, 'customer_segments', '2026-11-16', 15, 'run', '2026-11-17 06:01:30+00', NULL),
	(17, 'customer_recommendations', '2026-11-16', 16, 'run', '2026-11-17 06:02:30+00', NULL),
	(18, 'demand_forecast', '2026-11-17', 18, 'run', '2026-11-18 06:01:30+00', '2026-11-18 06:02:30+00'),
	(19, 'demand_forecast', '2026-11-17', 19, 'run', '2026-11-18 06:02:30+00', NULL),
	(20, 'customer_segments', '2026-11-17', 20, 'run', '2026-11-18 06:01:30+00', NULL),
	(21, 'customer_recommendations', '2026-11-17', 21, 'run', '2026-11-18 06:02:30+00', NULL);

--
-- Data for Name: quarantine; Type: TABLE DATA; Schema: ledger; Owner: -
--

INSERT INTO ledger.quarantine VALUES
	(8, 10, 'validate', '{"depot": "south", "parcel_id": 8007}', '{"weight_kg: column values to be between (min_value=0.0, max_value=50.0)"}', '{"zone": "country", "depot": "south", "pieces": 4, "remark": null, "parcel_id": 8007, "weight_kg": 1000.0, "distance_km": 98.994}');

--
-- Data for Name: retraining_requests; Type: TABLE DATA; Schema: ledger; Owner: -
--

--
-- Data for Name: run_segments; Type: TABLE DATA; Schema: ledger; Owner: -
--

INSERT INTO ledger.run_segments VALUES
	(3, 1, 'near', 'carriers_near', 1, '8dbdb9c3e2a95046d1a995abcdc46007a6ec068d31003d5df809fdd4aeba4ce3', '2024-03-07', 32, 0, 0, 32),
	(3, 2, 'middling', 'carriers_middling', 1, '27d63f8f381c7655977995321aaa7900e99b0ce17d894509964def9bc8942c7a', '2024-03-07', 28, 0, 0, 28),
	(3, 3, NULL, 'carriers_any', 1, '95f38c87932be78c3e6c036cd5d10a5f52a3f988e140f4856889048e7aa05f6f', '2024-03-07', 36, 0, 0, 36),
	(6, 1, 'near', 'carriers_near', 1, '8dbdb9c3e2a95046d1a995abcdc46007a6ec068d31003d5df809fdd4aeba4ce3', '2024-03-07', 32, 0, 0, 32),
	(6, 2, 'middling', 'carriers_middling', 1, '27d63f8f381c7655977995321aaa7900e99b0ce17d894509964def9bc8942c7a', '2024-03-07', 28, 0, 0, 28),
	(6, 3, NULL, 'carriers_any', 1, '95f38c87932be78c3e6c036cd5d10a5f52a3f988e140f4856889048e7aa05f6f', '2024-03-07', 36, 0, 0, 36),
	(11, 1, 'near', 'carriers_near', 1, '8dbdb9c3e2a95046d1a995abcdc46007a6ec068d31003d5df809fdd4aeba4ce3', '2024-03-07', 32, 0, 0, 32),
	(11, 2, 'middling', 'carriers_middling', 1, '27d63f8f381c7655977995321aaa7900e99b0ce17d894509964def9bc8942c7a', '2024-03-07', 28, 0, 0, 28),
	(11, 3, NULL, 'carriers_any', 1, '95f38c87932be78c3e6c036cd5d10a5f52a3f988e140f4856889048e7aa05f6f', '2024-03-07', 36, 0, 0, 36),
	(16, 1, 'loyal', 'customer_recommendations_loyal', 1, 'c4ca4238a0b923820dcc509a6f75849b', '2026-10-01', 0, 0, 0, 0),
	(16, 2, 'regular', 'customer_recommendations_regular', 2, 'c81e728d9d4c2f636f067f89cc14862c', '2026-10-01', 0, 0, 0, 0),
	(16, 3, 'occasional', 'customer_recommendations_occasional', 3, 'eccbc87e4b5ce2fe28308fd9f2a7baf3', '2026-10-01', 0, 0, 0, 0),
	(16, 4, 'lapsing', 'customer_recommendations_lapsing', 4, 'a87ff679a2f3e71d9181a67b7542122c', '2026-10-01', 0, 0, 0, 0),
	(16, 5, NULL, 'customer_recommendations', 5, 'e4da3b7fbbce2345d7772b0674a318d5', '2026-10-01', 21, 0, 0, 21),
	(21, 1, 'loyal', 'customer_recommendations_loyal', 1, 'c4ca4238a0b923820dcc509a6f75849b', '2026-10-01', 0, 0, 0, 0),
	(21, 2, 'regular', 'customer_recommendations_regular', 2, 'c81e728d9d4c2f636f067f89cc14862c', '2026-10-01', 0, 0, 0, 0),
	(21, 3, 'occasional', 'customer_recommendations_occasional', 3, 'eccbc87e4b5ce2fe28308fd9f2a7baf3', '2026-10-01', 0, 0, 0, 0),
	(21, 4, 'lapsing', 'customer_recommendations_lapsing', 4, 'a87ff679a2f3e71d9181a67b7542122c', '2026-10-01', 0, 0, 0, 0),
	(21, 5, NULL, 'customer_recommendations', 5, 'e4da3b7fbbce2345d7772b0674a318d5', '2026-10-01', 21, 0, 0, 21);

--
-- Data for Name: runs; Type: TABLE DATA; Schema: ledger; Owner: -
--

INSERT INTO ledger.runs OVERRIDING SYSTEM VALUE VALUES
	(5, 'parcel_classes', '2024-03-10', '2024-03-10', 1, '2024-03-10 05:00:00+00', '2024-03-11 04:00:00+00', 'America/New_York', 'command line', NULL, 'published', NULL, 'parcel_classes', 1, 'e0257aeb9e059a8789dedf48d8c7289b82e623d919ba265393f20eed12b1a275', '2024-03-06', false, 'adda00bf881733b24093bf4de36515caec70b0f9ab80347698a40aa0a7aea95d', 's3://batches/parcel_classes/2024-03-10/5', '7f944fa4110c5024b1b5f83de602efe3abc39c8bb87250da696667bb4a671fda', '5aab19c193c54a03f7a36e337388d63c749128e43c3d1ca1b3f66dd893ae9976', 'bf927e2a988c1b93085de438f3471d2421e610660769fd17c6f90f4aee424380', '{"numpy": "2.4.6"}', 24, 0, 0, 24, '{"all": 0.607}', NULL, '2026-11-28 05:27:36.750819+00', '2026-11-28 05:27:37.49366+00', NULL, NULL, NULL, NULL, 'current'),
	(4, 'parcel_hours', '2024-03-10', '2024-03-10', 1, '2024-03-10 05:00:00+00', '2024-03-11 04:00:00+00', 'America/New_York', 'command line', NULL, 'published', NULL, 'parcel_hours', 1, '7c889bc69b533734fd4badf3768d0cb5324c8f4c7ff1dab53468664bd7dd01eb', '2024-03-07', false, 'c06034568d67c10325d701d23905d5a7805d426711c34010e1b0106e36c2c608', 's3://batches/parcel_hours/2024-03-10/4', '7f944fa4110c5024b1b5f83de602efe3abc39c8bb87250da696667bb4a671fda', '5aab19c193c54a03f7a36e337388d63c749128e43c3d1ca1b3f66dd893ae9976', 'bf927e2a988c1b93085de438f3471d2421e610660769fd17c6f90f4aee424380', '{"numpy": "2.4.6"}', 24, 0, 0, 24, '{"all": 0.837}', NULL, '2026-11-28 05:27:35.133715+00', '2026-11-28 05:27:36.607488+00', NULL, NULL, NULL, NULL, 'current'),
	(1, 'parcel_hours', '2024-03-09', '2024-03-09', 1, '2024-03-09 05:00:00+00', '2024-03-10 05:00:00+00', 'America/New_York', 'command line', NULL, 'published', NULL, 'parcel_hours', 1, '7c889bc69b533734fd4badf3768d0cb5324c8f4c7ff1dab53468664bd7dd01eb', '2024-03-07', false, 'c06034568d67c10325d701d23905d5a7805d426711c34010e1b0106e36c2c608', 's3://batches/parcel_hours/2024-03-09/1', '6966b4ac82c7b453ccc4d3881f2f07a8f2f5a4c05c9e32049da112fa0ba9f7c1', '5aab19c193c54a03f7a36e337388d63c749128e43c3d1ca1b3f66dd893ae9976', 'bf927e2a988c1b93085de438f3471d2421e610660769fd17c6f90f4aee424380', '{"numpy": "2.4.6"}', 24, 0, 0, 24, '{"all": 16.447}', NULL, '2026-11-28 05:27:14.353168+00', '2026-11-28 05:27:31.42281+00', NULL, NULL, NULL, NULL, 'current'),
	(12, 'parcel_hours', '2024-03-20', '2024-03-20', 1, '2024-03-20 04:00:00+00', '2024-03-21 04:00:00+00', 'America/New_York', 'command line', NULL, 'failed', NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}', 'parcel_hours 2024-03-20: The source holds nothing of this day or a later one; its last day is 2024-03-12. Next: wait until the day has landed, then run the partition again.', '2026-11-28 05:27:46.583383+00', '2026-11-28 05:27:46.700535+00', NULL, NULL, NULL, NULL, NULL),
	(3, 'parcel_carriers', '2024-03-09', '2024-03-09', 1, '2024-03-09 05:00:00+00', '2024-03-10 05:00:00+00', 'America/New_York', 'command line', NULL, 'published', NULL, NULL, NULL, '1735cfbbb9feeccc5cebc12baf18cebaee9c9ecbb470967dcde501c5cea1a299', '2024-03-07', false, '9d7538f330fbfd03f19c6735c63558b152d118314b04808a8a89a3400823ef96', 's3://batches/parcel_carriers/2024-03-09/3', '90ab77b961123811e4e1e01815ed11f5c8a855d61a201781dd50e12c649143de', '1bdfcea6d8aca47876ef5669524436c426cc8fdf176d9a95efe9f45586f94bb8', 'bf927e2a988c1b93085de438f3471d2421e610660769fd17c6f90f4aee424380', '{"numpy": "2.4.6"}', 96, 0, 0, 96, '{"all": 0.901}', NULL, '2026-11-28 05:27:33.22874+00', '2026-11-28 05:27:35.065839+00', NULL, 2, 2, 48, 'current'),
	(7, 'parcel_hours', '2024-03-08', '2024-03-08', 1, '2024-03-08 05:00:00+00', '2024-03-09 05:00:00+00', 'America/New_York', 'command line', NULL, 'published', NULL, 'parcel_hours', 1, '7c889bc69b533734fd4badf3768d0cb5324c8f4c7ff1dab53468664bd7dd01eb', '2024-03-07', false, 'c06034568d67c10325d701d23905d5a7805d426711c34010e1b0106e36c2c608', 's3://batches/parcel_hours/2024-03-08/7', '93d291c4908de2ac5c232b180438f78dae18b2f6fdcb8d30c232b4da2c2ac4e9', '5aab19c193c54a03f7a36e337388d63c749128e43c3d1ca1b3f66dd893ae9976', 'bf927e2a988c1b93085de438f3471d2421e610660769fd17c6f90f4aee424380', '{"numpy": "2.4.6"}', 24, 0, 0, 24, '{"all": 0.912}', NULL, '2026-11-28 05:27:39.130435+00', '2026-11-28 05:27:40.6643+00', NULL, NULL, NULL, NULL, 'current'),
	(6, 'parcel_carriers', '2024-03-10', '2024-03-10', 1, '2024-03-10 05:00:00+00', '2024-03-11 04:00:00+00', 'America/New_York', 'command line', NULL, 'published', NULL, NULL, NULL, '1735cfbbb9feeccc5cebc12baf18cebaee9c9ecbb470967dcde501c5cea1a299', '2024-03-07', false, '9d7538f330fbfd03f19c6735c63558b152d118314b04808a8a89a3400823ef96', 's3://batches/parcel_carriers/2024-03-10/6', 'e3e318e77434c2fde29527db67f984c90daa9649f74aed577fa050a61b7efb7d', '1bdfcea6d8aca47876ef5669524436c426cc8fdf176d9a95efe9f45586f94bb8', 'bf927e2a988c1b93085de438f3471d2421e610660769fd17c6f90f4aee424380', '{"numpy": "2.4.6"}', 96, 0, 0, 96, '{"all": 0.708}', NULL, '2026-11-28 05:27:37.559844+00', '2026-11-28 05:27:39.042978+00', NULL, 5, 5, 48, 'current'),
	(2, 'parcel_classes', '2024-03-09', '2024-03-09', 1, '2024-03-09 05:00:00+00', '2024-03-10 05:00:00+00', 'America/New_York', 'command line', NULL, 'published', NULL, 'parcel_classes', 1, 'e0257aeb9e059a8789dedf48d8c7289b82e623d919ba265393f20eed12b1a275', '2024-03-06', false, 'adda00bf881733b24093bf4de36515caec70b0f9ab80347698a40aa0a7aea95d', 's3://batches/parcel_classes/2024-03-09/2', '6966b4ac82c7b453ccc4d3881f2f07a8f2f5a4c05c9e32049da112fa0ba9f7c1', '5aab19c193c54a03f7a36e337388d63c749128e43c3d1ca1b3f66dd893ae9976', 'bf927e2a988c1b93085de438f3471d2421e610660769fd17c6f90f4aee424380', '{"numpy": "2.4.6"}', 24, 0, 0, 24, '{"all": 1.065}', NULL, '2026-11-28 05:27:31.838852+00', '2026-11-28 05:27:33.179047+00', NULL, NULL, NULL, NULL, 'current'),
	(8, 'parcel_hours', '2024-03-09', '2024-03-09', 2, '2024-03-09 05:00:00+00', '2024-03-10 05:00:00+00', 'America/New_York', 'command line', NULL, 'published', NULL, 'parcel_hours', 1, '7c889bc69b533734fd4badf3768d0cb5324c8f4c7ff1dab53468664bd7dd01eb', '2024-03-07', false, 'c06034568d67c10325d701d23905d5a7805d426711c34010e1b0106e36c2c608', 's3://batches/parcel_hours/2024-03-09/8', '6b057ff382fea359f63717d7b847ab07585e402b87a788dfe4fcdb03489e04fe', '5aab19c193c54a03f7a36e337388d63c749128e43c3d1ca1b3f66dd893ae9976', 'bf927e2a988c1b93085de438f3471d2421e610660769fd17c6f90f4aee424380', '{"numpy": "2.4.6"}', 24, 1, 0, 23, '{"all": 1.067}', NULL, '2026-11-28 05:27:40.972179+00', '2026-11-28 05:27:42.583854+00', NULL, NULL, NULL, NULL, 'current'),
	(9, 'parcel_hours', '2024-03-10', '2024-03-10', 2, '2024-03-10 05:00:00+00', '2024-03-11 04:00:00+00', 'America/New_York', 'command line', NULL, 'published', NULL, 'parcel_hours', 1, '7c889bc69b533734fd4badf3768d0cb5324c8f4c7ff1dab53468664bd7dd01eb', '2024-03-07', false, 'c06034568d67c10325d701d23905d5a7805d426711c34010e1b0106e36c2c608', 's3://batches/parcel_hours/2024-03-10/9', '7f944fa4110c5024b1b5f83de602efe3abc39c8bb87250da696667bb4a671fda', '5aab19c193c54a03f7a36e337388d63c749128e43c3d1ca1b3f66dd893ae9976', 'bf927e2a988c1b93085de438f3471d2421e610660769fd17c6f90f4aee424380', '{"numpy": "2.4.6"}', 24, 0, 0, 24, '{"all": 0.696}', NULL, '2026-11-28 05:27:42.937627+00', '2026-11-28 05:27:43.998765+00', NULL, NULL, NULL, NULL, 'current'),
	(17, 'daily_promotions', '2026-11-16', '2026-11-16', 1, '2026-11-16 05:00:00+00', '2026-11-17 05:00:00+00', 'America/New_York', 'scheduled', NULL, 'pushed', NULL, 'daily_promotions', 3, '7bdf6de9d6b9f1541fdd8fac0be01ddf', '2026-10-01', false, '7694f4a66316e53c8cdd9d9954bd611d', 's3://batches/daily_promotions/2026-11-16/17', 'fd5ae4c278074265df1b42705c2ff9b4', 'e1671797c52e15f763380b45e841ec32', '4a8a08f09d37b73795649038408b5f33', '{"numpy": "2.4.6"}', 5, 0, 0, 5, '{}', NULL, '2026-11-17 06:01:00+00', '2026-11-17 06:01:30+00', NULL, NULL, NULL, NULL, NULL),
	(11, 'parcel_carriers', '2024-03-10', '2024-03-10', 2, '2024-03-10 05:00:00+00', '2024-03-11 04:00:00+00', 'America/New_York', 'command line', NULL, 'published', NULL, NULL, NULL, '1735cfbbb9feeccc5cebc12baf18cebaee9c9ecbb470967dcde501c5cea1a299', '2024-03-07', false, '9d7538f330fbfd03f19c6735c63558b152d118314b04808a8a89a3400823ef96', 's3://batches/parcel_carriers/2024-03-10/11', 'e3e318e77434c2fde29527db67f984c90daa9649f74aed577fa050a61b7efb7d', '1bdfcea6d8aca47876ef5669524436c426cc8fdf176d9a95efe9f45586f94bb8', 'bf927e2a988c1b93085de438f3471d2421e610660769fd17c6f90f4aee424380', '{"numpy": "2.4.6"}', 96, 0, 0, 96, '{"all": 0.553}', NULL, '2026-11-28 05:27:45.522002+00', '2026-11-28 05:27:46.523467+00', NULL, 10, 11, 48, 'current'),
	(18, 'demand_forecast', '2026-11-17', '2026-11-17', 1, '2026-11-17 05:00:00+00', '2026-11-18 05:00:00+00', 'America/New_York', 'scheduled', NULL, 'published', NULL, 'demand_forecast', 3, '2af5096c5a93f5a6873c2b734ec3746a', '2026-10-01', false, '7694f4a66316e53c8cdd9d9954bd611d', 's3://batches/demand_forecast/2026-11-17/18', 'ff2cd2dea3eac422fdb0dfc96c75330e', 'e1671797c52e15f763380b45e841ec32', '4a8a08f09d37b73795649038408b5f33', '{"numpy": "2.4.6"}', 8, 0, 0, 8, '{}', NULL, '2026-11-18 06:01:00+00', '2026-11-18 06:01:30+00', NULL, NULL, NULL, NULL, NULL),
	(10, 'parcel_classes', '2024-03-10', '2024-03-10', 2, '2024-03-10 05:00:00+00', '2024-03-11 04:00:00+00', 'America/New_York', 'command line', NULL, 'published', NULL, 'parcel_classes', 1, 'e0257aeb9e059a8789dedf48d8c7289b82e623d919ba265393f20eed12b1a275', '2024-03-06', false, 'adda00bf881733b24093bf4de36515caec70b0f9ab80347698a40aa0a7aea95d', 's3://batches/parcel_classes/2024-03-10/10', '7f944fa4110c5024b1b5f83de602efe3abc39c8bb87250da696667bb4a671fda', '5aab19c193c54a03f7a36e337388d63c749128e43c3d1ca1b3f66dd893ae9976', 'bf927e2a988c1b93085de438f3471d2421e610660769fd17c6f90f4aee424380', '{"numpy": "2.4.6"}', 24, 0, 0, 24, '{"all": 0.907}', NULL, '2026-11-28 05:27:44.241514+00', '2026-11-28 05:27:45.436489+00', NULL, NULL, NULL, NULL, 'current'),
	(13, 'demand_forecast', '2026-11-16', '2026-11-16', 1, '2026-11-16 05:00:00+00', '2026-11-17 05:00:00+00', 'America/New_York', 'scheduled', NULL, 'published', NULL, 'demand_forecast', 3, '2af5096c5a93f5a6873c2b734ec3746a', '2026-10-01', false, '7694f4a66316e53c8cdd9d9954bd611d', 's3://batches/demand_forecast/2026-11-16/13', '130b5851b18bdd49d7387746b4e240ab', 'e1671797c52e15f763380b45e841ec32', '4a8a08f09d37b73795649038408b5f33', '{"numpy": "2.4.6"}', 8, 0, 0, 8, '{}', NULL, '2026-11-17 06:01:00+00', '2026-11-17 06:01:30+00', NULL, NULL, NULL, NULL, NULL),
	(19, 'demand_forecast', '2026-11-17', '2026-11-17', 2, '2026-11-17 05:00:00+00', '2026-11-18 05:00:00+00', 'America/New_York', 'scheduled', NULL, 'published', NULL, 'demand_forecast', 3, '2af5096c5a93f5a6873c2b734ec3746a', '2026-10-01', false, '7694f4a66316e53c8cdd9d9954bd611d', 's3://batches/demand_forecast/2026-11-17/19', '8c3fc41e051bb625889128e10d4cc1a2', 'e1671797c52e15f763380b45e841ec32', '4a8a08f09d37b73795649038408b5f33', '{"numpy": "2.4.6"}', 8, 0, 0, 8, '{}', NULL, '2026-11-18 06:02:00+00', '2026-11-18 06:02:30+00', NULL, NULL, NULL, NULL, NULL),
	(20, 'customer_segments', '2026-11-17', '2026-11-17', 1, '2026-11-17 05:00:00+00', '2026-11-18 05:00:00+00', 'America/New_York', 'scheduled', NULL, 'published', NULL, 'customer_segments', 3, '36957c23d0fa1cf2a72857213f4ff475', '2026-10-01', false, '7694f4a66316e53c8cdd9d9954bd611d', 's3://batches/customer_segments/2026-11-17/20', 'c5461947603cf4047a36a8370e3488d7', 'e1671797c52e15f763380b45e841ec32', '4a8a08f09d37b73795649038408b5f33', '{"numpy": "2.4.6"}', 6, 0, 0, 6, '{}', NULL, '2026-11-18 06:01:00+00', '2026-11-18 06:01:30+00', NULL, NULL, NULL, NULL, NULL),
	(14, 'demand_forecast', '2026-11-16', '2026-11-16', 2, '2026-11-16 05:00:00+00', '2026-11-17 05:00:00+00', 'America/New_York', 'scheduled', NULL, 'published', NULL, 'demand_forecast', 3, '2af5096c5a93f5a6873c2b734ec3746a', '2026-10-01', false, '7694f4a66316e53c8cdd9d9954bd611d', 's3://batches/demand_forecast/2026-11-16/14', 'feee9afef1e60ee8b207f8f2412ae002', 'e1671797c52e15f763380b45e841ec32', '4a8a08f09d37b73795649038408b5f33', '{"numpy": "2.4.6"}', 8, 0, 0, 8, '{}', NULL, '2026-11-17 06:02:00+00', '2026-11-17 06:02:30+00', NULL, NULL, NULL, NULL, NULL),
	(15, 'customer_segments', '2026-11-16', '2026-11-16', 1, '2026-11-16 05:00:00+00', '2026-11-17 05:00:00+00', 'America/New_York', 'scheduled', NULL, 'published', NULL, 'customer_segments', 3, '36957c23d0fa1cf2a72857213f4ff475', '2026-10-01', false, '7694f4a66316e53c8cdd9d9954bd611d', 's3://batches/customer_segments/2026-11-16/15', 'e8f875d000f3a7f476f9d4a811e63c1c', 'e1671797c52e15f763380b45e841ec32', '4a8a08f09d37b73795649038408b5f33', '{"numpy": "2.4.6"}', 6, 0, 0, 6, '{}', NULL, '2026-11-17 06:01:00+00', '2026-11-17 06:01:30+00', NULL, NULL, NULL, NULL, NULL),
	(16, 'customer_recommendations', '2026-11-16', '2026-11-16', 2, '2026-11-16 05:00:00+00', '2026-11-17 05:00:00+00', 'America/New_York', 'scheduled', NULL, 'published', NULL, NULL, NULL, 'e9fb552420e6ae71258af863bc896cdd', '2026-10-01', false, '7694f4a66316e53c8cdd9d9954bd611d', 's3://batches/customer_recommendations/2026-11-16/16', '119014fe60946589de4c5046c3c0e603', 'e1671797c52e15f763380b45e841ec32', '4a8a08f09d37b73795649038408b5f33', '{"numpy": "2.4.6"}', 21, 0, 0, 21, '{}', NULL, '2026-11-17 06:02:00+00', '2026-11-17 06:02:30+00', NULL, 15, 16, 14, NULL),
	(21, 'customer_recommendations', '2026-11-17', '2026-11-17', 2, '2026-11-17 05:00:00+00', '2026-11-18 05:00:00+00', 'America/New_York', 'scheduled', NULL, 'published', NULL, NULL, NULL, 'e9fb552420e6ae71258af863bc896cdd', '2026-10-01', false, '7694f4a66316e53c8cdd9d9954bd611d', 's3://batches/customer_recommendations/2026-11-17/21', '815977649e6a3ae65a656086495ebefd', 'e1671797c52e15f763380b45e841ec32', '4a8a08f09d37b73795649038408b5f33', '{"numpy": "2.4.6"}', 21, 0, 0, 21, '{}', NULL, '2026-11-18 06:02:00+00', '2026-11-18 06:02:30+00', NULL, 20, 20, 14, NULL),
	(22, 'daily_promotions', '2026-11-17', '2026-11-17', 1, '2026-11-17 05:00:00+00', '2026-11-18 05:00:00+00', 'America/New_York', 'scheduled', NULL, 'pushed', NULL, 'daily_promotions', 3, '7bdf6de9d6b9f1541fdd8fac0be01ddf', '2026-10-01', false, '7694f4a66316e53c8cdd9d9954bd611d', 's3://batches/daily_promotions/2026-11-17/22', '9ab923775f8b38f3aee20b3d76d68a84', 'e1671797c52e15f763380b45e841ec32', '4a8a08f09d37b73795649038408b5f33', '{"numpy": "2.4.6"}', 5, 0, 0, 5, '{}', NULL, '2026-11-18 06:01:00+00', '2026-11-18 06:01:30+00', NULL, NULL, NULL, NULL, NULL);

--
-- Data for Name: shadow_runs; Type: TABLE DATA; Schema: ledger; Owner: -
--

INSERT INTO ledger.shadow_runs VALUES
	(1, 2, '47122acd1612ac6c257f0f6a4d7c5c99ae8c95618422795a1e1ac14eb610d929', '[[null, "parcel_hours", 2]]', 'scored', 0, 24, 0.28, NULL, '2026-11-28 05:27:31.815183+00'),
	(4, 2, '47122acd1612ac6c257f0f6a4d7c5c99ae8c95618422795a1e1ac14eb610d929', '[[null, "parcel_hours", 2]]', 'scored', 0, 24, 0.092, NULL, '2026-11-28 05:27:36.737548+00'),
	(7, 2, '47122acd1612ac6c257f0f6a4d7c5c99ae8c95618422795a1e1ac14eb610d929', '[[null, "parcel_hours", 2]]', 'scored', 0, 24, 0.245, NULL, '2026-11-28 05:27:40.946945+00'),
	(8, 2, '47122acd1612ac6c257f0f6a4d7c5c99ae8c95618422795a1e1ac14eb610d929', '[[null, "parcel_hours", 2]]', 'scored', 0, 23, 0.175, NULL, '2026-11-28 05:27:42.846191+00'),
	(9, 2, '47122acd1612ac6c257f0f6a4d7c5c99ae8c95618422795a1e1ac14eb610d929', '[[null, "parcel_hours", 2]]', 'scored', 0, 24, 0.124, NULL, '2026-11-28 05:27:44.205408+00'),
	(14, 4, '6f8f57715090da2632453988d9a1501b', '[[null, "demand_forecast", 4]]', 'scored', 0, 8, 0.5, NULL, '2026-11-17 06:02:40+00'),
	(19, 4, '6f8f57715090da2632453988d9a1501b', '[[null, "demand_forecast", 4]]', 'scored', 0, 8, 0.5, NULL, '2026-11-18 06:02:40+00');

--
-- Data for Name: training_profiles; Type: TABLE DATA; Schema: ledger; Owner: -
--

--
-- Data for Name: handed_in; Type: TABLE DATA; Schema: parcels; Owner: -
--

INSERT INTO parcels.handed_in VALUES
	('north', 4000, '2024-03-05 05:00:00+00', 0.300, 24.645, NULL, 'city', 'fragile', 9.881666666666666),
	('south', 4001, '2024-03-05 05:03:36.541353+00', 0.670, 32.564, 2, 'city', NULL, 12.521333333333333),
	('west', 4002, '2024-03-05 05:07:13.082707+00', 1.040, 40.483, 3, 'city', NULL, 15.161),
	('north', 4003, '2024-03-05 05:10:49.62406+00', 1.410, 48.402, 4, 'suburb', NULL, 22.800666666666668),
	('south', 4004, '2024-03-05 05:14:26.165414+00', 1.780, 56.321, 1, 'suburb', NULL, 25.440333333333335),
	('west', 4005, '2024-03-05 05:18:02.706767+00', 2.150, 64.24, 2, 'suburb', 'fragile', 28.08),
	('north', 4006, '2024-03-05 05:21:39.24812+00', 2.520, 72.159, 3, 'country', NULL, 35.71966666666667),
	('south', 4007, '2024-03-05 05:25:15.789474+00', 2.890, 80.078, 4, 'country', NULL, 38.35933333333333),
	('west', 4008, '2024-03-05 05:28:52.330827+00', 3.260, 87.997, 1, 'country', NULL, 40.999),
	('north', 4009, '2024-03-05 05:32:28.87218+00', 3.630, 95.916, 2, 'city', NULL, 33.638666666666666),
	('south', 4010, '2024-03-05 05:36:05.413534+00', 4.000, 3.835, NULL, 'city', 'fragile', 2.945),
	('west', 4011, '2024-03-05 05:39:41.954887+00', 4.370, 11.754, 4, 'city', NULL, 5.584666666666667),
	('north', 4012, '2024-03-05 05:43:18.496241+00', 4.740, 19.673, 1, 'suburb', NULL, 13.224333333333334),
	('south', 4013, '2024-03-05 05:46:55.037594+00', 5.110, 27.592, 2, 'suburb', NULL, 15.864),
	('west', 4014, '2024-03-05 05:50:31.578947+00', 5.480, 35.511, 3, 'suburb', NULL, 18.503666666666668),
	('north', 4015, '2024-03-05 05:54:08.120301+00', 5.850, 43.43, 4, 'country', 'fragile', 26.143333333333334),
	('south', 4016, '2024-03-05 05:57:44.661654+00', 6.220, 51.349, 1, 'country', NULL, 28.783),
	('west', 4017, '2024-03-05 06:01:21.203008+00', 6.590, 59.268, 2, 'country', NULL, 31.422666666666668),
	('north', 4018, '2024-03-05 06:04:57.744361+00', 6.960, 67.187, 3, 'city', NULL, 24.062333333333335),
	('south', 4019, '2024-03-05 06:08:34.285714+00', 7.330, 75.106, 4, 'city', NULL, 26.702),
	('west', 4020, '2024-03-05 06:12:10.827068+00', 7.700, 83.025, NULL, 'city', 'fragile', 29.341666666666665),
	('north', 4021, '2024-03-05 06:15:47.368421+00', 8.070, 90.944, 2, 'suburb', NULL, 36.98133333333333),
	('south', 4022, '2024-03-05 06:19:23.909774+00', 8.440, 98.863, 3, 'suburb', NULL, 39.621),
	('west', 4023, '2024-03-05 06:23:00.451128+00', 8.810, 6.782, 4, 'suburb', NULL, 8.927333333333333),
	('north', 5000, '2024-03-06 05:00:00+00', 0.310, 29.374, NULL, 'city', 'fragile', 11.458),
	('south', 5001, '2024-03-06 05:03:36.541353+00', 0.680, 37.293, 2, 'city', NULL, 14.097666666666667),
	('west', 5002, '2024-03-06 05:07:13.082707+00', 1.050, 45.212, 3, 'city', NULL, 16.737333333333332),
	('north', 5003, '2024-03-06 05:10:49.62406+00', 1.420, 53.131, 4, 'suburb', NULL, 24.377),
	('south', 5004, '2024-03-06 05:14:26.165414+00', 1.790, 61.05, 1, 'suburb', NULL, 27.016666666666666),
	('west', 5005, '2024-03-06 05:18:02.706767+00', 2.160, 68.969, 2, 'suburb', 'fragile', 29.656333333333333),
	('north', 5006, '2024-03-06 05:21:39.24812+00', 2.530, 76.888, 3, 'country', NULL, 37.296),
	('south', 5007, '2024-03-06 05:25:15.789474+00', 2.900, 84.807, 4, 'country', NULL, 39.93566666666667),
	('west', 5008, '2024-03-06 05:28:52.330827+00', 3.270, 92.726, 1, 'country', NULL, 42.57533333333333),
	('north', 5009, '2024-03-06 05:32:28.87218+00', 3.640, 100.645, 2, 'city', NULL, 35.215),
	('south', 5010, '2024-03-06 05:36:05.413534+00', 4.010, 8.564, NULL, 'city', 'fragile', 4.521333333333334),
	('west', 5011, '2024-03-06 05:39:41.954887+00', 4.380, 16.483, 4, 'city', NULL, 7.161),
	('north', 5012, '2024-03-06 05:43:18.496241+00', 4.750, 24.402, 1, 'suburb', NULL, 14.800666666666666),
	('south', 5013, '2024-03-06 05:46:55.037594+00', 5.120, 32.321, 2, 'suburb', NULL, 17.440333333333335),
	('west', 5014, '2024-03-06 05:50:31.578947+00', 5.490, 40.24, 3, 'suburb', NULL, 20.08),
	('north', 5015, '2024-03-06 05:54:08.120301+00', 5.860, 48.159, 4, 'country', 'fragile', 27.719666666666665),
	('south', 5016, '2024-03-06 05:57:44.661654+00', 6.230, 56.078, 1, 'country', NULL, 30.359333333333332),
	('west', 5017, '2024-03-06 06:01:21.203008+00', 6.600, 63.997, 2, 'country', NULL, 32.999),
	('north', 5018, '2024-03-06 06:04:57.744361+00', 6.970, 71.916, 3, 'city', NULL, 25.638666666666666),
	('south', 5019, '2024-03-06 06:08:34.285714+00', 7.340, 79.835, 4, 'city', NULL, 28.278333333333332),
	('west', 5020, '2024-03-06 06:12:10.827068+00', 7.710, 87.754, NULL, 'city', 'fragile', 30.918),
	('north', 5021, '2024-03-06 06:15:47.368421+00', 8.080, 95.673, 2, 'suburb', NULL, 38.55766666666667),
	('south', 5022, '2024-03-06 06:19:23.909774+00', 8.450, 3.592, 3, 'suburb', NULL, 7.864),
	('west', 5023, '2024-03-06 06:23:00.451128+00', 8.820, 11.511, 4, 'suburb', NULL, 10.503666666666666),
	('north', 6000, '2024-03-07 05:00:00+00', 0.320, 34.103, NULL, 'city', 'fragile', 13.034333333333333),
	('south', 6001, '2024-03-07 05:03:36.541353+00', 0.690, 42.022, 2, 'city', NULL, 15.674),
	('west', 6002, '2024-03-07 05:07:13.082707+00', 1.060, 49.941, 3, 'city', NULL, 18.313666666666666),
	('north', 6003, '2024-03-07 05:10:49.62406+00', 1.430, 57.86, 4, 'suburb', NULL, 25.953333333333333),
	('south', 6004, '2024-03-07 05:14:26.165414+00', 1.800, 65.779, 1, 'suburb', NULL, 28.593),
	('west', 6005, '2024-03-07 05:18:02.706767+00', 2.170, 73.698, 2, 'suburb', 'fragile', 31.232666666666667),
	('north', 6006, '2024-03-07 05:21:39.24812+00', 2.540, 81.617, 3, 'country', NULL, 38.87233333333333),
	('south', 6007, '2024-03-07 05:25:15.789474+00', 2.910, 89.536, 4, 'country', NULL, 41.512),
	('west', 6008, '2024-03-07 05:28:52.330827+00', 3.280, 97.455, 1, 'country', NULL, 44.151666666666664),
	('north', 6009, '2024-03-07 05:32:28.87218+00', 3.650, 5.374, 2, 'city', NULL, 3.458),
	('south', 6010, '2024-03-07 05:36:05.413534+00', 4.020, 13.293, NULL, 'city', 'fragile', 6.097666666666667),
	('west', 6011, '2024-03-07 05:39:41.954887+00', 4.390, 21.212, 4, 'city', NULL, 8.737333333333334),
	('north', 6012, '2024-03-07 05:43:18.496241+00', 4.760, 29.131, 1, 'suburb', NULL, 16.377),
	('south', 6013, '2024-03-07 05:46:55.037594+00', 5.130, 37.05, 2, 'suburb', NULL, 19.016666666666666),
	('west', 6014, '2024-03-07 05:50:31.578947+00', 5.500, 44.969, 3, 'suburb', NULL, 21.656333333333333),
	('north', 6015, '2024-03-07 05:54:08.120301+00', 5.870, 52.888, 4, 'country', 'fragile', 29.296),
	('south', 6016, '2024-03-07 05:57:44.661654+00', 6.240, 60.807, 1, 'country', NULL, 31.935666666666666),
	('west', 6017, '2024-03-07 06:01:21.203008+00', 6.610, 68.726, 2, 'country', NULL, 34.57533333333333),
	('north', 6018, '2024-03-07 06:04:57.744361+00', 6.980, 76.645, 3, 'city', NULL, 27.215),
	('south', 6019, '2024-03-07 06:08:34.285714+00', 7.350, 84.564, 4, 'city', NULL, 29.854666666666667),
	('west', 6020, '2024-03-07 06:12:10.827068+00', 7.720, 92.483, NULL, 'city', 'fragile', 32.49433333333333),
	('north', 6021, '2024-03-07 06:15:47.368421+00', 8.090, 100.402, 2, 'suburb', NULL, 40.134),
	('south', 6022, '2024-03-07 06:19:23.909774+00', 8.460, 8.321, 3, 'suburb', NULL, 9.440333333333333),
	('west', 6023, '2024-03-07 06:23:00.451128+00', 8.830, 16.24, 4, 'suburb', NULL, 12.08),
	('north', 7000, '2024-03-08 05:00:00+00', 0.330, 38.832, NULL, 'city', 'fragile', 14.610666666666667),
	('south', 7001, '2024-03-08 05:03:36.541353+00', 0.700, 46.751, 2, 'city', NULL, 17.250333333333334),
	('west', 7002, '2024-03-08 05:07:13.082707+00', 1.070, 54.67, 3, 'city', NULL, 19.89),
	('north', 7003, '2024-03-08 05:10:49.62406+00', 1.440, 62.589, 4, 'suburb', NULL, 27.529666666666667),
	('south', 7004, '2024-03-08 05:14:26.165414+00', 1.810, 70.508, 1, 'suburb', NULL, 30.169333333333334),
	('west', 7005, '2024-03-08 05:18:02.706767+00', 2.180, 78.427, 2, 'suburb', 'fragile', 32.809),
	('north', 7006, '2024-03-08 05:21:39.24812+00', 2.550, 86.346, 3, 'country', NULL, 40.44866666666667),
	('south', 7007, '2024-03-08 05:25:15.789474+00', 2.920, 94.265, 4, 'country', NULL, 43.08833333333333),
	('west', 7008, '2024-03-08 05:28:52.330827+00', 3.290, 2.184, 1, 'country', NULL, 12.394666666666666),
	('north', 7009, '2024-03-08 05:32:28.87218+00', 3.660, 10.103, 2, 'city', NULL, 5.0343333333333335),
	('south', 7010, '2024-03-08 05:36:05.413534+00', 4.030, 18.022, NULL, 'city', 'fragile', 7.674),
	('west', 7011, '2024-03-08 05:39:41.954887+00', 4.400, 25.941, 4, 'city', NULL, 10.313666666666666),
	('north', 7012, '2024-03-08 05:43:18.496241+00', 4.770, 33.86, 1, 'suburb', NULL, 17.953333333333333),
	('south', 7013, '2024-03-08 05:46:55.037594+00', 5.140, 41.779, 2, 'suburb', NULL, 20.593),
	('west', 7014, '2024-03-08 05:50:31.578947+00', 5.510, 49.698, 3, 'suburb', NULL, 23.232666666666667),
	('north', 7015, '2024-03-08 05:54:08.120301+00', 5.880, 57.617, 4, 'country', 'fragile', 30.872333333333334),
	('south', 7016, '2024-03-08 05:57:44.661654+00', 6.250, 65.536, 1, 'country', NULL, 33.512),
	('west', 7017, '2024-03-08 06:01:21.203008+00', 6.620, 73.455, 2, 'country', NULL, 36.151666666666664),
	('north', 7018, '2024-03-08 06:04:57.744361+00', 6.990, 81.374, 3, 'city', NULL, 28.791333333333334),
	('south', 7019, '2024-03-08 06:08:34.285714+00', 7.360, 89.293, 4, 'city', NULL, 31.431),
	('west', 7020, '2024-03-08 06:12:10.827068+00', 7.730, 97.212, NULL, 'city', 'fragile', 34.07066666666667),
	('north', 7021, '2024-03-08 06:15:47.368421+00', 8.100, 5.131, 2, 'suburb', NULL, 8.377),
	('south', 7022, '2024-03-08 06:19:23.909774+00', 8.470, 13.05, 3, 'suburb', NULL, 11.016666666666667),
	('west', 7023, '2024-03-08 06:23:00.451128+00', 8.840, 20.969, 4, 'suburb', NULL, 13.656333333333333),
	('north', 8000, '2024-03-09 05:00:00+00', 0.340, 43.561, NULL, 'city', 'fragile', 16.187),
	('south', 8001, '2024-03-09 05:03:36.541353+00', 0.710, 51.48, 2, 'city', NULL, 18.826666666666668),
	('west', 8002, '2024-03-09 05:07:13.082707+00', 1.080, 59.399, 3, 'city', NULL, 21.466333333333335),
	('north', 8003, '2024-03-09 05:10:49.62406+00', 1.450, 67.318, 4, 'suburb', NULL, 29.106),
	('south', 8004, '2024-03-09 05:14:26.165414+00', 1.820, 75.237, 1, 'suburb', NULL, 31.74566666666667),
	('west', 8005, '2024-03-09 05:18:02.706767+00', 2.190, 83.156, 2, 'suburb', 'fragile', 34.385333333333335),
	('north', 8006, '2024-03-09 05:21:39.24812+00', 2.560, 91.075, 3, 'country', NULL, 42.025),
	('west', 8008, '2024-03-09 05:28:52.330827+00', 3.300, 6.913, 1, 'country', NULL, 13.971),
	('north', 8009, '2024-03-09 05:32:28.87218+00', 3.670, 14.832, 2, 'city', NULL, 6.610666666666667),
	('south', 8010, '2024-03-09 05:36:05.413534+00', 4.040, 22.751, NULL, 'city', 'fragile', 9.250333333333334),
	('west', 8011, '2024-03-09 05:39:41.954887+00', 4.410, 30.67, 4, 'city', NULL, 11.89),
	('north', 8012, '2024-03-09 05:43:18.496241+00', 4.780, 38.589, 1, 'suburb', NULL, 19.529666666666667),
	('south', 8013, '2024-03-09 05:46:55.037594+00', 5.150, 46.508, 2, 'suburb', NULL, 22.169333333333334),
	('west', 8014, '2024-03-09 05:50:31.578947+00', 5.520, 54.427, 3, 'suburb', NULL, 24.809),
	('north', 8015, '2024-03-09 05:54:08.120301+00', 5.890, 62.346, 4, 'country', 'fragile', 32.44866666666667),
	('south', 8016, '2024-03-09 05:57:44.661654+00', 6.260, 70.265, 1, 'country', NULL, 35.08833333333333),
	('west', 8017, '2024-03-09 06:01:21.203008+00', 6.630, 78.184, 2, 'country', NULL, 37.728),
	('north', 8018, '2024-03-09 06:04:57.744361+00', 7.000, 86.103, 3, 'city', NULL, 30.36766666666667),
	('south', 8019, '2024-03-09 06:08:34.285714+00', 7.370, 94.022, 4, 'city', NULL, 33.007333333333335),
	('south', 8007, '2024-03-09 05:25:15.789474+00', 1000.000, 98.994, 4, 'country', NULL, 44.66466666666667),
	('west', 8020, '2024-03-09 06:12:10.827068+00', 7.740, 1.941, NULL, 'city', 'fragile', 2.3136666666666668),
	('north', 8021, '2024-03-09 06:15:47.368421+00', 8.110, 9.86, 2, 'suburb', NULL, 9.953333333333333),
	('south', 8022, '2024-03-09 06:19:23.909774+00', 8.480, 17.779, 3, 'suburb', NULL, 12.593),
	('west', 8023, '2024-03-09 06:23:00.451128+00', 8.850, 25.698, 4, 'suburb', NULL, 15.232666666666667),
	('north', 9000, '2024-03-10 05:00:00+00', 0.350, 48.29, NULL, 'city', 'fragile', 17.763333333333332),
	('south', 9001, '2024-03-10 05:03:27.518797+00', 0.720, 56.209, 2, 'city', NULL, 20.403),
	('west', 9002, '2024-03-10 05:06:55.037594+00', 1.090, 64.128, 3, 'city', NULL, 23.042666666666666),
	('north', 9003, '2024-03-10 05:10:22.556391+00', 1.460, 72.047, 4, 'suburb', NULL, 30.682333333333332),
	('south', 9004, '2024-03-10 05:13:50.075188+00', 1.830, 79.966, 1, 'suburb', NULL, 33.322),
	('west', 9005, '2024-03-10 05:17:17.593985+00', 2.200, 87.885, 2, 'suburb', 'fragile', 35.961666666666666),
	('north', 9006, '2024-03-10 05:20:45.112782+00', 2.570, 95.804, 3, 'country', NULL, 43.601333333333336),
	('south', 9007, '2024-03-10 05:24:12.631579+00', 2.940, 3.723, 4, 'country', NULL, 12.907666666666668),
	('west', 9008, '2024-03-10 05:27:40.150376+00', 3.310, 11.642, 1, 'country', NULL, 15.547333333333333),
	('north', 9009, '2024-03-10 05:31:07.669173+00', 3.680, 19.561, 2, 'city', NULL, 8.187),
	('south', 9010, '2024-03-10 05:34:35.18797+00', 4.050, 27.48, NULL, 'city', 'fragile', 10.826666666666666),
	('west', 9011, '2024-03-10 05:38:02.706767+00', 4.420, 35.399, 4, 'city', NULL, 13.466333333333333),
	('north', 9012, '2024-03-10 05:41:30.225564+00', 4.790, 43.318, 1, 'suburb', NULL, 21.106),
	('south', 9013, '2024-03-10 05:44:57.744361+00', 5.160, 51.237, 2, 'suburb', NULL, 23.74566666666667),
	('west', 9014, '2024-03-10 05:48:25.263158+00', 5.530, 59.156, 3, 'suburb', NULL, 26.38533333333333),
	('north', 9015, '2024-03-10 05:51:52.781955+00', 5.900, 67.075, 4, 'country', 'fragile', 34.025),
	('south', 9016, '2024-03-10 05:55:20.300752+00', 6.270, 74.994, 1, 'country', NULL, 36.66466666666667),
	('west', 9017, '2024-03-10 05:58:47.819549+00', 6.640, 82.913, 2, 'country', NULL, 39.30433333333333),
	('north', 9018, '2024-03-10 06:02:15.338346+00', 7.010, 90.832, 3, 'city', NULL, 31.944),
	('south', 9019, '2024-03-10 06:05:42.857143+00', 7.380, 98.751, 4, 'city', NULL, 34.583666666666666),
	('west', 9020, '2024-03-10 06:09:10.37594+00', 7.750, 6.67, NULL, 'city', 'fragile', 3.89),
	('north', 9021, '2024-03-10 06:12:37.894737+00', 8.120, 14.589, 2, 'suburb', NULL, 11.529666666666667),
	('south', 9022, '2024-03-10 06:16:05.413534+00', 8.490, 22.508, 3, 'suburb', NULL, 14.169333333333332),
	('west', 9023, '2024-03-10 06:19:32.932331+00', 8.860, 30.427, 4, 'suburb', NULL, 16.809),
	('north', 10000, '2024-03-11 04:00:00+00', 0.360, 53.019, NULL, 'city', 'fragile', 19.339666666666666),
	('south', 10001, '2024-03-11 04:03:36.541353+00', 0.730, 60.938, 2, 'city', NULL, 21.979333333333333),
	('west', 10002, '2024-03-11 04:07:13.082707+00', 1.100, 68.857, 3, 'city', NULL, 24.619),
	('north', 10003, '2024-03-11 04:10:49.62406+00', 1.470, 76.776, 4, 'suburb', NULL, 32.25866666666667),
	('south', 10004, '2024-03-11 04:14:26.165414+00', 1.840, 84.695, 1, 'suburb', NULL, 34.89833333333333),
	('west', 10005, '2024-03-11 04:18:02.706767+00', 2.210, 92.614, 2, 'suburb', 'fragile', 37.538),
	('north', 10006, '2024-03-11 04:21:39.24812+00', 2.580, 100.533, 3, 'country', NULL, 45.17766666666667),
	('south', 10007, '2024-03-11 04:25:15.789474+00', 2.950, 8.452, 4, 'country', NULL, 14.484),
	('west', 10008, '2024-03-11 04:28:52.330827+00', 3.320, 16.371, 1, 'country', NULL, 17.123666666666665),
	('north', 10009, '2024-03-11 04:32:28.87218+00', 3.690, 24.29, 2, 'city', NULL, 9.763333333333334),
	('south', 10010, '2024-03-11 04:36:05.413534+00', 4.060, 32.209, NULL, 'city', 'fragile', 12.403),
	('west', 10011, '2024-03-11 04:39:41.954887+00', 4.430, 40.128, 4, 'city', NULL, 15.042666666666667),
	('north', 10012, '2024-03-11 04:43:18.496241+00', 4.800, 48.047, 1, 'suburb', NULL, 22.682333333333332),
	('south', 10013, '2024-03-11 04:46:55.037594+00', 5.170, 55.966, 2, 'suburb', NULL, 25.322),
	('west', 10014, '2024-03-11 04:50:31.578947+00', 5.540, 63.885, 3, 'suburb', NULL, 27.961666666666666),
	('north', 10015, '2024-03-11 04:54:08.120301+00', 5.910, 71.804, 4, 'country', 'fragile', 35.601333333333336),
	('south', 10016, '2024-03-11 04:57:44.661654+00', 6.280, 79.723, 1, 'country', NULL, 38.241),
	('west', 10017, '2024-03-11 05:01:21.203008+00', 6.650, 87.642, 2, 'country', NULL, 40.88066666666667),
	('north', 10018, '2024-03-11 05:04:57.744361+00', 7.020, 95.561, 3, 'city', NULL, 33.52033333333333),
	('south', 10019, '2024-03-11 05:08:34.285714+00', 7.390, 3.48, 4, 'city', NULL, 2.8266666666666667),
	('west', 10020, '2024-03-11 05:12:10.827068+00', 7.760, 11.399, NULL, 'city', 'fragile', 5.466333333333333),
	('north', 10021, '2024-03-11 05:15:47.368421+00', 8.130, 19.318, 2, 'suburb', NULL, 13.106),
	('south', 10022, '2024-03-11 05:19:23.909774+00', 8.500, 27.237, 3, 'suburb', NULL, 15.745666666666667),
	('west', 10023, '2024-03-11 05:23:00.451128+00', 8.870, 35.156, 4, 'suburb', NULL, 18.38533333333333),
	('north', 11000, '2024-03-12 04:00:00+00', 0.370, 57.748, NULL, 'city', 'fragile', 20.916),
	('south', 11001, '2024-03-12 04:03:36.541353+00', 0.740, 65.667, 2, 'city', NULL, 23.555666666666667),
	('west', 11002, '2024-03-12 04:07:13.082707+00', 1.110, 73.586, 3, 'city', NULL, 26.195333333333334),
	('north', 11003, '2024-03-12 04:10:49.62406+00', 1.480, 81.505, 4, 'suburb', NULL, 33.835),
	('south', 11004, '2024-03-12 04:14:26.165414+00', 1.850, 89.424, 1, 'suburb', NULL, 36.474666666666664),
	('west', 11005, '2024-03-12 04:18:02.706767+00', 2.220, 97.343, 2, 'suburb', 'fragile', 39.114333333333335),
	('north', 11006, '2024-03-12 04:21:39.24812+00', 2.590, 5.262, 3, 'country', NULL, 13.420666666666667),
	('south', 11007, '2024-03-12 04:25:15.789474+00', 2.960, 13.181, 4, 'country', NULL, 16.060333333333332),
	('west', 11008, '2024-03-12 04:28:52.330827+00', 3.330, 21.1, 1, 'country', NULL, 18.7),
	('north', 11009, '2024-03-12 04:32:28.87218+00', 3.700, 29.019, 2, 'city', NULL, 11.339666666666666),
	('south', 11010, '2024-03-12 04:36:05.413534+00', 4.070, 36.938, NULL, 'city', 'fragile', 13.979333333333333),
	('west', 11011, '2024-03-12 04:39:41.954887+00', 4.440, 44.857, 4, 'city', NULL, 16.619),
	('north', 11012, '2024-03-12 04:43:18.496241+00', 4.810, 52.776, 1, 'suburb', NULL, 24.258666666666667),
	('south', 11013, '2024-03-12 04:46:55.037594+00', 5.180, 60.695, 2, 'suburb', NULL, 26.898333333333333),
	('west', 11014, '2024-03-12 04:50:31.578947+00', 5.550, 68.614, 3, 'suburb', NULL, 29.538),
	('north', 11015, '2024-03-12 04:54:08.120301+00', 5.920, 76.533, 4, 'country', 'fragile', 37.17766666666667),
	('south', 11016, '2024-03-12 04:57:44.661654+00', 6.290, 84.452, 1, 'country', NULL, 39.81733333333333),
	('west', 11017, '2024-03-12 05:01:21.203008+00', 6.660, 92.371, 2, 'country', NULL, 42.457),
	('north', 11018, '2024-03-12 05:04:57.744361+00', 7.030, 100.29, 3, 'city', NULL, 35.096666666666664),
	('south', 11019, '2024-03-12 05:08:34.285714+00', 7.400, 8.209, 4, 'city', NULL, 4.403),
	('west', 11020, '2024-03-12 05:12:10.827068+00', 7.770, 16.128, NULL, 'city', 'fragile', 7.042666666666666),
	('north', 11021, '2024-03-12 05:15:47.368421+00', 8.140, 24.047, 2, 'suburb', NULL, 14.682333333333334),
	('south', 11022, '2024-03-12 05:19:23.909774+00', 8.510, 31.966, 3, 'suburb', NULL, 17.322),
	('west', 11023, '2024-03-12 05:23:00.451128+00', 8.880, 39.885, 4, 'suburb', NULL, 19.961666666666666);

--
-- Data for Name: customer_recommendations_runs; Type: TABLE DATA; Schema: predictions; Owner: -
--

INSERT INTO predictions.customer_recommendations_runs VALUES
	(16, 1, 'BEEF', 'regular', 1, 0.1),
	(16, 2, 'BEEF', 'occasional', 1, 0.2),
	(16, 3, 'BEEF', 'lapsing', 1, 0.3),
	(16, 4, 'BEEF', 'loyal', 1, 0.4),
	(16, 5, 'BEEF', 'regular', 1, 0.5),
	(16, 6, 'BEEF', 'occasional', 1, 0.6),
	(16, 7, 'BEEF', NULL, 1, 0.7),
	(16, 1, 'MILK', 'regular', 2, 0.05),
	(16, 2, 'MILK', 'occasional', 2, 0.1),
	(16, 3, 'MILK', 'lapsing', 2, 0.15),
	(16, 4, 'MILK', 'loyal', 2, 0.2),
	(16, 5, 'MILK', 'regular', 2, 0.25),
	(16, 6, 'MILK', 'occasional', 2, 0.3),
	(16, 7, 'MILK', NULL, 2, 0.35),
	(21, 1, 'BEEF', 'regular', 1, 0.1),
	(21, 2, 'BEEF', 'occasional', 1, 0.2),
	(21, 3, 'BEEF', 'lapsing', 1, 0.3),
	(21, 4, 'BEEF', 'loyal', 1, 0.4),
	(21, 5, 'BEEF', 'regular', 1, 0.5),
	(21, 6, 'BEEF', 'occasional', 1, 0.6),
	(21, 7, 'BEEF', NULL, 1, 0.7),
	(21, 1, 'MILK', 'regular', 2, 0.05),
	(21, 2, 'MILK', 'occasional', 2, 0.1),
	(21, 3, 'MILK', 'lapsing', 2, 0.15),
	(21, 4, 'MILK', 'loyal', 2, 0.2),
	(21, 5, 'MILK', 'regular', 2, 0.25),
	(21, 6, 'MILK', 'occasional', 2, 0.3),
	(21, 7, 'MILK', NULL, 2, 0.35);

--
-- Data for Name: customer_segments_runs; Type: TABLE DATA; Schema: predictions; Owner: -
--

INSERT INTO predictions.customer_segments_runs VALUES
	(15, 1, 'regular'),
	(15, 2, 'occasional'),
	(15, 3, 'lapsing'),
	(15, 4, 'loyal'),
	(15, 5, 'regular'),
	(15, 6, 'occasional'),
	(20, 1, 'regular'),
	(20, 2, 'occasional'),
	(20, 3, 'lapsing'),
	(20, 4, 'loyal'),
	(20, 5, 'regular'),
	(20, 6, 'occasional');

--
-- Data for Name: demand_forecast_runs; Type: TABLE DATA; Schema: predictions; Owner: -
--

INSERT INTO predictions.demand_forecast_runs VALUES
	(13, 301, 'BEEF', 5.476190476190476),
	(13, 301, 'MILK', 5.619047619047619),
	(13, 301, 'BEANS - CANNED GLASS & MW', 5.761904761904762),
	(13, 301, 'it''s', 5.904761904761904),
	(13, 302, 'BEEF', 6.476190476190476),
	(13, 302, 'MILK', 6.619047619047619),
	(13, 302, 'BEANS - CANNED GLASS & MW', 6.761904761904761),
	(13, 302, 'it''s', 6.904761904761905),
	(14, 301, 'BEEF', 5.80952380952381),
	(14, 301, 'MILK', 5.9523809523809526),
	(14, 301, 'BEANS - CANNED GLASS & MW', 6.095238095238096),
	(14, 301, 'it''s', 6.238095238095238),
	(14, 302, 'BEEF', 6.80952380952381),
	(14, 302, 'MILK', 6.9523809523809526),
	(14, 302, 'BEANS - CANNED GLASS & MW', 7.095238095238095),
	(14, 302, 'it''s', 7.238095238095239),
	(18, 301, 'BEEF', 7.142857142857142),
	(18, 301, 'MILK', 7.285714285714286),
	(18, 301, 'BEANS - CANNED GLASS & MW', 7.428571428571429),
	(18, 301, 'it''s', 7.571428571428571),
	(18, 302, 'BEEF', 8.142857142857142),
	(18, 302, 'MILK', 8.285714285714285),
	(18, 302, 'BEANS - CANNED GLASS & MW', 8.428571428571429),
	(18, 302, 'it''s', 8.571428571428571),
	(19, 301, 'BEEF', 7.476190476190476),
	(19, 301, 'MILK', 7.619047619047619),
	(19, 301, 'BEANS - CANNED GLASS & MW', 7.761904761904762),
	(19, 301, 'it''s', 7.904761904761904),
	(19, 302, 'BEEF', 8.476190476190476),
	(19, 302, 'MILK', 8.619047619047619),
	(19, 302, 'BEANS - CANNED GLASS & MW', 8.761904761904761),
	(19, 302, 'it''s', 8.904761904761905);

--
-- Data for Name: demand_forecast_shadow; Type: TABLE DATA; Schema: predictions; Owner: -
--

INSERT INTO predictions.demand_forecast_shadow VALUES
	(14, 301, 'BEEF', 1.9365079365079367),
	(14, 301, 'MILK', 1.9841269841269842),
	(14, 301, 'BEANS - CANNED GLASS & MW', 2.031746031746032),
	(14, 301, 'it''s', 2.0793650793650795),
	(14, 302, 'BEEF', 2.26984126984127),
	(14, 302, 'MILK', 2.3174603174603177),
	(14, 302, 'BEANS - CANNED GLASS & MW', 2.365079365079365),
	(14, 302, 'it''s', 2.412698412698413),
	(19, 301, 'BEEF', 2.492063492063492),
	(19, 301, 'MILK', 2.5396825396825395),
	(19, 301, 'BEANS - CANNED GLASS & MW', 2.5873015873015874),
	(19, 301, 'it''s', 2.634920634920635),
	(19, 302, 'BEEF', 2.8253968253968256),
	(19, 302, 'MILK', 2.873015873015873),
	(19, 302, 'BEANS - CANNED GLASS & MW', 2.9206349206349205),
	(19, 302, 'it''s', 2.9682539682539684);

--
-- Data for Name: parcel_carriers_runs; Type: TABLE DATA; Schema: predictions; Owner: -
--

INSERT INTO predictions.parcel_carriers_runs VALUES
	(3, 'north', 8000, 4, 'middling', 1, 0.44000000000000006),
	(3, 'north', 8000, 3, 'middling', 2, 0.43000000000000005),
	(3, 'north', 8003, 4, 'far', 1, 0.7400000000000001),
	(3, 'north', 8003, 3, 'far', 2, 0.7300000000000001),
	(3, 'north', 8006, 4, 'far', 1, 0.7400000000000001),
	(3, 'north', 8006, 3, 'far', 2, 0.7300000000000001),
	(3, 'north', 8009, 4, 'near', 1, 0.14),
	(3, 'north', 8009, 3, 'near', 2, 0.13),
	(3, 'north', 8012, 4, 'middling', 1, 0.44000000000000006),
	(3, 'north', 8012, 3, 'middling', 2, 0.43000000000000005),
	(3, 'north', 8015, 4, 'middling', 1, 0.44000000000000006),
	(3, 'north', 8015, 3, 'middling', 2, 0.43000000000000005),
	(3, 'north', 8018, 4, 'far', 1, 0.7400000000000001),
	(3, 'north', 8018, 3, 'far', 2, 0.7300000000000001),
	(3, 'north', 8021, 4, 'near', 1, 0.14),
	(3, 'north', 8021, 3, 'near', 2, 0.13),
	(3, 'south', 8001, 4, 'middling', 1, 0.44000000000000006),
	(3, 'south', 8001, 3, 'middling', 2, 0.43000000000000005),
	(3, 'south', 8004, 4, 'far', 1, 0.7400000000000001),
	(3, 'south', 8004, 3, 'far', 2, 0.7300000000000001),
	(3, 'south', 8007, 4, 'far', 1, 0.7400000000000001),
	(3, 'south', 8007, 3, 'far', 2, 0.7300000000000001),
	(3, 'south', 8010, 4, 'near', 1, 0.14),
	(3, 'south', 8010, 3, 'near', 2, 0.13),
	(3, 'south', 8013, 4, 'middling', 1, 0.44000000000000006),
	(3, 'south', 8013, 3, 'middling', 2, 0.43000000000000005),
	(3, 'south', 8016, 4, 'far', 1, 0.7400000000000001),
	(3, 'south', 8016, 3, 'far', 2, 0.7300000000000001),
	(3, 'south', 8019, 4, 'far', 1, 0.7400000000000001),
	(3, 'south', 8019, 3, 'far', 2, 0.7300000000000001),
	(3, 'south', 8022, 4, 'near', 1, 0.14),
	(3, 'south', 8022, 3, 'near', 2, 0.13),
	(3, 'west', 8002, 4, 'middling', 1, 0.44000000000000006),
	(3, 'west', 8002, 3, 'middling', 2, 0.43000000000000005),
	(3, 'west', 8005, 4, 'far', 1, 0.7400000000000001),
	(3, 'west', 8005, 3, 'far', 2, 0.7300000000000001),
	(3, 'west', 8008, 4, 'near', 1, 0.14),
	(3, 'west', 8008, 3, 'near', 2, 0.13),
	(3, 'west', 8011, 4, 'near', 1, 0.14),
	(3, 'west', 8011, 3, 'near', 2, 0.13),
	(3, 'west', 8014, 4, 'middling', 1, 0.44000000000000006),
	(3, 'west', 8014, 3, 'middling', 2, 0.43000000000000005),
	(3, 'west', 8017, 4, 'far', 1, 0.7400000000000001),
	(3, 'west', 8017, 3, 'far', 2, 0.7300000000000001),
	(3, 'west', 8020, 4, 'near', 1, 0.14),
	(3, 'west', 8020, 3, 'near', 2, 0.13),
	(3, 'west', 8023, 4, 'near', 1, 0.14),
	(3, 'west', 8023, 3, 'near', 2, 0.13),
	(6, 'north', 9000, 4, 'middling', 1, 0.44000000000000006),
	(6, 'north', 9000, 3, 'middling', 2, 0.43000000000000005),
	(6, 'north', 9003, 4, 'far', 1, 0.7400000000000001),
	(6, 'north', 9003, 3, 'far', 2, 0.7300000000000001),
	(6, 'north', 9006, 4, 'far', 1, 0.7400000000000001),
	(6, 'north', 9006, 3, 'far', 2, 0.7300000000000001),
	(6, 'north', 9009, 4, 'near', 1, 0.14),
	(6, 'north', 9009, 3, 'near', 2, 0.13),
	(6, 'north', 9012, 4, 'middling', 1, 0.44000000000000006),
	(6, 'north', 9012, 3, 'middling', 2, 0.43000000000000005),
	(6, 'north', 9015, 4, 'far', 1, 0.7400000000000001),
	(6, 'north', 9015, 3, 'far', 2, 0.7300000000000001),
	(6, 'north', 9018, 4, 'far', 1, 0.7400000000000001),
	(6, 'north', 9018, 3, 'far', 2, 0.7300000000000001),
	(6, 'north', 9021, 4, 'near', 1, 0.14),
	(6, 'north', 9021, 3, 'near', 2, 0.13),
	(6, 'south', 9001, 4, 'middling', 1, 0.44000000000000006),
	(6, 'south', 9001, 3, 'middling', 2, 0.43000000000000005),
	(6, 'south', 9004, 4, 'far', 1, 0.7400000000000001),
	(6, 'south', 9004, 3, 'far', 2, 0.7300000000000001),
	(6, 'south', 9007, 4, 'near', 1, 0.14),
	(6, 'south', 9007, 3, 'near', 2, 0.13),
	(6, 'south', 9010, 4, 'near', 1, 0.14),
	(6, 'south', 9010, 3, 'near', 2, 0.13),
	(6, 'south', 9013, 4, 'middling', 1, 0.44000000000000006),
	(6, 'south', 9013, 3, 'middling', 2, 0.43000000000000005),
	(6, 'south', 9016, 4, 'far', 1, 0.7400000000000001),
	(6, 'south', 9016, 3, 'far', 2, 0.7300000000000001),
	(6, 'south', 9019, 4, 'far', 1, 0.7400000000000001),
	(6, 'south', 9019, 3, 'far', 2, 0.7300000000000001),
	(6, 'south', 9022, 4, 'near', 1, 0.14),
	(6, 'south', 9022, 3, 'near', 2, 0.13),
	(6, 'west', 9002, 4, 'middling', 1, 0.44000000000000006),
	(6, 'west', 9002, 3, 'middling', 2, 0.43000000000000005),
	(6, 'west', 9005, 4, 'far', 1, 0.7400000000000001),
	(6, 'west', 9005, 3, 'far', 2, 0.7300000000000001),
	(6, 'west', 9008, 4, 'near', 1, 0.14),
	(6, 'west', 9008, 3, 'near', 2, 0.13),
	(6, 'west', 9011, 4, 'middling', 1, 0.44000000000000006),
	(6, 'west', 9011, 3, 'middling', 2, 0.43000000000000005),
	(6, 'west', 9014, 4, 'middling', 1, 0.44000000000000006),
	(6, 'west', 9014, 3, 'middling', 2, 0.43000000000000005),
	(6, 'west', 9017, 4, 'far', 1, 0.7400000000000001),
	(6, 'west', 9017, 3, 'far', 2, 0.7300000000000001),
	(6, 'west', 9020, 4, 'near', 1, 0.14),
	(6, 'west', 9020, 3, 'near', 2, 0.13),
	(6, 'west', 9023, 4, 'near', 1, 0.14),
	(6, 'west', 9023, 3, 'near', 2, 0.13),
	(11, 'north', 9000, 4, 'middling', 1, 0.44000000000000006),
	(11, 'north', 9000, 3, 'middling', 2, 0.43000000000000005),
	(11, 'north', 9003, 4, 'far', 1, 0.7400000000000001),
	(11, 'north', 9003, 3, 'far', 2, 0.7300000000000001),
	(11, 'north', 9006, 4, 'far', 1, 0.7400000000000001),
	(11, 'north', 9006, 3, 'far', 2, 0.7300000000000001),
	(11, 'north', 9009, 4, 'near', 1, 0.14),
	(11, 'north', 9009, 3, 'near', 2, 0.13),
	(11, 'north', 9012, 4, 'middling', 1, 0.44000000000000006),
	(11, 'north', 9012, 3, 'middling', 2, 0.43000000000000005),
	(11, 'north', 9015, 4, 'far', 1, 0.7400000000000001),
	(11, 'north', 9015, 3, 'far', 2, 0.7300000000000001),
	(11, 'north', 9018, 4, 'far', 1, 0.7400000000000001),
	(11, 'north', 9018, 3, 'far', 2, 0.7300000000000001),
	(11, 'north', 9021, 4, 'near', 1, 0.14),
	(11, 'north', 9021, 3, 'near', 2, 0.13),
	(11, 'south', 9001, 4, 'middling', 1, 0.44000000000000006),
	(11, 'south', 9001, 3, 'middling', 2, 0.43000000000000005),
	(11, 'south', 9004, 4, 'far', 1, 0.7400000000000001),
	(11, 'south', 9004, 3, 'far', 2, 0.7300000000000001),
	(11, 'south', 9007, 4, 'near', 1, 0.14),
	(11, 'south', 9007, 3, 'near', 2, 0.13),
	(11, 'south', 9010, 4, 'near', 1, 0.14),
	(11, 'south', 9010, 3, 'near', 2, 0.13),
	(11, 'south', 9013, 4, 'middling', 1, 0.44000000000000006),
	(11, 'south', 9013, 3, 'middling', 2, 0.43000000000000005),
	(11, 'south', 9016, 4, 'far', 1, 0.7400000000000001),
	(11, 'south', 9016, 3, 'far', 2, 0.7300000000000001),
	(11, 'south', 9019, 4, 'far', 1, 0.7400000000000001),
	(11, 'south', 9019, 3, 'far', 2, 0.7300000000000001),
	(11, 'south', 9022, 4, 'near', 1, 0.14),
	(11, 'south', 9022, 3, 'near', 2, 0.13),
	(11, 'west', 9002, 4, 'middling', 1, 0.44000000000000006),
	(11, 'west', 9002, 3, 'middling', 2, 0.43000000000000005),
	(11, 'west', 9005, 4, 'far', 1, 0.7400000000000001),
	(11, 'west', 9005, 3, 'far', 2, 0.7300000000000001),
	(11, 'west', 9008, 4, 'near', 1, 0.14),
	(11, 'west', 9008, 3, 'near', 2, 0.13),
	(11, 'west', 9011, 4, 'middling', 1, 0.44000000000000006),
	(11, 'west', 9011, 3, 'middling', 2, 0.43000000000000005),
	(11, 'west', 9014, 4, 'middling', 1, 0.44000000000000006),
	(11, 'west', 9014, 3, 'middling', 2, 0.43000000000000005),
	(11, 'west', 9017, 4, 'far', 1, 0.7400000000000001),
	(11, 'west', 9017, 3, 'far', 2, 0.7300000000000001),
	(11, 'west', 9020, 4, 'near', 1, 0.14),
	(11, 'west', 9020, 3, 'near', 2, 0.13),
	(11, 'west', 9023, 4, 'near', 1, 0.14),
	(11, 'west', 9023, 3, 'near', 2, 0.13);

--
-- Data for Name: parcel_classes_runs; Type: TABLE DATA; Schema: predictions; Owner: -
--

INSERT INTO predictions.parcel_classes_runs VALUES
	(2, 'north', 8000, 'middling'),
	(2, 'north', 8003, 'far'),
	(2, 'north', 8006, 'far'),
	(2, 'north', 8009, 'near'),
	(2, 'north', 8012, 'middling'),
	(2, 'north', 8015, 'middling'),
	(2, 'north', 8018, 'far'),
	(2, 'north', 8021, 'near'),
	(2, 'south', 8001, 'middling'),
	(2, 'south', 8004, 'far'),
	(2, 'south', 8007, 'far'),
	(2, 'south', 8010, 'near'),
	(2, 'south', 8013, 'middling'),
	(2, 'south', 8016, 'far'),
	(2, 'south', 8019, 'far'),
	(2, 'south', 8022, 'near'),
	(2, 'west', 8002, 'middling'),
	(2, 'west', 8005, 'far'),
	(2, 'west', 8008, 'near'),
	(2, 'west', 8011, 'near'),
	(2, 'west', 8014, 'middling'),
	(2, 'west', 8017, 'far'),
	(2, 'west', 8020, 'near'),
	(2, 'west', 8023, 'near'),
	(5, 'north', 9000, 'middling'),
	(5, 'north', 9003, 'far'),
	(5, 'north', 9006, 'far'),
	(5, 'north', 9009, 'near'),
	(5, 'north', 9012, 'middling'),
	(5, 'north', 9015, 'far'),
	(5, 'north', 9018, 'far'),
	(5, 'north', 9021, 'near'),
	(5, 'south', 9001, 'middling'),
	(5, 'south', 9004, 'far'),
	(5, 'south', 9007, 'near'),
	(5, 'south', 9010, 'near'),
	(5, 'south', 9013, 'middling'),
	(5, 'south', 9016, 'far'),
	(5, 'south', 9019, 'far'),
	(5, 'south', 9022, 'near'),
	(5, 'west', 9002, 'middling'),
	(5, 'west', 9005, 'far'),
	(5, 'west', 9008, 'near'),
	(5, 'west', 9011, 'middling'),
	(5, 'west', 9014, 'middling'),
	(5, 'west', 9017, 'far'),
	(5, 'west', 9020, 'near'),
	(5, 'west', 9023, 'near'),
	(10, 'north', 9000, 'middling'),
	(10, 'north', 9003, 'far'),
	(10, 'north', 9006, 'far'),
	(10, 'north', 9009, 'near'),
	(10, 'north', 9012, 'middling'),
	(10, 'north', 9015, 'far'),
	(10, 'north', 9018, 'far'),
	(10, 'north', 9021, 'near'),
	(10, 'south', 9001, 'middling'),
	(10, 'south', 9004, 'far'),
	(10, 'south', 9007, 'near'),
	(10, 'south', 9010, 'near'),
	(10, 'south', 9013, 'middling'),
	(10, 'south', 9016, 'far'),
	(10, 'south', 9019, 'far'),
	(10, 'south', 9022, 'near'),
	(10, 'west', 9002, 'middling'),
	(10, 'west', 9005, 'far'),
	(10, 'west', 9008, 'near'),
	(10, 'west', 9011, 'middling'),
	(10, 'west', 9014, 'middling'),
	(10, 'west', 9017, 'far'),
	(10, 'west', 9020, 'near'),
	(10, 'west', 9023, 'near');

--
-- Data for Name: parcel_hours_runs; Type: TABLE DATA; Schema: predictions; Owner: -
--

INSERT INTO predictions.parcel_hours_runs VALUES
	(1, 'north', 8000, 16.137833333333333),
	(1, 'north', 8003, 29.056833333333334),
	(1, 'north', 8006, 41.975833333333334),
	(1, 'north', 8009, 6.5615000000000006),
	(1, 'north', 8012, 19.4805),
	(1, 'north', 8015, 32.3995),
	(1, 'north', 8018, 30.56066666666667),
	(1, 'north', 8021, 10.146333333333333),
	(1, 'south', 8001, 18.817999999999998),
	(1, 'south', 8004, 31.737000000000002),
	(1, 'south', 8007, 44.656),
	(1, 'south', 8010, 9.241666666666667),
	(1, 'south', 8013, 22.160666666666664),
	(1, 'south', 8016, 35.07966666666667),
	(1, 'south', 8019, 32.893),
	(1, 'south', 8022, 12.584333333333333),
	(1, 'west', 8002, 21.474333333333334),
	(1, 'west', 8005, 34.39333333333334),
	(1, 'west', 8008, 13.979),
	(1, 'west', 8011, 11.9115),
	(1, 'west', 8014, 24.8305),
	(1, 'west', 8017, 37.736000000000004),
	(1, 'west', 8020, 2.1993333333333336),
	(1, 'west', 8023, 15.240666666666668),
	(4, 'north', 9000, 17.629166666666666),
	(4, 'north', 9003, 30.548166666666667),
	(4, 'north', 9006, 43.42666666666666),
	(4, 'north', 9009, 8.052833333333332),
	(4, 'north', 9012, 20.931333333333335),
	(4, 'north', 9015, 33.89083333333333),
	(4, 'north', 9018, 31.809833333333334),
	(4, 'north', 9021, 11.395499999999998),
	(4, 'south', 9001, 20.35183333333333),
	(4, 'south', 9004, 33.270833333333336),
	(4, 'south', 9007, 12.8565),
	(4, 'south', 9010, 10.775500000000001),
	(4, 'south', 9013, 23.694499999999998),
	(4, 'south', 9016, 36.6135),
	(4, 'south', 9019, 34.5325),
	(4, 'south', 9022, 14.118166666666667),
	(4, 'west', 9002, 23.001833333333334),
	(4, 'west', 9005, 35.920833333333334),
	(4, 'west', 9008, 15.506499999999999),
	(4, 'west', 9011, 13.4255),
	(4, 'west', 9014, 26.3445),
	(4, 'west', 9017, 39.41716666666667),
	(4, 'west', 9020, 3.8491666666666666),
	(4, 'west', 9023, 16.68488888888889),
	(7, 'north', 7000, 14.564666666666666),
	(7, 'north', 7003, 27.50033333333333),
	(7, 'north', 7006, 40.5305),
	(7, 'north', 7009, 5.1161666666666665),
	(7, 'north', 7012, 17.90733333333333),
	(7, 'north', 7015, 30.47533333333333),
	(7, 'north', 7018, 28.873166666666666),
	(7, 'north', 7021, 8.458833333333335),
	(7, 'south', 7001, 17.251444444444445),
	(7, 'south', 7004, 30.170444444444442),
	(7, 'south', 7007, 43.089444444444446),
	(7, 'south', 7010, 7.675111111111111),
	(7, 'south', 7013, 20.59411111111111),
	(7, 'south', 7016, 33.51311111111111),
	(7, 'south', 7019, 31.432111111111112),
	(7, 'south', 7022, 11.017777777777779),
	(7, 'west', 7002, 19.91122222222222),
	(7, 'west', 7005, 32.830222222222226),
	(7, 'west', 7008, 12.415888888888889),
	(7, 'west', 7011, 10.334888888888889),
	(7, 'west', 7014, 23.25388888888889),
	(7, 'west', 7017, 36.172888888888885),
	(7, 'west', 7020, 34.09188888888889),
	(7, 'west', 7023, 13.677555555555555),
	(8, 'north', 8000, 16.137833333333333),
	(8, 'north', 8003, 29.056833333333334),
	(8, 'north', 8006, 41.975833333333334),
	(8, 'north', 8009, 6.5615000000000006),
	(8, 'north', 8012, 19.4805),
	(8, 'north', 8015, 32.3995),
	(8, 'north', 8018, 30.56066666666667),
	(8, 'north', 8021, 10.146333333333333),
	(8, 'south', 8001, 18.817999999999998),
	(8, 'south', 8004, 31.737000000000002),
	(8, 'south', 8010, 9.241666666666667),
	(8, 'south', 8013, 22.160666666666664),
	(8, 'south', 8016, 35.07966666666667),
	(8, 'south', 8019, 32.893),
	(8, 'south', 8022, 12.584333333333333),
	(8, 'west', 8002, 21.474333333333334),
	(8, 'west', 8005, 34.39333333333334),
	(8, 'west', 8008, 13.979),
	(8, 'west', 8011, 11.9115),
	(8, 'west', 8014, 24.8305),
	(8, 'west', 8017, 37.736000000000004),
	(8, 'west', 8020, 2.1993333333333336),
	(8, 'west', 8023, 15.240666666666668),
	(9, 'north', 9000, 17.629166666666666),
	(9, 'north', 9003, 30.548166666666667),
	(9, 'north', 9006, 43.42666666666666),
	(9, 'north', 9009, 8.052833333333332),
	(9, 'north', 9012, 20.931333333333335),
	(9, 'north', 9015, 33.89083333333333),
	(9, 'north', 9018, 31.809833333333334),
	(9, 'north', 9021, 11.395499999999998),
	(9, 'south', 9001, 20.35183333333333),
	(9, 'south', 9004, 33.270833333333336),
	(9, 'south', 9007, 12.8565),
	(9, 'south', 9010, 10.775500000000001),
	(9, 'south', 9013, 23.694499999999998),
	(9, 'south', 9016, 36.6135),
	(9, 'south', 9019, 34.5325),
	(9, 'south', 9022, 14.118166666666667),
	(9, 'west', 9002, 23.001833333333334),
	(9, 'west', 9005, 35.920833333333334),
	(9, 'west', 9008, 15.506499999999999),
	(9, 'west', 9011, 13.4255),
	(9, 'west', 9014, 26.3445),
	(9, 'west', 9017, 39.41716666666667),
	(9, 'west', 9020, 3.8491666666666666),
	(9, 'west', 9023, 16.68488888888889);

--
-- Data for Name: parcel_hours_shadow; Type: TABLE DATA; Schema: predictions; Owner: -
--

INSERT INTO predictions.parcel_hours_shadow VALUES
	(1, 'north', 8000, 5),
	(1, 'north', 8003, 5),
	(1, 'north', 8006, 5),
	(1, 'north', 8009, 5),
	(1, 'north', 8012, 5),
	(1, 'north', 8015, 5),
	(1, 'north', 8018, 5),
	(1, 'north', 8021, 5),
	(1, 'south', 8001, 5),
	(1, 'south', 8004, 5),
	(1, 'south', 8007, 5),
	(1, 'south', 8010, 5),
	(1, 'south', 8013, 5),
	(1, 'south', 8016, 5),
	(1, 'south', 8019, 5),
	(1, 'south', 8022, 5),
	(1, 'west', 8002, 5),
	(1, 'west', 8005, 5),
	(1, 'west', 8008, 5),
	(1, 'west', 8011, 5),
	(1, 'west', 8014, 5),
	(1, 'west', 8017, 5),
	(1, 'west', 8020, 5),
	(1, 'west', 8023, 5),
	(4, 'north', 9000, 5),
	(4, 'north', 9003, 5),
	(4, 'north', 9006, 5),
	(4, 'north', 9009, 5),
	(4, 'north', 9012, 5),
	(4, 'north', 9015, 5),
	(4, 'north', 9018, 5),
	(4, 'north', 9021, 5),
	(4, 'south', 9001, 5),
	(4, 'south', 9004, 5),
	(4, 'south', 9007, 5),
	(4, 'south', 9010, 5),
	(4, 'south', 9013, 5),
	(4, 'south', 9016, 5),
	(4, 'south', 9019, 5),
	(4, 'south', 9022, 5),
	(4, 'west', 9002, 5),
	(4, 'west', 9005, 5),
	(4, 'west', 9008, 5),
	(4, 'west', 9011, 5),
	(4, 'west', 9014, 5),
	(4, 'west', 9017, 5),
	(4, 'west', 9020, 5),
	(4, 'west', 9023, 5),
	(7, 'north', 7000, 5),
	(7, 'north', 7003, 5),
	(7, 'north', 7006, 5),
	(7, 'north', 7009, 5),
	(7, 'north', 7012, 5),
	(7, 'north', 7015, 5),
	(7, 'north', 7018, 5),
	(7, 'north', 7021, 5),
	(7, 'south', 7001, 5),
	(7, 'south', 7004, 5),
	(7, 'south', 7007, 5),
	(7, 'south', 7010, 5),
	(7, 'south', 7013, 5),
	(7, 'south', 7016, 5),
	(7, 'south', 7019, 5),
	(7, 'south', 7022, 5),
	(7, 'west', 7002, 5),
	(7, 'west', 7005, 5),
	(7, 'west', 7008, 5),
	(7, 'west', 7011, 5),
	(7, 'west', 7014, 5),
	(7, 'west', 7017, 5),
	(7, 'west', 7020, 5),
	(7, 'west', 7023, 5),
	(8, 'north', 8000, 5),
	(8, 'north', 8003, 5),
	(8, 'north', 8006, 5),
	(8, 'north', 8009, 5),
	(8, 'north', 8012, 5),
	(8, 'north', 8015, 5),
	(8, 'north', 8018, 5),
	(8, 'north', 8021, 5),
	(8, 'south', 8001, 5),
	(8, 'south', 8004, 5),
	(8, 'south', 8010, 5),
	(8, 'south', 8013, 5),
	(8, 'south', 8016, 5),
	(8, 'south', 8019, 5),
	(8, 'south', 8022, 5),
	(8, 'west', 8002, 5),
	(8, 'west', 8005, 5),
	(8, 'west', 8008, 5),
	(8, 'west', 8011, 5),
	(8, 'west', 8014, 5),
	(8, 'west', 8017, 5),
	(8, 'west', 8020, 5),
	(8, 'west', 8023, 5),
	(9, 'north', 9000, 5),
	(9, 'north', 9003, 5),
	(9, 'north', 9006, 5),
	(9, 'north', 9009, 5),
	(9, 'north', 9012, 5),
	(9, 'north', 9015, 5),
	(9, 'north', 9018, 5),
	(9, 'north', 9021, 5),
	(9, 'south', 9001, 5),
	(9, 'south', 9004, 5),
	(9, 'south', 9007, 5),
	(9, 'south', 9010, 5),
	(9, 'south', 9013, 5),
	(9, 'south', 9016, 5),
	(9, 'south', 9019, 5),
	(9, 'south', 9022, 5),
	(9, 'west', 9002, 5),
	(9, 'west', 9005, 5),
	(9, 'west', 9008, 5),
	(9, 'west', 9011, 5),
	(9, 'west', 9014, 5),
	(9, 'west', 9017, 5),
	(9, 'west', 9020, 5),
	(9, 'west', 9023, 5);

--
-- Data for Name: daybreak_migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.daybreak_migrations VALUES
	('ledger/001_ledger.sql', '7e81cba72adf5e62398e84c3b6b4d395e891b5a74789293eebbb540ddb01c5ff', '2026-11-28 05:26:38.376452+00'),
	('ledger/002_deliveries.sql', '0c3896b81e27f4a7f659d5536c068981fa4e116b9dc069e7ba54f5f71477d9c7', '2026-11-28 05:26:38.409796+00'),
	('ledger/003_cascades.sql', 'd698dacdcb623f5b84cd9a85432b4c98382a771ae1a5ccf73cf58174fa9f44f7', '2026-11-28 05:26:38.444283+00'),
	('ledger/004_performance.sql', '1c601a45e0d3091ef40e263a614482792fec37e058b154c16e73074997d1585e', '2026-11-28 05:26:38.464661+00'),
	('ledger/005_shadow.sql', '783914b4a48b5e21d418888cb63726c3dc64ecc15d4daf6950957338eac704a2', '2026-11-28 05:26:38.486498+00'),
	('ledger/008_drift.sql', 'e1f023e9d9dcb07b6d89b09ca998df7c04ea57b286b8533d9f4f2dcf9c68769e', '2026-11-28 05:26:38.564425+00'),
	('ledger/009_shadow.sql', '83d76a0fa963101f2650d66905586eb5f4b2b5ccbe4efed07025cb90b89f5225', '2026-11-28 05:26:38.576899+00'),
	('ledger/010_drift_per_segment.sql', 'ca1af47d3b26ccf97358a5b177040cb86576932b99c2d2b9480fe632f1053b28', '2026-11-28 05:26:38.605808+00'),
	('ledger/011_history.sql', '2d52bda059d2e2bfab6011a01b2283734e561d89b37ad9a438c137c23e2c201c', '2026-11-28 05:26:38.66024+00'),
	('parcel_hours/views.sql', 'd595f814b641aeed66758dbd391b5bd425088055dac96d488c4ec5b3ff674e7f', '2026-11-28 05:26:38.773942+00'),
	('parcel_classes/views.sql', '6ce797546812e38318fb1aef04080b5314b7d0f13ab727cd4b519bebdcf16a18', '2026-11-28 05:26:38.830154+00'),
	('parcel_carriers/views.sql', '148096f5a7bf1c9fe034dff55f1c3c57866a5dcaa0566447896fb2cc21603a66', '2026-11-28 05:26:38.876647+00'),
	('parcel_hours/shadow', 'd595f814b641aeed66758dbd391b5bd425088055dac96d488c4ec5b3ff674e7f depot parcel_id predicted_hours', '2026-11-28 05:26:38.92045+00'),
	('demand_forecast/views.sql', 'a5aa13b8ed8f4cefc4d2c711a613919dcae1534208585d1632f5aa391e4ce2b0', '2026-11-28 05:27:46.924418+00'),
	('customer_segments/views.sql', '95b92c24f86beb2f10db994cc36a7516a310d473b0d201fff93cb526e9e075ff', '2026-11-28 05:27:46.960367+00'),
	('customer_recommendations/views.sql', '37630d988e12ac185aeef50d78c3a8660ac074139052f88a7df0c59f81c296a3', '2026-11-28 05:27:46.996336+00'),
	('demand_forecast/shadow', 'a5aa13b8ed8f4cefc4d2c711a613919dcae1534208585d1632f5aa391e4ce2b0 store_id product_category predicted_units', '2026-11-28 05:27:47.029742+00');

--
-- Name: publications_publication_id_seq; Type: SEQUENCE SET; Schema: ledger; Owner: -
--

SELECT pg_catalog.setval('ledger.publications_publication_id_seq', 21, true);

--
-- Name: retraining_requests_request_id_seq; Type: SEQUENCE SET; Schema: ledger; Owner: -
--

SELECT pg_catalog.setval('ledger.retraining_requests_request_id_seq', 1, false);

--
-- Name: runs_run_id_seq; Type: SEQUENCE SET; Schema: ledger; Owner: -
--

SELECT pg_catalog.setval('ledger.runs_run_id_seq', 22, true);

--
-- Name: alias_history alias_history_pkey; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.alias_history
    ADD CONSTRAINT alias_history_pkey PRIMARY KEY (model_name, alias, since);

--
-- Name: deliveries deliveries_idempotency_key_key; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.deliveries
    ADD CONSTRAINT deliveries_idempotency_key_key UNIQUE (idempotency_key);

--
-- Name: deliveries deliveries_pkey; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (pipeline, partition_date, generation, kind, "position");

--
-- Name: expectation_results expectation_results_pkey; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.expectation_results
    ADD CONSTRAINT expectation_results_pkey PRIMARY KEY (run_id, "position");

--
-- Name: retraining_requests one_request_per_partition_and_version; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.retraining_requests
    ADD CONSTRAINT one_request_per_partition_and_version UNIQUE NULLS NOT DISTINCT (pipeline, partition_date, model_version);

--
-- Name: drift one_row_per_run_segment_and_column; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.drift
    ADD CONSTRAINT one_row_per_run_segment_and_column UNIQUE NULLS NOT DISTINCT (run_id, segment, column_name);

--
-- Name: run_segments one_row_per_segment; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.run_segments
    ADD CONSTRAINT one_row_per_segment UNIQUE NULLS NOT DISTINCT (run_id, segment);

--
-- Name: performance performance_pkey; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.performance
    ADD CONSTRAINT performance_pkey PRIMARY KEY (run_id, role, segment_by, segment, metric);

--
-- Name: publications publications_pkey; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.publications
    ADD CONSTRAINT publications_pkey PRIMARY KEY (publication_id);

--
-- Name: quarantine quarantine_pkey; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (run_id, row_number);

--
-- Name: retraining_requests retraining_requests_pkey; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.retraining_requests
    ADD CONSTRAINT retraining_requests_pkey PRIMARY KEY (request_id);

--
-- Name: run_segments run_segments_pkey; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.run_segments
    ADD CONSTRAINT run_segments_pkey PRIMARY KEY (run_id, "position");

--
-- Name: runs runs_pipeline_partition_key_attempt_key; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.runs
    ADD CONSTRAINT runs_pipeline_partition_key_attempt_key UNIQUE (pipeline, partition_key, attempt);

--
-- Name: runs runs_pkey; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (run_id);

--
-- Name: shadow_runs shadow_runs_pkey; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.shadow_runs
    ADD CONSTRAINT shadow_runs_pkey PRIMARY KEY (run_id);

--
-- Name: training_profiles training_profiles_pkey; Type: CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.training_profiles
    ADD CONSTRAINT training_profiles_pkey PRIMARY KEY (model_name, model_version, column_name);

--
-- Name: handed_in handed_in_pkey; Type: CONSTRAINT; Schema: parcels; Owner: -
--

ALTER TABLE ONLY parcels.handed_in
    ADD CONSTRAINT handed_in_pkey PRIMARY KEY (depot, parcel_id);

--
-- Name: customer_recommendations_runs customer_recommendations_runs_pkey; Type: CONSTRAINT; Schema: predictions; Owner: -
--

ALTER TABLE ONLY predictions.customer_recommendations_runs
    ADD CONSTRAINT customer_recommendations_runs_pkey PRIMARY KEY (run_id, household_id, product_category);

--
-- Name: customer_recommendations_runs customer_recommendations_runs_run_id_household_id_rank_key; Type: CONSTRAINT; Schema: predictions; Owner: -
--

ALTER TABLE ONLY predictions.customer_recommendations_runs
    ADD CONSTRAINT customer_recommendations_runs_run_id_household_id_rank_key UNIQUE (run_id, household_id, rank);

--
-- Name: customer_segments_runs customer_segments_runs_pkey; Type: CONSTRAINT; Schema: predictions; Owner: -
--

ALTER TABLE ONLY predictions.customer_segments_runs
    ADD CONSTRAINT customer_segments_runs_pkey PRIMARY KEY (run_id, household_id);

--
-- Name: demand_forecast_runs demand_forecast_runs_pkey; Type: CONSTRAINT; Schema: predictions; Owner: -
--

ALTER TABLE ONLY predictions.demand_forecast_runs
    ADD CONSTRAINT demand_forecast_runs_pkey PRIMARY KEY (run_id, store_id, product_category);

--
-- Name: parcel_carriers_runs parcel_carriers_runs_pkey; Type: CONSTRAINT; Schema: predictions; Owner: -
--

ALTER TABLE ONLY predictions.parcel_carriers_runs
    ADD CONSTRAINT parcel_carriers_runs_pkey PRIMARY KEY (run_id, depot, parcel_id, carrier);

--
-- Name: parcel_classes_runs parcel_classes_runs_pkey; Type: CONSTRAINT; Schema: predictions; Owner: -
--

ALTER TABLE ONLY predictions.parcel_classes_runs
    ADD CONSTRAINT parcel_classes_runs_pkey PRIMARY KEY (run_id, depot, parcel_id);

--
-- Name: parcel_hours_runs parcel_hours_runs_pkey; Type: CONSTRAINT; Schema: predictions; Owner: -
--

ALTER TABLE ONLY predictions.parcel_hours_runs
    ADD CONSTRAINT parcel_hours_runs_pkey PRIMARY KEY (run_id, depot, parcel_id);

--
-- Name: daybreak_migrations daybreak_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.daybreak_migrations
    ADD CONSTRAINT daybreak_migrations_pkey PRIMARY KEY (name);

--
-- Name: deliveries_by_run; Type: INDEX; Schema: ledger; Owner: -
--

CREATE INDEX deliveries_by_run ON ledger.deliveries USING btree (run_id);

--
-- Name: drift_by_partition; Type: INDEX; Schema: ledger; Owner: -
--

CREATE INDEX drift_by_partition ON ledger.drift USING btree (pipeline, partition_date);

--
-- Name: one_current_publication; Type: INDEX; Schema: ledger; Owner: -
--

CREATE UNIQUE INDEX one_current_publication ON ledger.publications USING btree (pipeline, partition_date) WHERE (withdrawn_at IS NULL);

--
-- Name: one_version_per_alias; Type: INDEX; Schema: ledger; Owner: -
--

CREATE UNIQUE INDEX one_version_per_alias ON ledger.alias_history USING btree (model_name, alias) WHERE (until IS NULL);

--
-- Name: performance_by_partition; Type: INDEX; Schema: ledger; Owner: -
--

CREATE INDEX performance_by_partition ON ledger.performance USING btree (pipeline, partition_date);

--
-- Name: publications_by_run; Type: INDEX; Schema: ledger; Owner: -
--

CREATE INDEX publications_by_run ON ledger.publications USING btree (run_id);

--
-- Name: runs_by_origin; Type: INDEX; Schema: ledger; Owner: -
--

CREATE INDEX runs_by_origin ON ledger.runs USING btree (origin) WHERE (origin IS NOT NULL);

--
-- Name: runs_by_upstream; Type: INDEX; Schema: ledger; Owner: -
--

CREATE INDEX runs_by_upstream ON ledger.runs USING btree (upstream_run_id) WHERE (upstream_run_id IS NOT NULL);

--
-- Name: demand_forecast_shadow_by_run; Type: INDEX; Schema: predictions; Owner: -
--

CREATE INDEX demand_forecast_shadow_by_run ON predictions.demand_forecast_shadow USING brin (run_id) WITH (autosummarize='on');

--
-- Name: parcel_hours_shadow_by_run; Type: INDEX; Schema: predictions; Owner: -
--

CREATE INDEX parcel_hours_shadow_by_run ON predictions.parcel_hours_shadow USING brin (run_id) WITH (autosummarize='on');

--
-- Name: runs segments_add_up; Type: TRIGGER; Schema: ledger; Owner: -
--

CREATE TRIGGER segments_add_up AFTER INSERT OR UPDATE OF state ON ledger.runs FOR EACH ROW WHEN ((new.state <> ALL (ARRAY['running'::text, 'failed'::text]))) EXECUTE FUNCTION ledger.refuse_segments_that_do_not_add_up();

--
-- Name: deliveries deliveries_run_id_fkey; Type: FK CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.deliveries
    ADD CONSTRAINT deliveries_run_id_fkey FOREIGN KEY (run_id) REFERENCES ledger.runs(run_id);

--
-- Name: drift drift_run_id_fkey; Type: FK CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.drift
    ADD CONSTRAINT drift_run_id_fkey FOREIGN KEY (run_id) REFERENCES ledger.runs(run_id);

--
-- Name: expectation_results expectation_results_run_id_fkey; Type: FK CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.expectation_results
    ADD CONSTRAINT expectation_results_run_id_fkey FOREIGN KEY (run_id) REFERENCES ledger.runs(run_id);

--
-- Name: performance performance_run_id_fkey; Type: FK CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.performance
    ADD CONSTRAINT performance_run_id_fkey FOREIGN KEY (run_id) REFERENCES ledger.runs(run_id);

--
-- Name: publications publications_run_id_fkey; Type: FK CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.publications
    ADD CONSTRAINT publications_run_id_fkey FOREIGN KEY (run_id) REFERENCES ledger.runs(run_id);

--
-- Name: quarantine quarantine_run_id_fkey; Type: FK CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.quarantine
    ADD CONSTRAINT quarantine_run_id_fkey FOREIGN KEY (run_id) REFERENCES ledger.runs(run_id);

--
-- Name: run_segments run_segments_run_id_fkey; Type: FK CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.run_segments
    ADD CONSTRAINT run_segments_run_id_fkey FOREIGN KEY (run_id) REFERENCES ledger.runs(run_id);

--
-- Name: runs runs_parent_run_id_fkey; Type: FK CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.runs
    ADD CONSTRAINT runs_parent_run_id_fkey FOREIGN KEY (parent_run_id) REFERENCES ledger.runs(run_id);

--
-- Name: runs runs_upstream_publication_id_fkey; Type: FK CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.runs
    ADD CONSTRAINT runs_upstream_publication_id_fkey FOREIGN KEY (upstream_publication_id) REFERENCES ledger.publications(publication_id);

--
-- Name: runs runs_upstream_run_id_fkey; Type: FK CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.runs
    ADD CONSTRAINT runs_upstream_run_id_fkey FOREIGN KEY (upstream_run_id) REFERENCES ledger.runs(run_id);

--
-- Name: shadow_runs shadow_runs_run_id_fkey; Type: FK CONSTRAINT; Schema: ledger; Owner: -
--

ALTER TABLE ONLY ledger.shadow_runs
    ADD CONSTRAINT shadow_runs_run_id_fkey FOREIGN KEY (run_id) REFERENCES ledger.runs(run_id);

--
-- PostgreSQL database dump complete
--

