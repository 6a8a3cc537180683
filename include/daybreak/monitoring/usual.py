"""Usual: what a run of a pipeline is like, learned from those before it, and whether one is far from that.

Of partitions of the same weekday a band is their median and so many median absolute deviations, which half of them can
be wild without moving: the modified z-score of Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (1993), with
their bound of 3.5. The median of n values is itself off by some of their spread: the bound is wider by sqrt(1 + 1/n),
as for a prediction from n values. Until there are enough of the same weekday the band is all that was seen, of two
weeks or more. Where values hardly differ, what a person would not call unusual is within the band too, and of rows and
shares what counting so few makes of chance alone: six standard errors.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from daybreak.declaration.cadence import Day, Hour
from daybreak.declaration.partition import Partition
from daybreak.declaration.pipeline import Pipeline

# How many partitions of the same weekday say what is usual, and how many of any do until there are those.
ENOUGH, ENOUGH_OF_ANY = 6, 14
# How far is looked back: so many of the same weekday, and so many days of any.
_SAME, _ANY = 8, 28
_BOUND = 3.5
# What makes a deviation of values that are spread normally out of their median absolute one.
_SCALE = 1.4826

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Band:
    """From where to where values are usual, their median, and of how many values that was learned."""

    low: float
    high: float
    median: float
    count: int

    def holds(self, value: float) -> bool:
        """Whether a value is usual."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Measured:
    """What one run was like beside what is usual; without a band where too little is known.

    ``what`` is ``rows``, ``quarantined`` (a share of them) or ``seconds``; with a ``column`` it is ``nulls``, the share
    of rows without a value in it.
    """

    what: str
    value: float
    band: Band | None
    column: str | None = None

    @property
    def unusual(self) -> bool:
        """Whether it is outside of the band."""
        return self.band is not None and not self.band.holds(self.value)


def band_of(same: Sequence[float], others: Sequence[float], least: Callable[[float], float]) -> Band | None:
    """Return the band of values of the same weekday, or of any until there are enough; None of too few.

    ``least`` says of a median what is usual beside it in any case.
    """
    if len(same) >= ENOUGH:
        middle = median(same)
        spread = _SCALE * median(abs(value - middle) for value in same)
        width = max(_BOUND * spread * math.sqrt(1 + 1 / len(same)), least(middle))
        return Band(middle - width, middle + width, middle, len(same))
    if len(others) >= ENOUGH_OF_ANY:
        middle = median(others)
        width = least(middle)
        return Band(min(others) - width, max(others) + width, middle, len(others))
    return None


def before(pipeline: Pipeline, partition: Partition) -> tuple[list[str], list[str]]:
    """Return the keys of partitions before one, of the same weekday and of any; of hours those of the same hour.

    Weeks and months have no weekday: the same are those just before.
    """
    calendar = pipeline.calendar
    if not isinstance(pipeline.every, Day | Hour):
        found = [partition]
        for _ in range(_ANY):
            found.append(calendar.before(found[-1]))
        return [one.key for one in found[1 : _SAME + 1]], []
    # By the clock on the wall: a change of it moves no partition into another weekday or hour.
    middle = (partition.start + (partition.end - partition.start) / 2).astimezone(ZoneInfo(partition.timezone))

    def key(days: int) -> str:
        return calendar.at(middle - timedelta(days=days)).key

    return [key(7 * n) for n in range(1, _SAME + 1)], [key(n) for n in range(1, _ANY + 1)]


def measured(run: Row, same: Sequence[Row], others: Sequence[Row]) -> Iterator[Measured]:
    """Hold a run against those before it: its rows, the share of them in quarantine, its seconds, nulls by column."""
    if not run["rows_extracted"]:
        return

    def of(what: str, value: Callable[[Row], float | None], least: Callable[[float], float]) -> Iterator[Measured]:
        found = value(run)
        if found is not None:
            known = [[one for row in rows if (one := value(row)) is not None] for rows in (same, others)]
            yield Measured(what, found, band_of(known[0], known[1], least))

    yield from of("rows", lambda row: row["rows_extracted"], _least_rows)
    chance = _chance(run["rows_extracted"])
    yield from of("quarantined", _share("rows_quarantined"), lambda middle: max(2 * middle, 0.01, chance(middle)))
    yield from of("seconds", _seconds, lambda middle: max(2 * middle, 60))
    for column in sorted(run["nulls"] or {}):
        for one in of("nulls", _nulls(column), lambda middle: max(0.05, chance(middle))):
            yield Measured("nulls", one.value, one.band, column)


def _least_rows(middle: float) -> float:
    return max(0.4 * middle, 6 * math.sqrt(middle), 10)


def _chance(rows: int) -> Callable[[float], float]:
    """Return how far a share of so many rows is from what it is of by chance."""
    return lambda share: 6 * math.sqrt(max(share * (1 - share), 1 / rows) / rows)


def _share(name: str) -> Callable[[Row], float | None]:
    return lambda row: None if row[name] is None or not row["rows_extracted"] else row[name] / row["rows_extracted"]


def _seconds(row: Row) -> float | None:
    return sum(row["seconds"].values()) if row["seconds"] else None


def _nulls(column: str) -> Callable[[Row], float | None]:
    def share(row: Row) -> float | None:
        known = (row["nulls"] or {}).get(column)
        return None if known is None or not row["rows_extracted"] else known / row["rows_extracted"]

    return share
