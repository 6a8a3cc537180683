"""The views file: a query of the pipeline's author over what is published, with columns of their own."""

import re
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from daybreak.errors import ConfigurationError
from daybreak.tables.layout import Shown
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.described import Described, describe
from daybreak.warehouse.faults import is_transient
from daybreak.warehouse.identifiers import quoted, refuse_long
from daybreak.warehouse.sql_file import SqlFile, load_sql

_NEXT = "delete the file, or leave only a query over `published` in it: the tables are made from the declaration."
_SKIPPED = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.S)
_PUBLISHED = re.compile(r"\bpublished\b", re.I)


def load_views(path: Path) -> SqlFile | None:
    """Read the file, None where there is none; refuse one that is anything but a query over ``published``."""
    if not path.exists():
        return None
    sql = load_sql(path)
    # Comments and texts are blanked, so that positions stay.
    code = _SKIPPED.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), sql.text)
    first = re.search(r"\w+", code)
    if first and first[0].upper() not in ("SELECT", "WITH"):
        raise ConfigurationError(
            f"{sql.location(first.start())}: views.sql is one query, and this is {first[0].upper()}.", next_step=_NEXT
        )
    if (end := code.find(";")) >= 0:
        raise ConfigurationError(f"{sql.location(end)}: views.sql is one query, without a semicolon.", next_step=_NEXT)
    if not _PUBLISHED.search(code):
        raise ConfigurationError(f"{sql.location(0)}: views.sql does not read `published`.", next_step=_NEXT)
    for name, position in sql.binds.items():
        raise ConfigurationError(
            f"{sql.location(position)}: a view has no value for :{name}.", next_step="write the value itself."
        )
    return sql


def describe_views(warehouse: Warehouse, sql: SqlFile, published: Sequence[Shown]) -> list[Described]:
    """Return the columns of the file's query; PostgreSQL looks at it before anything is made."""
    nothing = ", ".join(f"NULL::{column.type} AS {quoted(column.name)}" for column in published)
    before, after = f"WITH published AS (SELECT {nothing})\nSELECT * FROM (\n", "\n) AS shown"
    try:
        with warehouse.begin() as connection:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            found = describe(connection, before + sql.text + after)
    except sa.exc.DBAPIError as error:
        diagnosis = getattr(error.orig, "diag", None)
        if is_transient(error) or diagnosis is None:
            raise
        position = int(diagnosis.statement_position or 1) - 1 - len("SELECT * FROM (\n") - len(before)
        raise ConfigurationError(
            f"{sql.location(max(position, 0))}: {diagnosis.message_primary}.", next_step="mend the SQL file."
        ) from error
    names = [column.name for column in found]
    for name in names:
        refuse_long(name)
        if name == "?column?" or names.count(name) > 1:
            what = "a column has no name" if name == "?column?" else f"two columns are called {name}"
            raise ConfigurationError(f"{sql.location(0)}: {what}.", next_step="name it with AS.")
    return found
