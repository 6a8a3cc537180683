"""Dated target: what is predicted of a table's column, as the column tells: a number, a probability or classes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from daybreak.declaration.prediction import Label
from daybreak.errors import SourceRefused
from daybreak.starting.dated_rows import DatedRows
from daybreak.starting.dated_table import BOOLEAN, NUMBERS, DatedTable
from daybreak.starting.proposals import proposed_range
from daybreak.starting.target_kinds import YES, Kind, number_kind, predicted_range, told_classes


@dataclass(frozen=True)
class DatedTarget:
    """What is predicted: its kind, how a query gives it, and the ranges of what was and is predicted.

    A query gives it as a number, of several ``classes`` as a text; those that are ``rare`` are none of them.
    """

    kind: Kind
    value: str
    seen: str
    predicted: str
    positive: str | None = None
    classes: Mapping[Label, int] = field(default_factory=dict)
    rare: Mapping[Label, int] = field(default_factory=dict)


def told_target(table: DatedTable, rows: DatedRows, positive: str | None, asked: str | None) -> DatedTarget:
    """Tell from a target's values what is predicted; ``asked`` says amounts, counts or class where they leave it open.

    Raises SourceRefused.
    """
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
    if not is_number and asked in ("amounts", "counts"):
        raise SourceRefused(f"{name} is no number.", next_step="leave `--measures` out.")
    if is_number:
        kind = number_kind(name, rows.distinct, float(rows.least), asked, whole=rows.whole)
        if kind != "class":
            return _number(table, rows, kind)
    found = told_classes(name, *rows.classes)
    # A text of blanks is none.
    value = f"nullif(trim({table.target.written}::text), '')"
    return DatedTarget("class", value, "", "(0, 1)", classes=found.kept, rare=found.rare)


def _number(table: DatedTable, rows: DatedRows, kind: Kind) -> DatedTarget:
    low, high = float(rows.least), float(rows.greatest)
    if rows.whole:
        low, high = int(low), int(high)
    value = f"{table.target.written}::double precision"
    return DatedTarget(kind, value, proposed_range(low, high), predicted_range(kind, low, high))


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
