"""Described: the columns that a query gives, as PostgreSQL describes them; the query is not run."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from daybreak.errors import SourceRefused
from daybreak.warehouse.database import Warehouse, rendered
from daybreak.warehouse.faults import is_transient, refused_by_source
from daybreak.warehouse.held_types import COPIED, as_cast, refuse_inexact
from daybreak.warehouse.sql_file import SqlFile

if TYPE_CHECKING:
    import pyarrow as pa

_READ_ONLY = "SET TRANSACTION READ ONLY"
_NAMES = sa.text(
    "SELECT format_type(found.kind, found.modifier), col_description(found.relation, found.place) "
    "FROM unnest(CAST(:kinds AS oid[]), CAST(:modifiers AS integer[]), CAST(:relations AS oid[]), "
    "CAST(:places AS integer[])) WITH ORDINALITY AS found (kind, modifier, relation, place, position) "
    "ORDER BY found.position"
)
_HEADER, _VARCHAR, _BPCHAR, _NUMERIC = 4, 1043, 1042, 1700
# Of a numeric without one the driver tells a precision above what there can be.
_MOST = 1001


@dataclass(frozen=True)
class Described:
    """One column of a query's result, and what is said of the table's column that it comes from, if it is one."""

    name: str
    type: str
    comment: str | None


def describe_query(warehouse: Warehouse, sql: SqlFile, binds: dict[str, Any]) -> list[Described]:
    """Return the columns of a query over the source, or refuse one that cannot be read."""
    try:
        with warehouse.begin() as connection:
            connection.exec_driver_sql(_READ_ONLY)
            return describe(connection, rendered(sql, binds).text)
    except sa.exc.DBAPIError as error:
        if is_transient(error):
            raise
        raise refused_by_source(error, "The source", sql, lines_before=1) from error


def describe(connection: Connection, query: str) -> list[Described]:
    """Return the columns of a query's result, in order."""
    result = connection.exec_driver_sql(f"SELECT * FROM (\n{query}\n) AS described LIMIT 0".replace("%", "%%"))
    columns: list[Any] = list(result.cursor.description) if result.cursor is not None else []
    result.close()
    values = {
        "kinds": [column.type_code for column in columns],
        "modifiers": [_modifier(column) for column in columns],
        "relations": [column.table_oid for column in columns],
        "places": [column.table_column for column in columns],
    }
    found = connection.execute(_NAMES, values).tuples()
    return [Described(column.name, *row) for column, row in zip(columns, found, strict=True)]


def as_batch(columns: Iterable[Described]) -> "pa.Schema":
    """Return columns with the types that a batch of their rows has, whose query was checked: others come as text."""
    import pyarrow as pa

    kinds = {
        "smallint": pa.int16(),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "real": pa.float32(),
        "double precision": pa.float64(),
        "numeric": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "time without time zone": pa.time64("us"),
        "timestamp without time zone": pa.timestamp("us"),
        "timestamp with time zone": pa.timestamp("us", "UTC"),
        "bytea": pa.binary(),
    }
    return pa.schema([(column.name, kinds.get(without_length(column.type), pa.string())) for column in columns])


def without_length(kind: str) -> str:
    """Return a type as functions take it: any length, any precision."""
    plain = re.sub(r"\(\d+(,-?\d+)?\)", "", kind)
    return "bpchar" if plain == "character" else plain


def refuse_uncopied(columns: Iterable[Described]) -> None:
    """Refuse columns whose values the bulk copy does not bring as they are."""
    for column in columns:
        plain = re.sub(r"\(\d+(,-?\d+)?\)", "", column.type)
        if plain == "numeric":
            refuse_inexact(column.name)
        if plain not in COPIED and plain != "bpchar":
            raise SourceRefused(
                f"Column {column.name} is {column.type}, which cannot be kept beside a prediction as it is.",
                next_step=f"cast it in extract.sql, for example {as_cast(column.name, plain, kept=True)}.",
            )


def _modifier(column: Any) -> int:
    """Return the type's length as the catalog has it, or -1: the driver passes on what a client would display."""
    if column.type_code == _NUMERIC and (column.precision or _MOST) < _MOST:
        return (int(column.precision) << 16 | int(column.scale)) + _HEADER
    if column.type_code in (_VARCHAR, _BPCHAR) and column.internal_size > 0:
        return int(column.internal_size) + _HEADER
    return -1
