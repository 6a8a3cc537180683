"""Source tables: what a pipeline's extract.sql reads, as far as other queries follow from it."""

from dataclasses import dataclass
from typing import Literal

from daybreak.errors import ConfigurationError


def _refuse_unqualified(table: str) -> None:
    if table.count(".") != 1 or not all(table.split(".")):
        raise ConfigurationError(f"'{table}' is no table.", next_step="name it as `schema.table`.")


@dataclass(frozen=True, kw_only=True)
class EventTable:
    """A table to which rows are added as things happen; it is named ``schema.table``, letter by letter.

    ``day`` is a column of dates, or ``at`` one of instants; ``timezone`` is the zone of an ``at`` without one. ``per``
    is what a row tells of: its day, or the week or month that begins with its ``day``. The source covers the days from
    its first to its last row.
    """

    table: str
    day: str | None = None
    at: str | None = None
    timezone: str | None = None
    per: Literal["day", "week", "month"] = "day"

    def __post_init__(self) -> None:
        _refuse_unqualified(self.table)
        if self.per not in ("day", "week", "month") or (self.per != "day" and self.day is None):
            raise ConfigurationError(
                f"{self.table} is declared with rows per {self.per}.",
                next_step='declare `per` as "day", "week" or "month", the latter two with a column of dates as `day`.',
            )
        if (self.day is None) == (self.at is None) or (self.timezone and self.at is None):
            raise ConfigurationError(
                f"{self.table} is declared with {'neither' if self.day is self.at else 'not just one of'} day and at.",
                next_step="name its column of dates as `day`, or that of instants as `at`, the latter with a "
                "`timezone` where it has none.",
            )


@dataclass(frozen=True, kw_only=True)
class StateTable:
    """A table that says how things stood at the end of some days; what was told last holds until something else is.

    It is named ``schema.table``, letter by letter. ``as_of`` is its column of those days. A partition reads what was
    told last by its end: the source covers the days from the first one on. Where the pipeline declares its ``target``
    as a column of the table, training.sql follows: each entity key whose target is known, by the newest row that tells
    it. With ``measures`` actuals.sql follows too: what was told since of those whose target was not known before.

    Where the rows to be scored and those whose target is known are in two tables, ``history`` is the latter, of the
    same key and ``as_of``: there training.sql is a file, and gives each entity key once.
    """

    table: str
    as_of: str = "as_of"
    history: str | None = None

    def __post_init__(self) -> None:
        _refuse_unqualified(self.table)
        if self.history is not None:
            _refuse_unqualified(self.history)

    @property
    def told(self) -> str:
        """The table that tells targets."""
        return self.history or self.table
