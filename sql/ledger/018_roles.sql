-- Three roles for each database: owner (migrates), pipeline (runs), reader (views and as-of functions). One row of
-- ledger.role_statements() is one statement that they lack or may have lost; ledger.see_to_roles() runs them all.

CREATE FUNCTION ledger.role_name(kind text) RETURNS name
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Roles belong to the whole server: the database tells those of several warehouses apart.
    SELECT (CASE
        WHEN current_database() = 'daybreak' THEN 'daybreak_'
        WHEN octet_length(current_database()) <= 40 THEN 'daybreak_' || current_database() || '_'
        ELSE 'daybreak_' || md5(current_database()) || '_'
    END || kind)::name
$$;
COMMENT ON FUNCTION ledger.role_name(text) IS 'Name of this database''s role of a kind: owner, pipeline or reader.';

-- One row per object that Daybreak made, by the role that may use it.
CREATE FUNCTION ledger.objects(OUT called text, OUT kind text, OUT owner oid) RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH runs AS (
        SELECT left(found.relname, -5) AS pipeline
        FROM pg_class AS found
        WHERE found.relnamespace = to_regnamespace('predictions') AND found.relkind = 'r' AND found.relname LIKE '%\_runs'
    )
    SELECT format('SCHEMA %1$I', found.nspname), 'schema', found.nspowner
    FROM pg_namespace AS found
    WHERE found.nspname IN ('ledger', 'predictions')
    UNION ALL
    SELECT format('TABLE ledger.%1$I', found.relname), 'ledger', found.relowner
    FROM pg_class AS found
    WHERE found.relnamespace = to_regnamespace('ledger') AND found.relkind IN ('r', 'p', 'v')
    UNION ALL
    SELECT format('FUNCTION %1$s', found.oid::regprocedure), 'ledger function', found.proowner
    FROM pg_proc AS found
    WHERE found.pronamespace = to_regnamespace('ledger')
    UNION ALL
    SELECT
        format('TABLE predictions.%1$I', found.relname),
        CASE WHEN found.relkind = 'v' THEN 'view' WHEN found.relname LIKE '%\_shadow' THEN 'shadow' ELSE 'predictions' END,
        found.relowner
    FROM pg_class AS found
    WHERE
        found.relnamespace = to_regnamespace('predictions')
        AND EXISTS (
            SELECT FROM runs
            WHERE
                found.relkind = 'r' AND found.relname IN (runs.pipeline || '_runs', runs.pipeline || '_shadow')
                OR found.relkind = 'v' AND found.relname IN (runs.pipeline, runs.pipeline || '_ever')
        )
    UNION ALL
    SELECT format('FUNCTION %1$s', found.oid::regprocedure), 'as-of function', found.proowner
    FROM pg_proc AS found
    WHERE
        found.pronamespace = to_regnamespace('predictions')
        AND found.proname IN (SELECT runs.pipeline || '_as_of' FROM runs)
$$;
COMMENT ON FUNCTION ledger.objects() IS 'One row per schema, table, view and function that Daybreak made here.';

CREATE FUNCTION ledger.role_statements() RETURNS SETOF text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner_role CONSTANT name := ledger.role_name('owner');
    pipeline_role CONSTANT name := ledger.role_name('pipeline');
    reader_role CONSTANT name := ledger.role_name('reader');
    mark CONSTANT text := format('Daybreak: %1$s', current_database());
    wanted record;
    rights text;
BEGIN
    FOR wanted IN SELECT * FROM (VALUES (owner_role), (pipeline_role), (reader_role)) AS roles (rolname) LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE pg_roles.rolname = wanted.rolname) THEN
            RETURN NEXT format('CREATE ROLE %1$I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', wanted.rolname);
            RETURN NEXT format('COMMENT ON ROLE %1$I IS %2$L', wanted.rolname, mark);
        END IF;
        FOREACH rights IN ARRAY CASE WHEN wanted.rolname = owner_role THEN ARRAY['CONNECT', 'CREATE'] ELSE ARRAY['CONNECT'] END LOOP
            IF NOT coalesce(
                has_database_privilege(to_regrole(quote_ident(wanted.rolname)), current_database(), rights), false
            ) THEN
                RETURN NEXT format('GRANT %1$s ON DATABASE %2$I TO %3$I', rights, current_database(), wanted.rolname);
            END IF;
        END LOOP;
    END LOOP;
    -- Who does this goes on to be able to do what the owner may.
    IF NOT EXISTS (
        SELECT FROM pg_roles
        WHERE
            pg_roles.rolname = current_user
            AND (pg_roles.rolsuper OR coalesce(pg_has_role(current_user, to_regrole(quote_ident(owner_role)), 'USAGE'), false))
    ) THEN
        RETURN NEXT format('GRANT %1$I TO %2$I', owner_role, current_user);
    END IF;
    -- Sources of this login's: pipelines read them, and so do views of the pipelines' authors, as their owner.
    FOR wanted IN
        SELECT pg_namespace.nspname
        FROM pg_namespace INNER JOIN pg_roles ON pg_roles.oid = pg_namespace.nspowner
        WHERE
            pg_roles.rolname = current_user AND current_user <> owner_role
            AND pg_namespace.nspname NOT LIKE 'pg\_%'
            AND pg_namespace.nspname NOT IN ('information_schema', 'ledger', 'predictions')
    LOOP
        RETURN NEXT format('GRANT USAGE ON SCHEMA %1$I TO %2$I, %3$I', wanted.nspname, owner_role, pipeline_role);
        RETURN NEXT format(
            'GRANT SELECT ON ALL TABLES IN SCHEMA %1$I TO %2$I, %3$I', wanted.nspname, owner_role, pipeline_role
        );
        RETURN NEXT format(
            'ALTER DEFAULT PRIVILEGES IN SCHEMA %1$I GRANT SELECT ON TABLES TO %2$I, %3$I',
            wanted.nspname, owner_role, pipeline_role
        );
    END LOOP;
    FOR wanted IN
        SELECT * FROM ledger.objects() AS found WHERE pg_has_role(current_user, found.owner, 'USAGE')
    LOOP
        -- What the login made, and what belongs to the owner of the database that this one was copied from.
        IF EXISTS (
            SELECT FROM pg_roles
            WHERE
                pg_roles.oid = wanted.owner AND pg_roles.rolname <> owner_role
                AND (pg_roles.rolname = current_user OR shobj_description(pg_roles.oid, 'pg_authid') LIKE 'Daybreak: %')
        ) THEN
            RETURN NEXT format('ALTER %1$s OWNER TO %2$I', wanted.called, owner_role);
        END IF;
        rights := CASE
            WHEN wanted.kind = 'schema' THEN 'USAGE'
            WHEN wanted.kind IN ('ledger function', 'as-of function') THEN 'EXECUTE'
            WHEN wanted.kind = 'view' OR wanted.called = 'TABLE ledger.migrations' THEN 'SELECT'
            -- What was published and who was champion is added to; what is over is left as it is.
            WHEN wanted.called = 'TABLE ledger.publications' THEN 'SELECT, INSERT, UPDATE (withdrawn_at)'
            WHEN wanted.called = 'TABLE ledger.alias_history' THEN 'SELECT, INSERT, UPDATE (until, outcome)'
            WHEN wanted.called = 'TABLE ledger.runs' THEN 'SELECT, INSERT, UPDATE'
            WHEN wanted.kind = 'predictions' THEN 'SELECT, INSERT, DELETE'
            ELSE 'SELECT, INSERT, UPDATE, DELETE'
        END;
        RETURN NEXT format('GRANT %1$s ON %2$s TO %3$I', rights, wanted.called, pipeline_role);
        IF wanted.kind IN ('view', 'as-of function') OR wanted.called = 'SCHEMA predictions' THEN
            RETURN NEXT format('GRANT %1$s ON %2$s TO %3$I', rights, wanted.called, reader_role);
        END IF;
        IF wanted.kind = 'predictions' AND NOT EXISTS (
            SELECT FROM pg_trigger
            WHERE
                pg_trigger.tgrelid = to_regclass(substr(wanted.called, length('TABLE ') + 1))
                AND pg_trigger.tgname = 'what_was_published_stays'
        ) THEN
            RETURN NEXT format(
                'CREATE TRIGGER what_was_published_stays AFTER DELETE ON %1$s REFERENCING OLD TABLE AS gone '
                'FOR EACH STATEMENT EXECUTE FUNCTION ledger.keep_published()',
                substr(wanted.called, length('TABLE ') + 1)
            );
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ledger.role_statements() IS 'The statements that make the three roles and give them their rights.';

CREATE FUNCTION ledger.see_to_roles() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted record;
    statement text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('daybreak.roles'));
    FOR wanted IN SELECT * FROM (VALUES ('owner'), ('pipeline'), ('reader')) AS kinds (kind) LOOP
        IF EXISTS (
            SELECT FROM pg_roles
            WHERE
                pg_roles.rolname = ledger.role_name(wanted.kind)
                AND shobj_description(pg_roles.oid, 'pg_authid') IS DISTINCT FROM format('Daybreak: %1$s', current_database())
        ) THEN
            RAISE duplicate_object USING
                MESSAGE = format('role %1$s is there already, and is not Daybreak''s', ledger.role_name(wanted.kind));
        END IF;
    END LOOP;
    FOR statement IN SELECT * FROM ledger.role_statements() LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ledger.see_to_roles() IS 'Makes the three roles and gives them their rights, as far as the login may.';

-- The condition of what the as-of functions read: with its owner's rights, for whoever may read the pipeline's view.
CREATE FUNCTION ledger.readable(shown text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT has_table_privilege(shown, 'SELECT') THEN
        RAISE insufficient_privilege USING MESSAGE = format('permission denied for view %1$s', shown);
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION ledger.readable(text) IS 'True where the current role may read a view, an error where it may not.';

CREATE FUNCTION ledger.is_owner(of regclass) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_has_role(current_user, pg_class.relowner, 'USAGE') FROM pg_class WHERE pg_class.oid = is_owner.of
$$;
COMMENT ON FUNCTION ledger.is_owner(regclass) IS 'Whether the current role has the rights of a table''s owner.';

-- What is over stays as it is, for every role but the owner.
CREATE FUNCTION ledger.keep_past() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    is_over boolean;
BEGIN
    is_over := CASE TG_TABLE_NAME
        WHEN 'publications' THEN to_jsonb(old) ->> 'withdrawn_at' IS NOT NULL
        ELSE to_jsonb(old) ->> 'until' IS NOT NULL AND to_jsonb(old) ->> 'outcome' <> 'intended'
    END;
    IF is_over AND NOT ledger.is_owner(TG_RELID) THEN
        RAISE insufficient_privilege USING MESSAGE = format('what is past in ledger.%1$s is not changed', TG_TABLE_NAME);
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION ledger.keep_past() IS 'Refuses a change of a publication or a decision that is over.';
CREATE TRIGGER past_stays BEFORE UPDATE ON ledger.publications FOR EACH ROW EXECUTE FUNCTION ledger.keep_past();
CREATE TRIGGER past_stays BEFORE UPDATE ON ledger.alias_history FOR EACH ROW EXECUTE FUNCTION ledger.keep_past();

CREATE FUNCTION ledger.keep_published() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT ledger.is_owner(TG_RELID)
        AND EXISTS (SELECT FROM gone INNER JOIN ledger.publications USING (run_id)) THEN
        RAISE insufficient_privilege USING MESSAGE = format('what was published from %1$s stays', TG_RELID::regclass);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ledger.keep_published() IS 'Refuses to delete predictions of a run that was ever published.';

-- Where the login may not, `daybreak roles` prints the statements for somebody who may.
DO $$
BEGIN
    PERFORM ledger.see_to_roles();
EXCEPTION WHEN insufficient_privilege OR duplicate_object THEN
    NULL;
END
$$;
