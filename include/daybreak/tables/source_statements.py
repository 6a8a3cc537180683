"""Source statements: what makes the table that the rows of a file are kept in."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from daybreak.declaration.source_tables import StateTable
from daybreak.tables.statements import literal
from daybreak.warehouse.identifiers import quoted, refuse_long

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "sources"
AS_OF = StateTable.as_of


def make_source_table(name: str, columns: "pa.Schema", key: str, originals: Mapping[str, str]) -> list[str]:
    """Return the statements that make ``sources.<name>`` for rows of these columns, each with a comment.

    ``key`` tells the rows of a day apart; ``originals`` holds what the columns are called in the file.
    """
    for one in (name, *columns.names):
        refuse_long(one)
    table = f"{SCHEMA}.{quoted(name)}"
    lines = [f"{quoted(c.name)} {_type(c.type)}{' NOT NULL' if c.name == key else ''}" for c in columns]
    lines += [f"{quoted(AS_OF)} date NOT NULL", f"PRIMARY KEY ({quoted(AS_OF)}, {quoted(key)})"]
    said = {column: f"Column {_on_one_line(originals[column])} of the file." for column in columns.names}
    said[AS_OF] = "The day at whose end it was so, as far as the file tells."
    return [
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
        f"CREATE TABLE {table} (\n    " + ",\n    ".join(lines) + "\n)",
        f"COMMENT ON TABLE {table} IS {literal(f'One row per {key} and day that a file told of.')}",
        *(f"COMMENT ON COLUMN {table}.{quoted(column)} IS {literal(text)}" for column, text in said.items()),
    ]


def _type(kind: "pa.DataType") -> str:
    import pyarrow as pa

    if pa.types.is_timestamp(kind):
        return "timestamptz" if kind.tz else "timestamp"
    names = {pa.int64(): "bigint", pa.float64(): "double precision", pa.bool_(): "boolean", pa.date32(): "date"}
    return names.get(kind, "text")


def _on_one_line(text: str) -> str:
    # A name from the file is shown in terminals and on pages.
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
