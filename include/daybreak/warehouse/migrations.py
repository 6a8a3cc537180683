"""The framework's own tables: SQL files applied once each, in order; a pipeline's tables when their file changes."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import sqlalchemy as sa

from daybreak.errors import ConfigurationError
from daybreak.warehouse.database import Warehouse, is_transient
from daybreak.warehouse.sql_file import SqlFile, load_sql

_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtext('daybreak.migrations'))")
_KNOWN = sa.text("SELECT name, digest FROM public.daybreak_migrations")
_REMEMBER = sa.text(
    "INSERT INTO public.daybreak_migrations (name, digest) VALUES (:name, :digest) "
    "ON CONFLICT (name) DO UPDATE SET digest = excluded.digest, applied_at = clock_timestamp()"
)
_SHADOW = sa.text("SELECT ledger.see_to_shadow_table(:pipeline, :columns)")
_TABLE = sa.text(
    "CREATE TABLE IF NOT EXISTS public.daybreak_migrations ("
    "name text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
)


def migrate(
    warehouse: Warehouse,
    sql: Path,
    pipelines: tuple[str, ...] = (),
    shadowed: Mapping[str, list[str]] = MappingProxyType({}),
) -> list[str]:
    """Bring the warehouse's tables up to date; return the names of the files that were applied.

    Pipelines that are ``shadowed`` get a table for it, with these columns. All in one transaction. A migration that was
    applied and has changed since is refused: write a new one.
    """
    wanted = [(f"ledger/{path.name}", load_sql(path)) for path in sorted((sql / "ledger").glob("*.sql"))]
    views = {name: load_sql(sql / name / "views.sql") for name in pipelines}
    wanted += [(f"{name}/views.sql", file) for name, file in views.items()]
    # Seen to whenever the table that it follows, or what is wanted of it, may have changed.
    shadows = {f"{name}/shadow": (name, f"{views[name].digest} {' '.join(shadowed[name])}") for name in shadowed}
    digests = {name: file.digest for name, file in wanted} | {key: digest for key, (_, digest) in shadows.items()}
    if _is_current(warehouse, digests):
        return []
    applied = []
    with warehouse.begin() as connection:
        connection.execute(_LOCK)
        connection.execute(_TABLE)
        known: dict[str, str] = dict(connection.execute(_KNOWN).tuples().all())
        for name, file in wanted:
            if known.get(name) == file.digest:
                continue
            if name in known and name.startswith("ledger/"):
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
        for key, (name, digest) in shadows.items():
            connection.execute(_SHADOW, {"pipeline": name, "columns": shadowed[name]})
            connection.execute(_REMEMBER, {"name": key, "digest": digest})
    return applied


def _is_current(warehouse: Warehouse, wanted: dict[str, str]) -> bool:
    with warehouse.begin() as connection:
        if connection.scalar(sa.text("SELECT to_regclass('public.daybreak_migrations')")) is None:
            return False
        return wanted.items() <= dict(connection.execute(_KNOWN).tuples().all()).items()


def _refused(file: SqlFile, error: sa.exc.DBAPIError) -> ConfigurationError:
    diagnosis = getattr(error.orig, "diag", None)
    position = int(getattr(diagnosis, "statement_position", None) or 1) - 1
    reason = getattr(diagnosis, "message_primary", None) or str(error.orig)
    return ConfigurationError(f"{file.location(position)}: {reason}.", next_step="mend the SQL file.")
