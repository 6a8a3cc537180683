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
    zone = ZoneInfo(timezone)
    day = parse_day(key) if key else as_of.astimezone(zone).date() - timedelta(days=1)
    last = now.astimezone(zone).date() - timedelta(days=1)
    if day > last:
        raise PartitionRefused(
            f"The day is not over in {timezone}.",
            next_step=f"choose {last.isoformat()} or an earlier day.",
            partition=day.isoformat(),
        )
    return Partition(day, timezone)


def days(first: date, last: date) -> list[date]:
    """List the days from first to last, both included."""
    if last < first:
        raise PartitionRefused(
            f"The range ends ({last}) before it begins ({first}).", next_step="give the earlier day first."
        )
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _midnight(day: date, timezone: str) -> datetime:
    # Where a clock change skips midnight, fold=0 reads it with the offset before the change: the day's first instant.
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(timezone)).astimezone(UTC)
