"""Dated target: what is predicted of a table's column, as the column tells: an amount, a count or a probability."""

from dataclasses import dataclass
from typing import Literal

from daybreak.errors import SourceRefused
from daybreak.starting.dated_rows import DatedRows
from daybreak.starting.dated_table import BOOLEAN, NUMBERS, DatedTable
from daybreak.starting.proposals import proposed_range
from daybreak.starting.target_kinds import YES

Kind = Literal["amounts", "counts", "probability"]
# So few whole numbers may well be codes.
_FEW = 10


@dataclass(frozen=True)
class DatedTarget:
    """What is predicted: its kind, how a query gives it as a number, and the ranges of what was and is predicted."""

    kind: Kind
    value: str
    seen: str
    predicted: str
    positive: str | None = None


def told_target(table: DatedTable, rows: DatedRows, positive: str | None, asked: str | None) -> DatedTarget:
    """Tell from a target's values what is predicted; ``asked`` says amounts or counts where they leave it open."""
    name, is_number = table.target.name, table.target.type in NUMBERS
    if rows.distinct < 2:
        raise SourceRefused(
            f"{name} is {rows.least} in every row of {table.shown}; there is nothing to predict.",
            next_step="choose another `--target`.",
        )
    if rows.distinct == 2 and asked is None:
        return _probability(table, rows, positive)
    if positive is not None:
        raise SourceRefused(
            f"{name} has {rows.distinct:,} different values, of which none can be the positive one of two.",
            next_step="leave `--positive` out, or name a view with a target of two values.",
        )
    if not is_number:
        raise SourceRefused(
            f"{name} has {rows.distinct:,} different texts, and several classes are not predicted over time.",
            next_step="name a view whose target is a number, or one of two values: such as whether it is one of them.",
        )
    if rows.whole and rows.distinct < _FEW and asked is None:
        raise SourceRefused(
            f"{name} has {rows.distinct} different whole numbers, which may be codes or counts.",
            next_step="say `--measures counts` or `--measures amounts` where they are numbers; of codes name a view "
            "whose target is one of two values.",
        )
    return _number(table, rows, asked)


def _number(table: DatedTable, rows: DatedRows, asked: str | None) -> DatedTarget:
    low, high = float(rows.least), float(rows.greatest)
    if asked == "counts" and low < 0:
        raise SourceRefused(
            f"{table.target.name} is {rows.least} in some row, which is no count.",
            next_step="say `--measures amounts`.",
        )
    kind: Kind = "counts" if asked == "counts" or (asked is None and rows.whole and low >= 0) else "amounts"
    if rows.whole:
        low, high = int(low), int(high)
    seen = proposed_range(low, high)
    # A line through the past may lie below what was ever seen.
    predicted = seen if kind == "counts" else proposed_range(min(low, (low - high) / 2), max(high, (high - low) / 2))
    return DatedTarget(kind, f"{table.target.written}::double precision", seen, predicted)


def _probability(table: DatedTable, rows: DatedRows, positive: str | None) -> DatedTarget:
    named = [_text(rows.least), _text(rows.greatest)]
    if positive is not None and positive not in named:
        raise SourceRefused(
            f"{table.target.name} is never {positive!r}.", next_step=f"choose `--positive` from {', '.join(named)}."
        )
    rarer = next(value for value in named if value != _text(rows.frequent))
    chosen = positive or next((value for value in named if value.lower() in YES), rarer)
    written = table.target.written
    if table.target.type in (BOOLEAN, *NUMBERS):
        told = f"({written} = {chosen})"
    else:
        quote = chosen.replace("'", "''")
        told = f"({written}::text = '{quote}')"
    return DatedTarget("probability", f"{told}::integer::double precision", "(0, 1)", "(0, 1)", chosen)


def _text(value: object) -> str:
    text = str(value)
    return text.rstrip("0").rstrip(".") if "." in text and not isinstance(value, str) else text
