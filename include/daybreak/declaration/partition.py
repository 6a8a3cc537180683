"""Partition and calendar: a stretch of a pipeline's own time, and every question about which there are.

The command line, the ledger, the queries and Airflow's timetable ask the calendar, and reckon nothing by themselves.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from daybreak.declaration.cadence import DAILY, WEEKDAYS, Cadence, Weekday, day_of, midnight
from daybreak.errors import PartitionRefused

# More is a slip of the keyboard.
_MOST_YEARS = 40
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, order=True)
class Partition:
    """One stretch of time ``[start, end)``, both in UTC. Keys of one calendar sort as their partitions do."""

    start: datetime
    end: datetime
    key: str = field(compare=False)
    timezone: str

    @property
    def first_day(self) -> date:
        """The local day that it begins in."""
        return day_of(self.start, ZoneInfo(self.timezone))

    @property
    def last_day(self) -> date:
        """The local day that its last instant lies in."""
        return day_of(self.end - _INSTANT, ZoneInfo(self.timezone))

    @property
    def last_complete_day(self) -> date:
        """The last local day that is over when it is."""
        return day_of(self.end, ZoneInfo(self.timezone)) - timedelta(days=1)

    @property
    def days(self) -> list[date]:
        """The local days that it lies in, a day that the calendar skipped among them."""
        first, last = self.first_day, self.last_day
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@dataclass(frozen=True)
class Calendar:
    """The partitions of a cadence in a time zone: each instant lies in one of them, and none is empty.

    ``open_on`` names the days of the week on which something is to be expected.
    """

    timezone: str
    every: Cadence = DAILY
    open_on: tuple[Weekday, ...] = WEEKDAYS

    def at(self, instant: datetime) -> Partition:
        """Return the partition that holds an instant."""
        start, end, key = self.every.span(instant, ZoneInfo(self.timezone))
        return Partition(start, end, key, self.timezone)

    def partition(self, key: str) -> Partition:
        """Return the partition of a key; raise PartitionRefused where there is none."""
        word = self.every.word
        try:
            begins = self.every.begins(key, ZoneInfo(self.timezone))
            found = None if begins is None else self.at(begins)
        except ValueError:
            begins = found = None
        except OverflowError:
            raise PartitionRefused(
                f"There was no such {word} in {self.timezone}.", next_step=f"choose another {word}.", partition=key
            ) from None
        if found is None or begins is None:
            one = f"{self.every.article} {word} as {self.every.key_format}, for example {self.every.example}"
            raise PartitionRefused(f"'{key}' is not a partition key.", next_step=f"give {one}.")
        if found.key == key:
            return found
        # What is no first day of its week lies in another one; an hour or a day that the clocks skipped lies nowhere.
        within = found.start < begins
        raise PartitionRefused(
            f"No {word} begins on {key}." if within else f"There was no such {word} in {self.timezone}.",
            next_step=f"choose {found.key}, the {word} that it lies in." if within else f"choose another {word}.",
            partition=key,
        )

    def after(self, partition: Partition) -> Partition:
        """Return the next partition that there was, or will be."""
        return self.at(partition.end)

    def before(self, partition: Partition) -> Partition:
        """Return the partition that ends where this one begins."""
        return self.at(partition.start - _INSTANT)

    def last_complete(self, instant: datetime) -> Partition:
        """Return the last partition that was over at an instant."""
        return self.before(self.at(instant))

    def first_from(self, instant: datetime) -> Partition:
        """Return the first partition that begins at an instant or after it."""
        found = self.at(instant)
        return found if found.start >= instant else self.after(found)

    def is_open_on(self, day: date) -> bool:
        """Tell whether something is to be expected on a day."""
        return WEEKDAYS[day.weekday()] in self.open_on

    def is_open(self, partition: Partition) -> bool:
        """Tell whether something is to be expected on any day of a partition."""
        return any(map(self.is_open_on, partition.days))

    def open_from(self, partition: Partition) -> Partition:
        """Return the partition, or the next one on which something is to be expected."""
        while not self.is_open(partition):
            partition = self.after(partition)
        return partition

    def last_open(self, instant: datetime) -> Partition:
        """Return the last partition that was over at an instant, of those on which something is to be expected."""
        found = self.last_complete(instant)
        while not self.is_open(found):
            found = self.before(found)
        return found

    def last_open_day(self, day: date) -> date:
        """Return the day, or the last one before it on which something is to be expected."""
        while not self.is_open_on(day):
            day -= timedelta(days=1)
        return day

    def between(self, first: Partition, last: Partition) -> list[Partition]:
        """List the partitions from first to last, both included; a range that nobody can have meant is refused."""
        if last < first:
            raise PartitionRefused(
                f"The range ends ({last.key}) before it begins ({first.key}).",
                next_step=f"give the earlier {self.every.word} first.",
            )
        if last.start - first.start > timedelta(days=366 * _MOST_YEARS):
            raise PartitionRefused(
                f"The range from {first.key} to {last.key} is longer than {_MOST_YEARS} years.",
                next_step="look at the years, or give it in parts.",
            )
        found = [first]
        while found[-1] < last:
            found.append(self.after(found[-1]))
        return found

    def open_between(self, first: Partition, last: Partition) -> list[Partition]:
        """List the partitions from first to last on which something is to be expected."""
        return [partition for partition in self.between(first, last) if self.is_open(partition)]

    def resolve(self, key: str | None, *, as_of: datetime, now: datetime | None = None) -> Partition:
        """Resolve a run to its one partition, however the run was started.

        Without a key it is the last complete one, of those on which something is to be expected, before ``as_of`` (the
        time the run was due, so that a retry after midnight means the same day). One that is not over at ``now`` is
        refused.
        """
        now = now or datetime.now(UTC)
        if key is None:
            found: Partition | None = self.last_open(as_of)
        else:
            found = None if self._begins_after(key, now) else self.partition(key)
        if found is None or found.end > now:
            raise PartitionRefused(
                f"The {self.every.word} is not over in {self.timezone}.",
                next_step=f"choose {self.last_complete(now).key} or an earlier {self.every.word}.",
                partition=found.key if found else key,
            )
        return found

    def _begins_after(self, key: str | None, now: datetime) -> bool:
        # The last day there is has no end: what is in the future is not looked at further.
        try:
            begins = None if key is None else self.every.begins(key, ZoneInfo(self.timezone))
        except (ValueError, OverflowError):
            return False
        return begins is not None and begins > now


def day_calendar(timezone: str) -> Calendar:
    """Return the calendar of days, which a training's past is told in whatever the cadence."""
    return Calendar(timezone)


def parse_day(day: str) -> date:
    """Read a calendar day, refusing anything but ``YYYY-MM-DD``."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", day, re.ASCII):
        try:
            return date.fromisoformat(day)
        except ValueError:
            pass
    raise PartitionRefused(f"'{day}' is not a day.", next_step="give it as YYYY-MM-DD, for example 2026-10-15.")


def start_of_day(day: date, timezone: str) -> datetime:
    """Return the first instant of a local day, in UTC."""
    return midnight(day, ZoneInfo(timezone))
