-- What a challenger predicts is kept in a table that costs little to write, and measured model by model.

-- The table that shadow predictions of a pipeline go to: run_id and the columns that are named, with the types that they
-- have where its predictions are kept. No key is kept in order while rows are written: they are those of a run whose
-- predictions have one, and a run's rows lie together, which is all that the index has to know.
DROP FUNCTION ledger.see_to_shadow_table(text);
CREATE FUNCTION ledger.see_to_shadow_table(pipeline text, columns text[]) RETURNS void LANGUAGE plpgsql AS $$
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

COMMENT ON COLUMN ledger.performance.segment_by IS
    'The column whose values are the segments; empty for all rows; (model) for the rows that one of several models scored.';
COMMENT ON COLUMN ledger.performance.segment IS
    'The value of that column, or the model; (all) for all rows, (other) for the rows of segments that are too small.';
COMMENT ON COLUMN ledger.performance.model_name IS 'Registered model; empty where several predicted what was measured.';
COMMENT ON COLUMN ledger.performance.model_version IS 'Its version; empty where several predicted what was measured.';
