"""Demonstration schema: where the demonstration data may go, and how it takes the place of what was loaded before.

A schema is ours where it says so in its comment. What is not ours is refused, never dropped: tables of others beside
ours stay, and so do views, rights and indexes that others put upon ours, since only rows are replaced.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from daybreak.errors import ConfigurationError, WarehouseUnavailable
from daybreak.settings import Settings
from daybreak.tables.statements import literal
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.faults import sqlstate
from daybreak.warehouse.sql_file import load_sql

SCHEMA, STAGING = "retail", "retail_loading"
TABLES = ("transactions", "products", "demographics", "promotions")
MARK = "Complete Journey 2.0 by 84.51°: one year of grocery sales to 2,469 households, moved to end yesterday."
_LOCK = sa.text("SELECT pg_try_advisory_lock(hashtext('daybreak.demonstration'))")
_UNLOCK = sa.text("SELECT pg_advisory_unlock(hashtext('daybreak.demonstration'))")
_COMMENT = sa.text("SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace WHERE nspname = :name")
_CONTENTS = sa.text(
    "SELECT relname, relkind = 'r' FROM pg_class WHERE relnamespace = to_regnamespace(:name) "
    "AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S') ORDER BY 1"
)
_COLUMNS = sa.text(
    "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
    "WHERE attrelid = to_regclass(:table) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)


def refuse_named_warehouse(settings: Settings, *, asked: bool) -> None:
    """Refuse to put the demonstration into a warehouse that the settings name, unless that was asked for."""
    if settings.warehouse_url and not asked:
        raise ConfigurationError(
            "DAYBREAK_WAREHOUSE_URL names a warehouse, and the demonstration would be loaded into it, models and all.",
            next_step="unset it to use the embedded database, or say that you want it there: --into-named-warehouse.",
        )


@contextmanager
def staged(warehouse: Warehouse, sql: Path) -> Iterator[None]:
    """Make the staging tables for the body to fill; one process at a time. Interrupted, the next one clears them away.

    Raises ConfigurationError where a schema of either name belongs to somebody else.
    """
    with warehouse.session() as alone:
        if not alone.scalar(_LOCK):
            raise WarehouseUnavailable(
                "Another process is loading the demonstration data.", next_step="wait until it is done."
            )
        alone.commit()
        with warehouse.begin() as connection:
            _refuse_foreign(connection, SCHEMA)
            if _refuse_foreign(connection, STAGING):
                _clear(connection)
            connection.exec_driver_sql(load_sql(sql / "demonstration" / "tables.sql").text)
            _mark(connection, STAGING)
        try:
            yield
        finally:
            # The server hears of a closed connection a moment later, when somebody may be loading again.
            with suppress(sa.exc.SQLAlchemyError):
                alone.execute(_UNLOCK)


def hand_over(warehouse: Warehouse, sql: Path, loaded: tuple[str, ...] = TABLES) -> None:
    """Put the staging tables in the place of what was loaded before: all in one transaction.

    A table that was not ``loaded`` this time keeps its rows where it is there already.
    """
    with warehouse.begin() as connection:
        connection.exec_driver_sql(load_sql(sql / "demonstration" / "indexes.sql").text)
        if not _refuse_foreign(connection, SCHEMA):
            connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
            _mark(connection, SCHEMA)
        there: dict[str, bool] = dict(connection.execute(_CONTENTS, {"name": SCHEMA}).tuples().all())
        for table in TABLES:
            if table not in there:
                connection.exec_driver_sql(f"ALTER TABLE {STAGING}.{table} SET SCHEMA {SCHEMA}")
            elif table in loaded:
                _replace_rows(connection, table)
        connection.exec_driver_sql(f"ANALYZE {', '.join(f'{SCHEMA}.{table}' for table in loaded)}")
        _clear(connection)


def _replace_rows(connection: Connection, table: str) -> None:
    ours = connection.execute(_COLUMNS, {"table": f"{STAGING}.{table}"}).tuples().all()
    if connection.execute(_COLUMNS, {"table": f"{SCHEMA}.{table}"}).tuples().all() != ours:
        raise ConfigurationError(
            f"{SCHEMA}.{table} has other columns than the demonstration's: somebody has changed it.",
            next_step=f"rename it, or take it away by hand if nobody needs it: DROP TABLE {SCHEMA}.{table};",
        )
    columns = ", ".join(name for name, _ in ours)
    try:
        connection.exec_driver_sql(f"TRUNCATE {SCHEMA}.{table}")
    except sa.exc.DBAPIError as error:
        if sqlstate(error) != "0A000":
            raise
        raise ConfigurationError(
            f"Another table refers to the rows of {SCHEMA}.{table} by a foreign key.",
            next_step="drop that key, or keep the demonstration data as it is.",
        ) from error
    connection.exec_driver_sql(f"INSERT INTO {SCHEMA}.{table} ({columns}) SELECT {columns} FROM {STAGING}.{table}")


def _refuse_foreign(connection: Connection, schema: str) -> bool:
    """Tell whether there is a schema of ours; raise where it is somebody else's."""
    comment = connection.scalar(_COMMENT, {"name": schema})
    if comment is None or comment == MARK:
        return comment is not None
    there = [name for name, _ in connection.execute(_CONTENTS, {"name": schema}).tuples()]
    shown = ", ".join(there[:5]) + (f" and {len(there) - 5} more" if len(there) > 5 else "")
    raise ConfigurationError(
        f"Schema {schema} is in the warehouse already and was not made by Daybreak; it holds {shown or 'nothing'}.",
        next_step="load the demonstration into another database, or rename that schema.",
    )


def _clear(connection: Connection) -> None:
    """Take our staging tables away, empty of anything of others."""
    there: dict[str, bool] = dict(connection.execute(_CONTENTS, {"name": STAGING}).tuples().all())
    try:
        for table in (name for name in TABLES if there.get(name)):
            connection.exec_driver_sql(f"DROP TABLE {STAGING}.{table} RESTRICT")
        connection.exec_driver_sql(f"DROP SCHEMA {STAGING} RESTRICT")
    except sa.exc.DBAPIError as error:
        if sqlstate(error) != "2BP01":
            raise
        raise ConfigurationError(
            f"Something that Daybreak did not make stands in schema {STAGING}, or reads from it.",
            next_step=f"move it to another schema; {STAGING} is for the demonstration's tables while they are loaded.",
        ) from error


def _mark(connection: Connection, schema: str) -> None:
    connection.exec_driver_sql(f"COMMENT ON SCHEMA {schema} IS {literal(MARK)}")
