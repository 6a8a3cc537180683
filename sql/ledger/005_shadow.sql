-- Shadow scoring: what a challenger made of the rows that a run published with the champion.

-- One row per run whose rows were, or were to be, scored by a challenger too.
CREATE TABLE ledger.shadow_runs (
    run_id bigint PRIMARY KEY REFERENCES ledger.runs,
    model_version integer,
    model_digest text,
    models jsonb,
    state text NOT NULL,
    rows_failed bigint,
    rows_scored bigint,
    seconds double precision,
    problem text,
    finished_at timestamptz,
    CONSTRAINT known_state CHECK (state IN ('planned', 'scored', 'failed', 'refused')),
    CONSTRAINT what_went_wrong_is_said CHECK ((state IN ('failed', 'refused')) = (problem IS NOT NULL)),
    CONSTRAINT scored_shadows_are_known_whole CHECK (
        state <> 'scored' OR num_nulls(model_digest, rows_failed, rows_scored, finished_at) = 0
    )
);
COMMENT ON TABLE ledger.shadow_runs IS 'One row per run whose rows were, or were to be, scored by a challenger too.';
COMMENT ON COLUMN ledger.shadow_runs.run_id IS 'The run, whose snapshot both scored.';
COMMENT ON COLUMN ledger.shadow_runs.model_version IS 'The challenger''s version; empty where each segment has its own.';
COMMENT ON COLUMN ledger.shadow_runs.model_digest IS 'SHA-256 of its artifact, or over those of the segments.';
COMMENT ON COLUMN ledger.shadow_runs.models IS 'Model and version of each segment, where each has its own.';
COMMENT ON COLUMN ledger.shadow_runs.state IS
    'planned; scored; failed: the challenger could not score the rows; refused: it must not score this partition.';
COMMENT ON COLUMN ledger.shadow_runs.rows_failed IS 'Rows that the challenger could not score.';
COMMENT ON COLUMN ledger.shadow_runs.rows_scored IS 'Rows that it scored; they are in predictions.<pipeline>_shadow.';
COMMENT ON COLUMN ledger.shadow_runs.seconds IS 'Seconds that it took; nothing of it delays the publication.';
COMMENT ON COLUMN ledger.shadow_runs.problem IS 'Why it did not score, in one line. The run itself is not touched by it.';
COMMENT ON COLUMN ledger.shadow_runs.finished_at IS 'When it ended.';

-- The table that shadow predictions of a pipeline go to: as that of its predictions, columns that came later included.
CREATE FUNCTION ledger.see_to_shadow_table(pipeline text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    predictions text := 'predictions.' || quote_ident(pipeline || '_runs');
    shadows text := 'predictions.' || quote_ident(pipeline || '_shadow');
    added record;
BEGIN
    EXECUTE 'CREATE TABLE IF NOT EXISTS ' || shadows || ' (LIKE ' || predictions || ' INCLUDING ALL)';
    EXECUTE 'COMMENT ON TABLE ' || shadows || ' IS ' || quote_literal(
        'What challengers predicted for the rows of a run. Never published: read predictions.' || pipeline || ' instead.'
    );
    FOR added IN
        SELECT attributes.attname AS name, format_type(attributes.atttypid, attributes.atttypmod) AS kind
        FROM pg_attribute AS attributes
        WHERE
            attributes.attrelid = predictions::regclass
            AND attributes.attnum > 0
            AND NOT attributes.attisdropped
            AND attributes.attname NOT IN (
                SELECT known.attname FROM pg_attribute AS known
                WHERE known.attrelid = shadows::regclass AND NOT known.attisdropped
            )
    LOOP
        EXECUTE 'ALTER TABLE ' || shadows || ' ADD COLUMN ' || quote_ident(added.name) || ' ' || added.kind;
    END LOOP;
END
$$;
