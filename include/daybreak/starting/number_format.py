"""Number format: which character marks the decimals and which the thousands, as the numbers of a file show it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_INFINITE = r"(?i:inf|infinity)"


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written: the character before the decimals, and that between the thousands, if there is one."""

    decimal: str = "."
    thousands: str | None = None

    @property
    def number(self) -> str:
        """A regular expression for a number; a whole one that begins with a zero is a code."""
        point = re.escape(self.decimal)
        finite = rf"(?:{self._whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
        return rf"^-?(?:{finite}|{_INFINITE})$"

    @property
    def whole(self) -> str:
        """A regular expression for a number without decimals, or with none but zeros."""
        return rf"^-?{self._whole}(?:{re.escape(self.decimal)}0*)?$"

    @property
    def whole_only(self) -> str:
        """A regular expression for a number that is written without decimals."""
        return rf"^-?{self._whole}$"

    @property
    def _whole(self) -> str:
        if self.thousands is None:
            return "(?:0|[1-9][0-9]*)"
        return f"(?:0|[1-9][0-9]*|[1-9][0-9]{{0,2}}(?:{re.escape(self.thousands)}[0-9]{{3}})+)"

    def plain(self, texts: "pa.ChunkedArray") -> "pa.ChunkedArray":
        """Write numbers as computers do."""
        import pyarrow.compute as pc

        if self.thousands:
            texts = pc.replace_substring(texts, self.thousands, "")
        return texts if self.decimal == "." else pc.replace_substring(texts, self.decimal, ".")

    def says(self) -> str:
        """Say how numbers are written, in the words of the command line's options."""
        thousands = {" ": "space", "\u00a0": "space", "\u202f": "space"}.get(str(self.thousands), self.thousands)
        return f"--decimal {self.decimal}" + (f" --thousands {thousands}" if thousands else "")


PLAIN = NumberFormat()
_OTHERS = (
    NumberFormat(","),
    NumberFormat(",", "."),
    NumberFormat(".", ","),
    *(NumberFormat(decimal, thousands) for thousands in ("'", "\u2019", " ", "\u00a0", "\u202f") for decimal in ".,"),
)


def matches(texts: "pa.ChunkedArray", pattern: str) -> bool:
    """Tell whether all texts match, and there are any."""
    import pyarrow.compute as pc

    return bool(pc.all(pc.match_substring_regex(texts, pattern), min_count=1).as_py())


def guessed(columns: Sequence["pa.ChunkedArray"], decimal: str | None = None) -> NumberFormat:
    """Find out how the numbers of a file are written, with ``decimal`` where somebody said so; plain unless it is sure.

    1,234 may be either of two numbers. A format is sure where some column's values can be read in no other way, and all
    such columns, and those of plain numbers, can be read in this one. The columns are texts, without what is empty.
    """
    fallback = NumberFormat(decimal or PLAIN.decimal)
    formats = [each for each in _OTHERS if decimal in (None, each.decimal)]
    plain, telling = [], []
    for column in columns:
        if matches(column, fallback.number):
            plain.append(column)
        elif _is_sure(column, found := _possible(column, formats)):
            telling.append(found)
    if not telling:
        return fallback
    common = [each for each in formats if all(each in found for found in telling)]
    return next((each for each in common if all(matches(column, each.number) for column in plain)), fallback)


def in_other_formats(column: "pa.ChunkedArray") -> list[NumberFormat]:
    """Return the formats in which all values of a column are numbers, those that read the same only once.

    There is none for what are plain numbers.
    """
    if matches(column, PLAIN.number):
        return []
    found: dict[tuple[str, bool], NumberFormat] = {}
    for each in _possible(column, _OTHERS):
        found.setdefault((each.decimal, each.thousands is None), each)
    narrow = {decimal for decimal, alone in found if alone}
    return [each for (decimal, alone), each in found.items() if alone or decimal not in narrow]


def _possible(column: "pa.ChunkedArray", formats: Sequence[NumberFormat]) -> list[NumberFormat]:
    return [each for each in formats if matches(column, each.number)]


def _is_sure(column: "pa.ChunkedArray", found: list[NumberFormat]) -> bool:
    import pyarrow.compute as pc

    if len({each.decimal for each in found}) == 1:
        return True
    # Without a decimal in any value, it does not matter what would mark one.
    return bool(found) and not pc.any(pc.match_substring_regex(column, "[.,]")).as_py()
