"""Column types: which type holds every value of another, so that a column can be widened and nothing is lost."""

import re
from typing import TYPE_CHECKING

from daybreak.warehouse.described import without_length

if TYPE_CHECKING:
    import pyarrow as pa

_WIDER = {"smallint": ("integer", "bigint"), "integer": ("bigint",), "real": ("double precision",)}
_TEXTS = ("character varying", "text")


def holds(kind: str, other: str) -> bool:
    """Tell whether each value of the ``other`` type is one of this type, and reads the same.

    A whole number is not held by a fraction: it would read otherwise. Nor is text that is filled up with blanks by any
    other text: the blanks would go.
    """
    plain, of_other = without_length(kind), without_length(other)
    if plain in _WIDER.get(of_other, ()):
        return True
    if plain == of_other or (plain in _TEXTS and of_other in _TEXTS):
        most, at_most = _length(kind), _length(other)
        return plain == "text" or most is None or (at_most is not None and most >= at_most)
    return False


def _length(kind: str) -> int | None:
    found = re.search(r"\((\d+)\)", kind)
    return int(found[1]) if found else None


def held_by(rows: "pa.DataType", table: "pa.DataType") -> bool:
    """Tell whether a column of rows fits into one of a table, as it is or widened."""
    import pyarrow as pa

    wider = {
        pa.int16(): (pa.int32(), pa.int64()),
        pa.int32(): (pa.int64(),),
        pa.float32(): (pa.float64(),),
    }
    return bool(rows == table or table in wider.get(rows, ()))


def widened(rows: "pa.RecordBatch", table: "pa.Schema") -> "pa.RecordBatch":
    """Give columns the types that they have in the table, where nothing is lost by it.

    Rows are copied in binary: a snapshot that is older than a table's wider column would be read as something else.
    """
    import pyarrow as pa

    wanted = {field.name: field.type for field in table}
    columns = [
        column.cast(wanted[name]) if name in wanted and held_by(column.type, wanted[name]) else column
        for name, column in zip(rows.schema.names, rows.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=rows.schema.names)
