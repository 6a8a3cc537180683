"""SQLite's values: only they have types there, so a column's is found from all that a query gives."""

from typing import TYPE_CHECKING, Any

from daybreak.errors import SourceRefused
from daybreak.warehouse.identifiers import as_written, quoted

if TYPE_CHECKING:
    import pyarrow as pa

_TYPES = ("integer", "real", "text", "blob")
# A value of each type, from which the driver takes it.
_FIRST = {"integer": "0", "real": "0.0", "text": "''", "blob": "x''"}


def kinds_of(cursor: Any, text: str, names: list[str], rows: int | None = None) -> list[set[str]]:
    """Return which types the values of each column have, of a query's first rows or of all."""
    asked = ", ".join(f"max(typeof({quoted(name)}) = '{kind}')" for name in names for kind in _TYPES)
    limit = "" if rows is None else f" LIMIT {rows}"
    cursor.execute(f"SELECT {asked} FROM (SELECT * FROM (\n{text}\n){limit})")
    found = cursor.fetchone()
    each = [found[at : at + len(_TYPES)] for at in range(0, len(found), len(_TYPES))]
    return [{kind for kind, has in zip(_TYPES, one, strict=True) if has} for one in each]


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
