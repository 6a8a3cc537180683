"""Comparable: the columns of a frame, and what rules hold them against, in types that compare as they should.

Great Expectations compares days with days only where both are the same class of Python, holds text against a day and
finds it different, and knows instants to the nanosecond, which end in the year 2262. Here they are microseconds, and
what a rule declares is brought to the type of its column, or said to be none.
"""

import math
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# Whose bounds and sets are values of the column, and not counts, lengths or shares.
_OF_VALUES = {
    "expect_column_values_to_be_between",
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_not_be_in_set",
    "expect_column_distinct_values_to_be_in_set",
    "expect_column_distinct_values_to_contain_set",
    "expect_column_distinct_values_to_equal_set",
    "expect_column_most_common_value_to_be_in_set",
    "expect_column_max_to_be_between",
    "expect_column_min_to_be_between",
}
_BOOLEANS = {"true": True, "t": True, "false": False, "f": False}
Convert = Callable[[Any], Any]


class NotComparableError(ValueError):
    """A rule declares something that no value of its column can be."""


def comparable_frame(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Widen numbers to 64 bits, and make days and instants microseconds of UTC; wall-clock times are taken as UTC.

    Numbers and times that have a zone are compared whole, everything else value by value in Python. Raises
    NotComparableError, naming the column, for a day that microseconds do not reach.
    """
    import numpy as np

    wide = {"i": "int64", "u": "int64", "f": "float64"}
    kinds = {
        name: wide[dtype.kind]
        for name, dtype in frame.dtypes.items()
        if isinstance(dtype, np.dtype) and dtype.kind in wide
    }
    found = frame.astype(kinds)
    for name, dtype in frame.dtypes.items():
        if dtype.kind == "M":
            found[name] = _in_microseconds(frame[name])
    return found


def comparable_arguments(kind: str, arguments: dict[str, Any], frame: "pd.DataFrame") -> dict[str, Any]:
    """Return an expectation's arguments, those that are values of its column as values of the frame's column.

    ``frame`` is as it came, not made comparable yet. A day or instant has no infinite bound: that side is open.
    """
    column = arguments.get("column")
    if kind not in _OF_VALUES or column not in frame.columns:
        return arguments
    convert = _converting(frame[column]) or _as_declared
    bounds = {name: _bound(arguments[name], convert) for name in ("min_value", "max_value") if name in arguments}
    found: dict[str, Any] = {name: value for name, value in (arguments | bounds).items() if value is not None}
    if bounds and not any(name in found for name in bounds):
        raise NotComparableError("it is open on both sides")
    if "value_set" in found:
        found["value_set"] = [convert(value) for value in found["value_set"] if value is not None]
    return found


def as_came(observed: Any, column: "pd.Series | None") -> Any:
    """Return what was observed of a column without the zone that it was given to be compared."""
    naive = column is not None and column.dtype.kind == "M" and getattr(column.dtype, "tz", None) is None
    return observed.tz_localize(None) if naive and hasattr(observed, "tz_localize") else observed


def _in_microseconds(column: "pd.Series") -> "pd.Series":
    from pandas.errors import OutOfBoundsDatetime

    zone = getattr(column.dtype, "tz", None)
    try:
        if zone is not None:
            found: pd.Series = column.dt.tz_convert("UTC").astype("datetime64[us, UTC]")
        else:
            found = column.astype("datetime64[us]").dt.tz_localize("UTC")
    except (OutOfBoundsDatetime, OverflowError) as error:
        raise NotComparableError(f"column {column.name} holds a day after the year 294246") from error
    return found


def _converting(column: "pd.Series") -> Convert | None:
    if column.dtype.kind == "M":
        zoned = getattr(column.dtype, "tz", None) is not None
        return lambda value: _moment(value, zoned=zoned)
    if column.dtype.kind in "iuf":
        return _number
    if column.dtype.kind == "b":
        return _boolean
    if column.dtype.kind != "O":
        return _text if str(column.dtype) in ("str", "string") else None
    first = next((value for value in column if value is not None), None)
    by_type: dict[type, Convert] = {bool: _boolean, time: _time, str: _text}
    return by_type.get(type(first))


def _bound(value: Any, convert: Convert) -> Any:
    infinite = isinstance(value, float) and math.isinf(value)
    return None if value is None or (infinite and convert is not _number) else convert(value)


def _moment(value: Any, *, zoned: bool) -> "pd.Timestamp":
    import numpy as np
    import pandas as pd

    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise NotComparableError(f"'{value}' is no day or instant as YYYY-MM-DD[THH:MM:SS]") from None
    if not isinstance(value, date | np.datetime64):
        raise NotComparableError(f"{value!r} is no day or instant")
    found = pd.Timestamp(value)
    if found.tz is None:
        return found.tz_localize("UTC")
    if not zoned:
        raise NotComparableError(f"{value} has an offset from UTC, and the column has none")
    return found.tz_convert("UTC")


def _as_declared(value: Any) -> Any:
    """Leave what is held against a column of nothing, or of what no rule is declared for."""
    return _number(value) if isinstance(value, Decimal) else value


def _number(value: Any) -> float:
    if isinstance(value, str | Decimal):
        try:
            exact = Decimal(value)
        except ArithmeticError:
            raise NotComparableError(f"'{value}' is no number") from None
        if exact.is_nan():
            return math.nan
        return int(exact) if exact.is_finite() and exact == exact.to_integral_value() else float(exact)
    if isinstance(value, date | time | bytes):
        raise NotComparableError(f"{value!r} is no number")
    found: float = value
    return found


def _boolean(value: Any) -> bool:
    found = _BOOLEANS.get(value.lower()) if isinstance(value, str) else {0: False, 1: True}.get(value)
    if found is None:
        raise NotComparableError(f"'{value}' is neither true nor false")
    return found


def _time(value: Any) -> time:
    try:
        return time.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise NotComparableError(f"'{value}' is no time as HH:MM:SS") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise NotComparableError(f"{value!r} is no text")
    return value
