#!/usr/bin/env bash
# Makes the logins and databases of docker-compose.yaml: one login for each service, none a superuser. The image of
# PostgreSQL runs it when its volume is new; it may be run again at any time, which also sets the passwords anew:
#   docker compose exec postgres bash /docker-entrypoint-initdb.d/logins.sh
set -euo pipefail

# Passwords are quoted by psql, and are on no command line. A database is made outside of a transaction.
psql --username "$POSTGRES_USER" --dbname postgres --no-psqlrc --quiet --set ON_ERROR_STOP=1 <<'END'
\getenv airflow AIRFLOW_DATABASE_PASSWORD
\getenv pipelines PIPELINES_DATABASE_PASSWORD
\getenv mlflow MLFLOW_DATABASE_PASSWORD
\getenv promotions PROMOTIONS_DATABASE_PASSWORD

-- The roles that Daybreak gives rights to, marked as its own, and the owner of the registry's tables.
SELECT format('CREATE ROLE %I LOGIN', role) FROM unnest(ARRAY['airflow', 'pipelines', 'mlflow', 'promotions',
    'daybreak_owner', 'daybreak_pipeline', 'daybreak_reader', 'registry']) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role)
\gexec
COMMENT ON ROLE daybreak_owner IS 'Daybreak: daybreak';
COMMENT ON ROLE daybreak_pipeline IS 'Daybreak: daybreak';
COMMENT ON ROLE daybreak_reader IS 'Daybreak: daybreak';
ALTER ROLE airflow PASSWORD :'airflow';
ALTER ROLE pipelines PASSWORD :'pipelines';
ALTER ROLE mlflow PASSWORD :'mlflow';
ALTER ROLE promotions PASSWORD :'promotions';
GRANT daybreak_owner TO pipelines;
GRANT daybreak_pipeline TO airflow;
GRANT registry TO airflow, pipelines, mlflow;

SELECT format('CREATE DATABASE %I', name) FROM unnest(ARRAY['daybreak', 'airflow', 'mlflow', 'promotions']) AS name
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name)
\gexec
ALTER DATABASE daybreak OWNER TO daybreak_owner;
ALTER DATABASE airflow OWNER TO airflow;
ALTER DATABASE mlflow OWNER TO registry;
ALTER DATABASE promotions OWNER TO promotions;
REVOKE ALL ON DATABASE daybreak, airflow, mlflow, promotions FROM PUBLIC;
GRANT CONNECT ON DATABASE daybreak TO daybreak_pipeline, daybreak_reader;

-- Whoever of them makes a table of MLflow's, all of them use it.
ALTER ROLE airflow IN DATABASE mlflow SET role TO registry;
ALTER ROLE pipelines IN DATABASE mlflow SET role TO registry;
ALTER ROLE mlflow IN DATABASE mlflow SET role TO registry;
END
