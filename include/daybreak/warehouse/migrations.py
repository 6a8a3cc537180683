"""The framework's own tables: SQL files applied once each, in order.

They are part of the engine, which finds them in its own folder: a wheel has them there, and in a checkout it points to
those of sql/.
"""

from pathlib import Path

import sqlalchemy as sa

from daybreak.errors import ConfigurationError
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.faults import is_transient
from daybreak.warehouse.roles import give_to_roles
from daybreak.warehouse.sql_file import SqlFile, load_sql

ENGINE_SQL = Path(__file__).parents[1] / "sql"
_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtext('daybreak.migrations'))")
_FOUND = sa.text("SELECT to_regclass('ledger.migrations') IS NOT NULL")
_KNOWS_ROLES = sa.text("SELECT to_regprocedure('ledger.see_to_roles()') IS NOT NULL")
_KNOWN = sa.text("SELECT name, digest FROM ledger.migrations")
_REMEMBER = sa.text("INSERT INTO ledger.migrations (name, digest) VALUES (:name, :digest)")
# What was applied was once kept in schema public: moved under the lock, so that nothing is applied a second time.
_TABLE = """
CREATE SCHEMA IF NOT EXISTS ledger;
DO $$
BEGIN
    IF to_regclass('ledger.migrations') IS NULL AND to_regclass('public.daybreak_migrations') IS NOT NULL THEN
        ALTER TABLE public.daybreak_migrations SET SCHEMA ledger;
        ALTER TABLE ledger.daybreak_migrations RENAME TO migrations;
        ALTER INDEX IF EXISTS ledger.daybreak_migrations_pkey RENAME TO migrations_pkey;
    END IF;
END
$$;
CREATE TABLE IF NOT EXISTS ledger.migrations (
    name text PRIMARY KEY,
    digest text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""


def migrate(warehouse: Warehouse, sql: Path = ENGINE_SQL) -> list[str]:
    """Bring the ledger's tables up to date; return the names of the files that were applied.

    All in one transaction. A migration that was applied and has changed since is refused: write a new one.
    """
    wanted = {f"ledger/{path.name}": load_sql(path) for path in sorted((sql / "ledger").glob("*.sql"))}
    if _is_current(warehouse, {name: file.digest for name, file in wanted.items()}):
        return []
    applied = []
    with warehouse.begin() as connection:
        connection.execute(_LOCK)
        connection.exec_driver_sql(_TABLE)
        known: dict[str, str] = dict(connection.execute(_KNOWN).tuples().all())
        for name, file in wanted.items():
            if known.get(name) == file.digest:
                continue
            if name in known:
                raise ConfigurationError(
                    f"sql/{name} has changed since it was applied.",
                    next_step="restore it, and put the change into a new numbered file.",
                )
            try:
                connection.exec_driver_sql(file.text.replace("%", "%%"))
            except sa.exc.DBAPIError as error:
                if is_transient(error):
                    raise
                raise _refused(file, error) from error
            connection.execute(_REMEMBER, {"name": name, "digest": file.digest})
            applied.append(name)
        if connection.scalar(_KNOWS_ROLES):
            give_to_roles(connection)
    return applied


def pending(warehouse: Warehouse, sql: Path = ENGINE_SQL) -> list[str]:
    """Return the names of the files that ``migrate`` would apply, or refuse."""
    wanted = {f"ledger/{path.name}": load_sql(path).digest for path in sorted((sql / "ledger").glob("*.sql"))}
    with warehouse.begin() as connection:
        if not connection.scalar(_FOUND):
            return list(wanted)
        known: dict[str, str] = dict(connection.execute(_KNOWN).tuples().all())
    return [name for name, digest in wanted.items() if known.get(name) != digest]


def _is_current(warehouse: Warehouse, wanted: dict[str, str]) -> bool:
    with warehouse.begin() as connection:
        if not connection.scalar(_FOUND):
            return False
        return wanted.items() <= dict(connection.execute(_KNOWN).tuples().all()).items()


def _refused(file: SqlFile, error: sa.exc.DBAPIError) -> ConfigurationError:
    diagnosis = getattr(error.orig, "diag", None)
    position = int(getattr(diagnosis, "statement_position", None) or 1) - 1
    reason = getattr(diagnosis, "message_primary", None) or str(error.orig)
    return ConfigurationError(f"{file.location(position)}: {reason}.", next_step="mend the SQL file.")
