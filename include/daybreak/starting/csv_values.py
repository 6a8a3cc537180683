"""CSV values: which type the texts of a column have, and the texts as values of a type, such as a table's."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from daybreak.starting.number_format import NumberFormat, matches

if TYPE_CHECKING:
    import pyarrow as pa

# These mean nothing wherever they stand alone.
EMPTY = ("?", "n/a", "N/A", "#N/A")
# In a number's place, or a day's, these mean nothing too; in a text's place NA may be a country and None an answer.
_EMPTY_NUMBERS = (
    *("NA", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "Null", "None", "none", "#NA", "#N/A N/A", "-", "."),
    *("1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#REF!"),
)
# Longer ones are identifiers, or lose digits.
_INTEGER = r"^(?:0|-?[1-9][0-9]{0,17})$"
_TRUE_OR_FALSE = r"^(?i:true|false)$"
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
_OFFSET = r"(?:Z|[+-][0-9]{2}:?(?:[0-9]{2})?)$"


def trimmed(texts: "pa.ChunkedArray", empty: Sequence[str]) -> "pa.ChunkedArray":
    """Take the blanks around texts away; what is blank, or one of those that mean nothing, becomes null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.is_in(found, pa.array(["", *empty])), pa.scalar(None, pa.string()), found)


def without_nothing(texts: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Make null what means nothing in a number's place."""
    import pyarrow as pa
    import pyarrow.compute as pc

    nothing = pc.fill_null(pc.is_in(texts, pa.array(_EMPTY_NUMBERS)), False)
    return pc.if_else(nothing, pa.scalar(None, pa.string()), texts)


def inferred(texts: "pa.ChunkedArray", numbers: NumberFormat) -> "pa.DataType":
    """Return the type that all texts of a column have; text where they have none in common."""
    import pyarrow as pa

    filled = without_nothing(texts).drop_null()
    if not len(filled):
        return pa.string()
    if matches(filled, numbers.number):
        if matches(filled, numbers.whole_only):
            return pa.int64() if matches(numbers.plain(filled), _INTEGER) else pa.string()
        return pa.float64()
    for kind, pattern in _patterns():
        if matches(filled, pattern) and values(filled, kind, numbers)[1] is None:
            return kind
    return pa.string()


def inferred_key(texts: "pa.ChunkedArray") -> "pa.DataType":
    """Return the type of a key: whole numbers only where no other text would be the same number."""
    import pyarrow as pa

    return pa.int64() if matches(texts.drop_null(), _INTEGER) else pa.string()


def values(
    texts: "pa.ChunkedArray", kind: "pa.DataType", numbers: NumberFormat
) -> "tuple[pa.ChunkedArray | None, int | None]":
    """Return texts as values of a type, or the position of the first one that is none; nothing stays nothing.

    Of a type that only the database knows they stay texts, which it will read.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return texts.cast(kind), None
    found = without_nothing(texts)
    pattern = _pattern(kind, numbers)
    if pattern is None:
        return texts, None
    fits = pc.match_substring_regex(found, pattern)
    if (wrong := _first(pc.fill_null(pc.invert(fits), False))) is not None:
        return None, wrong
    plain = _plain(found, kind, numbers)
    if isinstance(kind, pa.BaseExtensionType):
        return plain, None
    try:
        return plain.cast(kind), None
    except pa.ArrowInvalid:
        return None, next(row for row in range(len(plain)) if not _casts(plain[row], kind))


@cache
def _patterns() -> "tuple[tuple[pa.DataType, str], ...]":
    import pyarrow as pa

    return (
        (pa.bool_(), _TRUE_OR_FALSE),
        (pa.date32(), _DAY),
        (pa.timestamp("us"), f"{_INSTANT}$"),
        (pa.timestamp("us", "UTC"), _INSTANT + _OFFSET),
    )


def _is_number(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    # What the database calls numeric has no counterpart of its own.
    return pa.types.is_floating(kind) or pa.types.is_decimal(kind) or getattr(kind, "type_name", "") == "numeric"


def _pattern(kind: "pa.DataType", numbers: NumberFormat) -> str | None:
    import pyarrow as pa

    if pa.types.is_integer(kind):
        return numbers.whole
    if _is_number(kind):
        return numbers.number
    if pa.types.is_boolean(kind):
        return r"^(?i:true|false|1|0)$"
    if pa.types.is_date(kind):
        return _DAY
    if pa.types.is_timestamp(kind):
        # A day without a time is its beginning, but not where an offset has to say of which day.
        return _INSTANT + _OFFSET if kind.tz else f"{_INSTANT}$|{_DAY}"
    return None


def _plain(texts: "pa.ChunkedArray", kind: "pa.DataType", numbers: NumberFormat) -> "pa.ChunkedArray":
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_integer(kind):
        return pc.replace_substring_regex(numbers.plain(texts), r"\.0*$", "")
    if _is_number(kind):
        return numbers.plain(texts)
    if pa.types.is_boolean(kind):
        return pc.utf8_lower(texts)
    if pa.types.is_timestamp(kind):
        return pc.replace_substring_regex(texts, r"(\.[0-9]{6})[0-9]+", r"\1")
    return texts


def _first(mask: "pa.ChunkedArray") -> int | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.index(mask, pa.scalar(True)).as_py()
    return None if found < 0 else int(found)


def _casts(text: "pa.StringScalar", kind: "pa.DataType") -> bool:
    import pyarrow as pa

    try:
        text.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True
