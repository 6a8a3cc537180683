"""JSON rows: a batch's rows as the ledger keeps them for people, each value right to the last digit.

What JSON has no form for is text: days and instants, bytes in PostgreSQL's hexadecimal, numbers that are not finite.
"""

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_NOT_FINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}


def json_rows(rows: "pa.RecordBatch") -> list[str]:
    """Write each row as a JSON object."""
    columns = [_values(column) for column in rows.columns]
    names = rows.schema.names
    # Without columns a batch has rows all the same, and no values to go through them by.
    found = zip(*columns, strict=True) if columns else [()] * rows.num_rows
    return [json.dumps(dict(zip(names, row, strict=True)), allow_nan=False) for row in found]


def jsonable(number: float) -> float | str:
    """Return a number, or its name where JSON has none for it."""
    return "NaN" if number != number else _NOT_FINITE.get(number, number)


def as_texts(column: "pa.Array") -> "pa.Array":
    """Write values as text, nulls left as they are."""
    import pyarrow as pa

    if _is_written(column.type):
        return _written(column)
    return column.cast(pa.string())


def _values(column: "pa.Array") -> list[Any]:
    import pyarrow as pa

    if _is_written(column.type):
        return list(_written(column).to_pylist())
    if pa.types.is_floating(column.type):
        # By way of its text, a single stays 1.1 and does not become 1.100000023841858.
        texts = column.cast(pa.string()).to_pylist()
        return [None if text is None else jsonable(float(text)) for text in texts]
    return list(column.to_pylist())


def _is_written(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_temporal(kind))


def _written(column: "pa.Array") -> "pa.Array":
    import numpy as np
    import pyarrow as pa

    kind, empty = column.type, column.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_binary(kind):
        return pa.array([None if value is None else "\\x" + value.hex() for value in column.to_pylist()], pa.string())
    if pa.types.is_time(kind):
        of_day = column.cast(pa.int64()).to_pylist()
        return pa.array([None if value is None else _time(value) for value in of_day], pa.string())
    unit = "D" if pa.types.is_date(kind) else kind.unit
    numbers = column.cast(pa.int32() if unit == "D" else pa.int64()).fill_null(0).to_numpy()
    texts = np.datetime_as_string(numbers.astype(f"datetime64[{unit}]"))
    texts = np.char.add(texts, "+00:00") if pa.types.is_timestamp(kind) and kind.tz else texts
    return pa.array([_with_year(text) for text in texts.tolist()], pa.string(), mask=empty)


def _with_year(text: str) -> str:
    # Of years before the first numpy writes three digits.
    year, separator, rest = text[1:].partition("-")
    return f"-{year:0>4}{separator}{rest}" if text.startswith("-") else text


def _time(microseconds: int) -> str:
    seconds, rest = divmod(microseconds, 1_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{rest:06}" if rest else text
