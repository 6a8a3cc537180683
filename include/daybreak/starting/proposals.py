"""Proposals: which columns can be features, and what each of them must fulfil, going by the rows there are."""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daybreak.errors import SourceRefused
from daybreak.starting.csv_file import CsvFile

if TYPE_CHECKING:
    import pyarrow as pa

# A text with at most so many values, each short and met several times, is one of a list.
_VALUES, _LETTERS, _TIMES = 20, 40, 5
_WIDTH = 120


@dataclass
class Proposal:
    """Columns to select as features, why those that are left out are, and the lines of the row rules."""

    selected: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    ranges: list[str] = field(default_factory=list)
    values: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    may_be_empty: list[str] = field(default_factory=list)

    @property
    def reasons(self) -> dict[str, str]:
        """Why columns are left out, by column."""
        return {name: f"left out: {reason}" for name, reason in self.left_out.items()}

    @property
    def rules(self) -> list[str]:
        """The arguments of RowRules, a line each."""
        lines = []
        if self.ranges:
            lines += laid_out("ranges={", self.ranges, "},", 4).split("\n")
        if self.values:
            lines += ["values={", *(f"    {line}" for entry in self._lists() for line in entry.split("\n")), "},"]
        if self.texts:
            lines += laid_out("texts=[", list(map(literal, self.texts)), "],", 4).split("\n")
        if self.may_be_empty:
            lines += laid_out("may_be_empty=[", list(map(literal, self.may_be_empty)), "],", 4).split("\n")
        return lines

    def _lists(self) -> Iterator[str]:
        for values, columns in self.values.items():
            listed = list(map(literal, values))
            while columns:
                # As many columns of the same values as one line holds.
                few = next((n for n in range(len(columns), 1, -1) if len(_entry(columns[:n], listed)) <= 112), 1)
                entry, columns = _entry(columns[:few], listed), columns[few:]
                yield entry if len(entry) <= 112 else laid_out(entry.partition("[")[0] + "[", listed, "],", _WIDTH)


def _entry(columns: list[str], values: list[str]) -> str:
    names = ", ".join(map(literal, columns))
    return f"{names if len(columns) == 1 else f'({names})'}: [{', '.join(values)}],"


def propose(file: CsvFile, target: str) -> Proposal:
    """Go through the columns but key and target; refuse a file that leaves no feature."""
    proposal = Proposal()
    for name in file.rows.column_names:
        if name not in (*file.keys, target):
            _propose(proposal, name, file.rows[name])
    if not proposal.selected:
        raise SourceRefused(
            "No column can be a feature besides key and target: none is a number or a text with repeated values.",
            next_step="export further columns.",
        )
    return proposal


def _propose(proposal: Proposal, name: str, column: "pa.ChunkedArray") -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    filled = column.drop_null()
    if not len(filled):
        proposal.left_out[name] = "which is empty in every row"
        return
    if pa.types.is_temporal(column.type):
        proposal.left_out[name] = f"a time; make a number of it, such as :last_day - {name}::date"
        return
    if pa.types.is_string(column.type):
        distinct = sorted(pc.unique(filled).to_pylist()) if pc.count_distinct(filled).as_py() <= _VALUES else []
        if distinct and len(distinct) * _TIMES <= len(filled) and max(map(len, distinct)) <= _LETTERS:
            proposal.values.setdefault(tuple(distinct), []).append(name)
        elif pc.count_distinct(filled).as_py() * 2 > len(filled):
            proposal.left_out[name] = "a text that differs in most rows"
            return
        else:
            proposal.texts.append(name)
        proposal.selected.append(name)
    elif pa.types.is_boolean(column.type):
        proposal.selected.append(f"{name}::integer AS {name}")
        proposal.ranges.append(f'"{name}": (0, 1)')
    else:
        proposal.selected.append(name)
        proposal.ranges.append(f'"{name}": {_range(filled)}')
    if column.null_count:
        proposal.may_be_empty.append(name)


def _range(numbers: "pa.ChunkedArray") -> str:
    import pyarrow.compute as pc

    found = pc.min_max(numbers.filter(pc.is_finite(numbers))).as_py()
    return proposed_range(found["min"] or 0, found["max"] or 0)


def proposed_range(low: float, high: float) -> str:
    """Propose twice what was seen; a number that was never negative stays so, a flag stays one."""
    if low >= 0 and high <= 1:
        return "(0, 1)"
    return f"({literal(-_rounded(-2 * low)) if low < 0 else 0}, {literal(_rounded(2 * high)) if high > 0 else 0})"


def _rounded(number: float) -> float:
    """Round up to two digits, within what a number can be."""
    number = max(min(number, sys.float_info.max), 1e-300)
    digits = math.floor(math.log10(number)) - 1
    if digits >= 15:
        return float(number)
    step = 10.0**digits
    rounded = math.ceil(number / step) * step
    return round(rounded) if digits >= 0 else round(rounded, -digits)


def literal(value: str | float) -> str:
    """Write a value as the formatter would; letters that could be taken for others are escaped."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return f"{value:_}" if isinstance(value, int) else repr(value).replace("e+", "e")
    quote = "'" if '"' in value and "'" not in value else '"'
    escaped = value.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    plain = "".join(c if " " <= c <= "~" or ("À" <= c <= "ÿ" and c.isalpha()) else ascii(c)[1:-1] for c in escaped)
    return f"{quote}{plain}{quote}"


def laid_out(opening: str, items: list[str], closing: str, indent: int, room: int = _WIDTH) -> str:
    """Lay items out on one line where they fit, else on a line each."""
    line = f"{opening}{', '.join(items)}{closing}"
    if indent + len(line) < room:
        return line
    return "\n".join([opening, *(f"    {item}," for item in items), closing])
