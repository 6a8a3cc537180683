"""Partition: one calendar day in a pipeline's own time zone."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from daybreak.errors import PartitionRefused

_KEY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, order=True)
class Partition:
    """One day ``[start, end)``; it has 23 or 25 hours where the clocks change."""

    day: date
    timezone: str

    @property
    def key(self) -> str:
        """The day as ``YYYY-MM-DD``, the partition key Airflow uses too."""
        return self.day.isoformat()

    @property
    def start(self) -> datetime:
        """First instant of the day, in UTC."""
        return _midnight(self.day, self.timezone)

    @property
    def end(self) -> datetime:
        """First instant of the next day, in UTC."""
        return _midnight(self.day + timedelta(days=1), self.timezone)


def parse_day(key: str) -> date:
    """Read a partition key, refusing anything but ``YYYY-MM-DD``."""
    if _KEY.fullmatch(key):
        try:
            return date.fromisoformat(key)
        except ValueError:
            pass
    raise PartitionRefused(
        f"'{key}' is not a partition key.", next_step="give a calendar day as YYYY-MM-DD, for example 2026-10-15."
    )


def resolve_partition(key: str | None, timezone: str, *, as_of: datetime, now: datetime | None = None) -> Partition:
    """Resolve a run to its one partition, however the run was started.

    Without a key it is the last complete day before ``as_of`` (the time the run was due, so that a retry after
    midnight means the same day). A day that is not over at ``now`` is refused.
    """
    now = now or datetime.now(UTC)
    day = last_complete_day(timezone, as_of) if key is None else parse_day(key)
    last = last_complete_day(timezone, now)
    if day > last:
        raise PartitionRefused(
            f"The day is not over in {timezone}.",
            next_step=f"choose {last.isoformat()} or an earlier day.",
            partition=day.isoformat(),
        )
    if not _happened(day, timezone):
        raise PartitionRefused(
            f"There was no such day in {timezone}.", next_step="choose another day.", partition=day.isoformat()
        )
    return Partition(day, timezone)


def last_complete_day(timezone: str, instant: datetime) -> date:
    """Return the last day that was over at the instant."""
    day = day_of(instant, timezone) - timedelta(days=1)
    while not _happened(day, timezone):
        day -= timedelta(days=1)
    return day


def day_of(instant: datetime, timezone: str) -> date:
    """Return the day whose window holds the instant."""
    day = instant.astimezone(ZoneInfo(timezone)).date()
    # Where the clocks were set back over midnight, the calendar's date goes back with them; windows do not.
    return day + timedelta(days=1) if _midnight(day + timedelta(days=1), timezone) <= instant else day


def day_after(day: date, timezone: str) -> date:
    """Return the next day that there was, or will be."""
    day += timedelta(days=1)
    while not _happened(day, timezone):
        day += timedelta(days=1)
    return day


def days(first: date, last: date) -> list[date]:
    """List the days from first to last, both included."""
    if last < first:
        raise PartitionRefused(
            f"The range ends ({last}) before it begins ({first}).", next_step="give the earlier day first."
        )
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _happened(day: date, timezone: str) -> bool:
    # Islands that moved across the date line skipped a whole day; before year 1 there is no calendar.
    try:
        return _midnight(day, timezone) < _midnight(day + timedelta(days=1), timezone)
    except OverflowError:
        return False


def _midnight(day: date, timezone: str) -> datetime:
    # Where a clock change skips midnight, fold=0 reads it with the offset before the change: the day's first instant.
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(timezone)).astimezone(UTC)
