"""Partition timetable: one run for each partition of a calendar, on which every question is answered by the engine.

Airflow's own counts ticks of a cron: where local time has no midnight on the day that the clocks change, one day gets
no run and another two. Here a run is asked for by its partition, and the partition gives its instants.

Airflow hands in pendulum's datetimes, whose arithmetic loses the zone: they are turned into plain ones at the border.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
from airflow.exceptions import InvalidPartitionKeyError
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable

from daybreak.declaration.cadence import CADENCES, DAILY, WEEKDAYS, Hour, Week
from daybreak.declaration.partition import Calendar, Partition, day_calendar
from daybreak.errors import PartitionRefused

# What the form for a backfill and the command line send for a calendar day, whatever the zone of the DAG.
_CALENDAR_DATES = {(0, 0), (23, 59)}


class PartitionTimetable(Timetable):
    """Make a run for each partition when it is over and ``ready_after`` has passed; its date is its first instant.

    A partition on which nothing is to be expected gets none.
    """

    partitioned = True
    run_ordering = ("partition_date", "run_after")

    def __init__(self, calendar: Calendar, ready_after: timedelta = timedelta(0)) -> None:
        self.calendar = calendar
        self.ready_after = ready_after
        after = f"{ready_after} after it is over" if ready_after else "when it is over"
        self.description = f"Each {calendar.every.word} of {calendar.timezone}, {after}"

    @property
    def summary(self) -> str:
        """What the list of DAGs shows."""
        return f"{self.calendar.every.adverb}, {self.calendar.timezone}"

    def serialize(self) -> dict[str, Any]:
        """Return what the timetable is made of, as JSON."""
        every = self.calendar.every
        return {
            "timezone": self.calendar.timezone,
            "every": every.word,
            "starts": every.starts if isinstance(every, Week) else None,
            "open_on": list(self.calendar.open_on),
            "ready_after": self.ready_after.total_seconds(),
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> "PartitionTimetable":
        """Make a timetable from what ``serialize`` returned."""
        # What was written before there were other cadences says the time zone alone.
        every = Week(data["starts"]) if data.get("starts") else CADENCES[data.get("every", DAILY.word)]
        calendar = Calendar(data["timezone"], every, tuple(data.get("open_on", WEEKDAYS)))
        return cls(calendar, timedelta(seconds=data.get("ready_after", 0)))

    def next_dagrun_info_v2(
        self, *, last_dagrun_info: DagRunInfo | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the run after the last one that the clock or a backfill made, or None where the DAG has ended.

        Without catchup the newest complete partition is run next, not those between.
        """
        calendar = self.calendar
        newest = calendar.last_complete(datetime.now(UTC) - self.ready_after)
        earliest = calendar.first_from(_plain(restriction.earliest)) if restriction.earliest else None
        if last_dagrun_info and last_dagrun_info.partition_date:
            found = calendar.after(calendar.at(_plain(last_dagrun_info.partition_date)))
            found = found if restriction.catchup else max(found, newest)
        elif restriction.catchup and earliest:
            found = earliest
        else:
            found = calendar.after(newest)
        found = calendar.open_from(max(found, earliest or found))
        if restriction.latest and found.start > _plain(restriction.latest):
            return None
        return _run(found, due=found.end + self.ready_after)

    def iter_partition_dagrun_infos(self, *, earliest: datetime, latest: datetime) -> Iterator[DagRunInfo]:
        """Yield a run for each complete partition that begins in ``[earliest, latest]``: those of a backfill."""
        first, last = (_plain(self.localize_partition_datetime(bound)) for bound in (earliest, latest))
        now = datetime.now(UTC)
        found = self.calendar.first_from(first)
        while found.end <= now and found.start <= last:
            if self.calendar.is_open(found):
                yield _run(found, due=found.start)
            found = self.calendar.after(found)

    def localize_partition_datetime(self, dt: datetime) -> pendulum.DateTime:
        """Read a bound: midnight and a minute before it are those of our day, anything else is the instant it says.

        Bounds of hours are read as our wall clock.
        """
        bound = _plain(dt)
        midnights = day_calendar(self.calendar.timezone)
        if isinstance(self.calendar.every, Hour) and (bound.hour, bound.minute) != (23, 59):
            return _pendulum(pendulum.instance(bound.replace(tzinfo=None), tz=self.calendar.timezone))
        if (bound.hour, bound.minute) not in _CALENDAR_DATES:
            return _pendulum(bound)
        try:
            day = midnights.partition(bound.date().isoformat())
        except PartitionRefused:  # a day that the calendar skipped, or its very ends
            return _pendulum(bound)
        return _pendulum(day.start if bound.hour == 0 else day.end - timedelta(microseconds=1))

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        """Return the interval of a run that was asked for with a logical date; nothing of ours reads it."""
        return DataInterval.exact(run_after)

    def generate_run_id(self, *, run_type: Any, run_after: pendulum.DateTime, **extra: Any) -> str:
        """Name a run after when it was due, its partition, and something that no other run has."""
        from airflow.utils.strings import get_random_string

        parts: Iterable[str | None] = (run_after.isoformat(), extra.get("partition_key"), get_random_string())
        return str(run_type.generate_run_id(suffix="__".join(part for part in parts if part)))

    def _decode_partition_date(self, partition_key: str) -> datetime:
        try:
            partition = self.calendar.resolve(partition_key, as_of=datetime.now(UTC))
        except PartitionRefused as error:
            raise InvalidPartitionKeyError(str(error)) from error
        return _pendulum(partition.start)


def _run(partition: Partition, *, due: datetime) -> DagRunInfo:
    return DagRunInfo(
        run_after=_pendulum(due),
        data_interval=None,
        partition_date=_pendulum(partition.start),
        partition_key=partition.key,
    )


def _plain(instant: datetime) -> datetime:
    return datetime.fromtimestamp(instant.timestamp(), UTC)


def _pendulum(instant: datetime) -> pendulum.DateTime:
    return pendulum.instance(instant.astimezone(UTC))
