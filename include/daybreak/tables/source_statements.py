"""Source statements: what makes and changes the tables that rows of a file are kept in, and compares rows with them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from daybreak.declaration.source_tables import StateTable
from daybreak.tables.statements import listed, literal
from daybreak.warehouse.identifiers import quoted, refuse_long

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "sources"
AS_OF = StateTable.as_of
# Where rows are put before they are compared; it is gone with the connection.
LOADING = "daybreak_loading"

# Types without an equality of their own, or with one that is not that of their texts.
_NOT_COMPARABLE = ("json", "xml", "point", "polygon", "path", "box", "circle", "lseg", "line")


def named(name: str) -> str:
    """Write a source table as statements call it."""
    return f"{SCHEMA}.{quoted(name)}"


def make_source_table(name: str, columns: "pa.Schema", key: Sequence[str], originals: Mapping[str, str]) -> list[str]:
    """Return the statements that make ``sources.<name>`` for rows of these columns, each with a comment.

    ``key`` are the columns that tell the rows of a day apart; ``originals`` holds what columns are called in the file.
    """
    for one in (name, *columns.names):
        refuse_long(one)
    table = named(name)
    lines = [f"{quoted(c.name)} {_type(c.type)}{' NOT NULL' if c.name in key else ''}" for c in columns]
    lines += [f"{quoted(AS_OF)} date NOT NULL", f"PRIMARY KEY ({listed((AS_OF, *key))})"]
    grain = f"One row per {', '.join(key)} and day that a file told of."
    return [
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
        f"CREATE TABLE {table} (\n    " + ",\n    ".join(lines) + "\n)",
        f"COMMENT ON TABLE {table} IS {literal(grain)}",
        *(_comment(name, column, f"Column {_on_one_line(originals[column])} of the file.") for column in columns.names),
        _comment(name, AS_OF, "The day at whose end it was so, as far as the file tells."),
    ]


def add_source_column(name: str, column: "pa.Field", original: str) -> list[str]:
    """Return the statements that add a column, in which the rows of before have nothing."""
    refuse_long(column.name)
    return [
        f"ALTER TABLE {named(name)} ADD COLUMN {quoted(column.name)} {_type(column.type)}",
        _comment(name, column.name, f"Column {_on_one_line(original)} of the file."),
    ]


def hold_decimals(name: str, column: str) -> str:
    """Let a column of whole numbers hold decimals."""
    return f"ALTER TABLE {named(name)} ALTER COLUMN {quoted(column)} TYPE double precision"


def largest(name: str, column: str) -> str:
    """Select the largest number of a column, whatever its sign."""
    return f"SELECT max(abs({quoted(column)}::numeric)) FROM {named(name)}"


def compared_day(name: str, as_of: date) -> str:
    """Select the day whose rows those of ``as_of`` are compared with: its own, or the newest before it."""
    return f"SELECT max({AS_OF}) FROM {named(name)} WHERE {AS_OF} <= {_day(as_of)}"


def compare(name: str, day: date, types: Mapping[str, str], key: Sequence[str]) -> str:
    """Select how many rows a day has, and of the keys how many leave, come, and have other values in the new rows."""
    others = [column for column in types if column not in key]
    differ = " OR ".join(
        f"old.{quoted(c)}{_comparable(types[c])} IS DISTINCT FROM "
        f"{_as(types[c], f'new.{quoted(c)}')}{_comparable(types[c])}"
        for c in others
    )
    same_key = " AND ".join(f"old.{quoted(c)} = {_as(types[c], f'new.{quoted(c)}')}" for c in key)
    gone, came = f"new.{quoted(key[0])} IS NULL", f"old.{quoted(key[0])} IS NULL"
    return (
        f"SELECT count(*) FILTER (WHERE NOT {came}), count(*) FILTER (WHERE {gone}), count(*) FILTER (WHERE {came}), "
        f"count(*) FILTER (WHERE NOT {gone} AND NOT {came} AND ({differ or 'false'}))\n"
        f"FROM (SELECT * FROM {named(name)} WHERE {AS_OF} = {_day(day)}) AS old\n"
        f"FULL JOIN {LOADING} AS new ON {same_key}"
    )


def replace_day(name: str, day: date, types: Mapping[str, str]) -> list[str]:
    """Return the statements that put the new rows in the place of what was told of a day."""
    cast = ", ".join(_as(kind, quoted(column)) for column, kind in types.items())
    return [
        f"DELETE FROM {named(name)} WHERE {AS_OF} = {_day(day)}",
        f"INSERT INTO {named(name)} ({listed((*types, AS_OF))})\nSELECT {cast}, {_day(day)} FROM {LOADING}",
    ]


def analyze(name: str, key: Sequence[str]) -> str:
    """Have queries planned for the rows that are there now; the server does that by itself a minute later, at best.

    It looks at the columns by which rows are found and joined. To look at two hundred takes longer than to load them,
    so the others are left to the server. To whoever may not do it, or comes while somebody cleans up, it is no error.
    """
    return f"ANALYZE (SKIP_LOCKED) {named(name)} ({listed((AS_OF, *key))})"


def column_types(name: str) -> str:
    """Select the columns of the table and their types, as the database writes them, and those of the primary key."""
    return (
        "SELECT attname::text, format_type(atttypid, atttypmod), attnum = ANY (coalesce(conkey, '{}'))\n"
        f"FROM pg_attribute LEFT JOIN pg_constraint ON conrelid = attrelid AND contype = 'p'\n"
        f"WHERE attrelid = to_regclass({literal(named(name))}) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )


def _comparable(kind: str) -> str:
    return "::text" if kind in _NOT_COMPARABLE else ""


def _as(kind: str, value: str) -> str:
    return f"{value}::{kind}"


def _day(day: date) -> str:
    return f"'{day.isoformat()}'::date"


def _comment(name: str, column: str, text: str) -> str:
    return f"COMMENT ON COLUMN {named(name)}.{quoted(column)} IS {literal(text)}"


def _type(kind: "pa.DataType") -> str:
    import pyarrow as pa

    if pa.types.is_timestamp(kind):
        return "timestamptz" if kind.tz else "timestamp"
    names = {pa.int64(): "bigint", pa.float64(): "double precision", pa.bool_(): "boolean", pa.date32(): "date"}
    return names.get(kind, "text")


def _on_one_line(text: str) -> str:
    # A name from the file is shown in terminals and on pages.
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
