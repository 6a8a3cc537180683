"""Due: by when a partition is promised to be there, and which partitions ought to be at a moment.

It asks the calendar alone: a run that was never made is late all the same.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from daybreak.declaration.cadence import Cadence, Hour
from daybreak.declaration.partition import Calendar, Partition

Due = time | timedelta


@dataclass(frozen=True)
class Promised:
    """A partition that is over: whether something is to be expected of it, and by when, if that is declared."""

    partition: Partition
    is_open: bool
    due: datetime | None

    def late_since(self, now: datetime) -> datetime | None:
        """Return since when it is late if it is not there at ``now``; None where it is not to be there yet."""
        return self.due if self.is_open and self.due is not None and self.due <= now else None


def due_problem(due: object, every: Cadence, ready_after: timedelta) -> str | None:
    """Say what is wrong with a declared ``due``; None where nothing is."""
    if due is None:
        return None
    if not isinstance(due, time | timedelta):
        return f"{due!r:.50} as due, which is neither a time of day, time(6, 0), nor a timedelta after the partition"
    if isinstance(due, time):
        if due.tzinfo is not None:
            return "a due time with a time zone of its own: it is told in the pipeline's"
        if isinstance(every, Hour):
            return "a time of day by which each hour is due: say how long after its end, timedelta(minutes=30)"
        after = timedelta(hours=due.hour, minutes=due.minute, seconds=due.second) or timedelta(days=1)
    else:
        after = due
    if after <= timedelta(0):
        return "a due that is not after the partition's end"
    return "a due before its run starts, which is ready_after the partition's end" if after < ready_after else None


def due_at(due: Due, partition: Partition) -> datetime:
    """Return the instant, in UTC, by which a partition is due: of a time of day the first one after its end."""
    if isinstance(due, timedelta):
        return partition.end + due
    zone = ZoneInfo(partition.timezone)
    day = partition.end.astimezone(zone).date()
    # Midnight is the one that a whole day has passed at, not the one that the partition ends with.
    while (found := datetime.combine(day, due, zone).astimezone(UTC)) <= partition.end:
        day += timedelta(days=1)
    return found


def promised(calendar: Calendar, due: Due | None, now: datetime, count: int) -> list[Promised]:
    """Return the last ``count`` partitions that are over at ``now``, the oldest first, closed ones among them.

    The last one on which something is to be expected is among them, however long it is ago.
    """
    partition, expected = calendar.last_complete(now), calendar.last_open(now)
    found: list[Promised] = []
    while len(found) < count or partition >= expected:
        found.append(_promised(calendar, due, partition))
        partition = calendar.before(partition)
    return found[::-1]


def next_promised(calendar: Calendar, due: Due | None, now: datetime) -> Promised:
    """Return the first partition that is not over at ``now`` on which something is to be expected."""
    return _promised(calendar, due, calendar.open_from(calendar.at(now)))


def _promised(calendar: Calendar, due: Due | None, partition: Partition) -> Promised:
    return Promised(partition, calendar.is_open(partition), None if due is None else due_at(due, partition))
