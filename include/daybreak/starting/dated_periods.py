"""Dated periods: which partition a row of a dated table tells of, and the ranges of time, as SQL writes them."""

from dataclasses import dataclass

from daybreak.declaration.cadence import WEEKDAYS, Cadence, Hour, Month, Week
from daybreak.starting.dated_table import DATE, INSTANT, TIMESTAMP, Column
from daybreak.starting.proposals import literal


@dataclass(frozen=True)
class Periods:
    """How the rows of a column of times fall into the partitions of a cadence.

    A row that is ``dated_first`` carries the first day of the week or month that it tells of: it tells of all of it.
    """

    every: Cadence
    time: Column
    dated_first: bool = False

    @property
    def local_day(self) -> str:
        """The local day of a row. A timestamp without time zone is told in the pipeline's own."""
        if self.time.type == DATE:
            return self.time.written
        if self.time.type == TIMESTAMP:
            return f"{self.time.written}::date"
        return f"({self.time.written} AT TIME ZONE :timezone)::date"

    @property
    def period(self) -> str:
        """The first day of the partition of a row; of an hour its first instant."""
        if isinstance(self.every, Hour):
            instant = self.time.written if self.time.type == INSTANT else f"{self.time.written} AT TIME ZONE :timezone"
            return f"date_trunc('hour', {instant}, :timezone)"
        day = self.local_day
        if self.dated_first:
            return day
        if isinstance(self.every, Week):
            first = WEEKDAYS.index(self.every.starts) + 1
            return f"{day} - (extract(isodow FROM {day})::integer + {7 - first}) % 7"
        return f"date_trunc('month', {day})::date" if isinstance(self.every, Month) else day

    def interval(self, periods: int) -> str:
        """So many partitions, as an interval."""
        number, unit = (periods * 7, "day") if isinstance(self.every, Week) else (periods, self.every.word)
        return f"interval '{number} {unit}{'' if number == 1 else 's'}'"

    def following(self, period: str) -> str:
        """The partition after one, as ``period`` writes it."""
        if isinstance(self.every, Hour):
            return f"{period} + {self.interval(1)}"
        if isinstance(self.every, Month):
            return f"({period} + {self.interval(1)})::date"
        return f"{period} + {7 if isinstance(self.every, Week) else 1}"

    def between(self, before: int, after: int) -> str:
        """Write that a row lies in the days of the query, or so many days before them, or partitions after them."""
        column = self.time.written
        if isinstance(self.every, Hour):
            first, last = f":start::timestamptz - interval '{before} days'", ":end::timestamptz"
            last += f" + {self.interval(after)}" if after else ""
            if self.time.type == TIMESTAMP:
                first, last = (f"({edge}) AT TIME ZONE :timezone" for edge in (first, last))
            return f"{column} >= {first} AND {column} < {last}"
        first = f":first_day::date - {before}" if before else ":first_day::date"
        return f"{column} >= {self._edge(first)} AND {column} < {self._edge(self._after(after))}"

    def next_only(self) -> str:
        """Write that a row lies in the partition after that of the query."""
        column = self.time.written
        if isinstance(self.every, Hour):
            first, last = ":end::timestamptz", f":end::timestamptz + {self.interval(1)}"
            if self.time.type == TIMESTAMP:
                first, last = (f"({edge}) AT TIME ZONE :timezone" for edge in (first, last))
            return f"{column} >= {first} AND {column} < {last}"
        return f"{column} >= {self._edge(self._after(0))} AND {column} < {self._edge(self._after(1))}"

    def _after(self, partitions: int) -> str:
        """Write the first day after the query's last one and so many partitions."""
        if isinstance(self.every, Month) and partitions:
            return f"(:last_day::date + 1 + {self.interval(partitions)})::date"
        return f":last_day::date + {1 + partitions * (7 if isinstance(self.every, Week) else 1)}"

    def _edge(self, day: str) -> str:
        """Write the first instant of a day in what the column is, so that an index on it serves."""
        if self.time.type == DATE:
            return day
        if self.time.type == TIMESTAMP:
            return f"({day})::timestamp"
        return f"(({day})::timestamp AT TIME ZONE :timezone)"

    @property
    def event_table(self) -> tuple[str, ...] | None:
        """The arguments by which a declaration's ``reads`` tells the same as coverage.sql; None where it cannot."""
        if self.time.type != DATE and self.dated_first:
            return None
        column = literal(self.time.name)
        if self.time.type == DATE:
            return (f"day={column}", *((f'per="{self.every.word}"',) if self.dated_first else ()))
        return (f"at={column}", *(("timezone=",) if self.time.type == TIMESTAMP else ()))

    @property
    def coverage(self) -> list[str]:
        """The columns of coverage.sql: the first and the last local day, of hours instant, that there are rows of."""
        column = self.time.written
        if isinstance(self.every, Hour):
            zone = " AT TIME ZONE :timezone" if self.time.type == TIMESTAMP else ""
            return [f"min({column}){zone} AS first_instant", f"max({column}){zone} AS last_instant"]
        first = self.local_day.replace(column, f"min({column})", 1)
        last = self.local_day.replace(column, f"max({column})", 1)
        if self.dated_first:
            is_week = isinstance(self.every, Week)
            last = f"{last} + 6" if is_week else f"({last} + {self.interval(1)} - interval '1 day')::date"
        return [f"{first} AS first_day", f"{last} AS last_day"]
