"""SQLite's values: only they have types there, so a column's is found from all that a query gives.

Where there is no value, it is what the column of the table, or a cast, was declared as.
"""

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from daybreak.errors import SourceRefused
from daybreak.warehouse.identifiers import as_written, quoted

if TYPE_CHECKING:
    import pyarrow as pa

_TYPES = ("integer", "real", "text", "blob")
# Finer fractions of a second would be lost.
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# What a declared type has in its name, in SQLite's order. A column of no declared type is told of as a BLOB.
_AFFINITIES = (
    ("INT", "integer"),
    ("CHAR", "text"),
    ("CLOB", "text"),
    ("TEXT", "text"),
    ("REAL", "real"),
    ("FLOA", "real"),
    ("DOUB", "real"),
)
_VIEW = "daybreak_columns"
# A value of each type, from which the driver takes it.
_FIRST = {"integer": "0", "real": "0.0", "text": "''", "blob": "x''"}


def kinds_of(cursor: Any, text: str, names: list[str], rows: int | None = None) -> list[set[str]]:
    """Return which types the values of each column have, of a query's first rows or of all.

    A column without a value has the type that it is declared with, or none.
    """
    asked = ", ".join(f"max(typeof({quoted(name)}) = '{kind}')" for name in names for kind in _TYPES)
    limit = "" if rows is None else f" LIMIT {rows}"
    cursor.execute(f"SELECT {asked} FROM (SELECT * FROM (\n{text}\n){limit})")
    found = cursor.fetchone()
    each = [found[at : at + len(_TYPES)] for at in range(0, len(found), len(_TYPES))]
    kinds = [{kind for kind, has in zip(_TYPES, one, strict=True) if has} for one in each]
    if all(kinds):
        return kinds
    return [kind or said for kind, said in zip(kinds, _declared(cursor, text), strict=True)]


def _declared(cursor: Any, text: str) -> list[set[str]]:
    # Of a view it is told how its columns are declared, and one for this connection alone writes nothing.
    cursor.execute(f"CREATE TEMP VIEW {_VIEW} AS\n{text}")
    cursor.execute(f"SELECT type FROM pragma_table_info('{_VIEW}') ORDER BY cid")
    found = [str(kind).upper() for (kind,) in cursor.fetchall()]
    cursor.execute(f"DROP VIEW temp.{_VIEW}")
    return [{next((kind for part, kind in _AFFINITIES if part in said), "")} - {""} for said in found]


def schema_of(names: list[str], kinds: list[set[str]]) -> "pa.Schema":
    """Return the columns with the one type that each has; null where there is no value.

    Raises SourceRefused where a column has values of types that are not one.
    """
    import pyarrow as pa

    types = {"integer": pa.int64(), "real": pa.float64(), "text": pa.string(), "blob": pa.binary(), "": pa.null()}
    return pa.schema([pa.field(name, types[_type(name, kind)]) for name, kind in zip(names, kinds, strict=True)])


def typed(text: str, names: list[str], kinds: list[set[str]]) -> str:
    """Put a row before those of a query that has a value of the right type in each column.

    The driver takes a column's type from the first values, and stops at one of another.
    """
    # A column without a value is one of numbers that are missing.
    first = [
        f"{_FIRST[_type(name, kind) or 'real']} AS {quoted(name)}" for name, kind in zip(names, kinds, strict=True)
    ]
    return f"SELECT {', '.join(first)} UNION ALL SELECT * FROM (\n{text}\n)"


def time_of(value: Any) -> Any:
    """Return the day or the instant that a text is, and any other value as it is.

    Where a text does not say its zone, it is UTC, as SQLite's own functions have it.
    """
    if not isinstance(value, str):
        return value
    try:
        if _DAY.fullmatch(value):
            return date.fromisoformat(value)
        if _INSTANT.fullmatch(value):
            found = datetime.fromisoformat(value)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
    except ValueError:
        # There is no such day.
        pass
    return value


def _type(name: str, kinds: set[str]) -> str:
    if kinds == {"integer", "real"}:
        return "real"
    if len(kinds) > 1:
        written = as_written(name)
        raise SourceRefused(
            f"Column {name} holds values of types {' and '.join(sorted(kinds))}.",
            next_step=f"make it one in the query, for example CAST({written} AS text) AS {written}.",
        )
    return next(iter(kinds), "")
