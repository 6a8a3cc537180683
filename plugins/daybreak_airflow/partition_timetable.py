"""Partition timetable: one run for each day of a calendar, on which every question is answered by the engine.

Airflow's own counts ticks of a cron: where local time has no midnight on the day that the clocks change, one day gets
no run and another two. Here a run is asked for by its day, and the day gives its instants.

Airflow hands in pendulum's datetimes, whose arithmetic loses the zone: they are turned into plain ones at the border.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pendulum
from airflow.exceptions import InvalidPartitionKeyError
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable

from daybreak.declaration.partition import Partition, day_after, day_of, last_complete_day, resolve_partition
from daybreak.errors import PartitionRefused

# What the form for a backfill and the command line send for a calendar day, whatever the zone of the DAG.
_CALENDAR_DATES = {(0, 0), (23, 59)}


class PartitionTimetable(Timetable):
    """Make a run for each day of a time zone when it is over: key YYYY-MM-DD, date the day's first instant."""

    partitioned = True
    run_ordering = ("partition_date", "run_after")

    def __init__(self, timezone: str) -> None:
        self.timezone = timezone
        self.description = f"Each day of {timezone}, when it is over"

    @property
    def summary(self) -> str:
        """What the list of DAGs shows."""
        return f"daily, {self.timezone}"

    def serialize(self) -> dict[str, Any]:
        """Return what the timetable is made of, as JSON."""
        return {"timezone": self.timezone}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> "PartitionTimetable":
        """Make a timetable from what ``serialize`` returned."""
        return cls(**data)

    def next_dagrun_info_v2(
        self, *, last_dagrun_info: DagRunInfo | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the run after the last one that the clock or a backfill made, or None where the DAG has ended.

        Without catchup the newest complete day is run next, not those between.
        """
        newest = last_complete_day(self.timezone, datetime.now(UTC))
        earliest = self._first_from(restriction.earliest) if restriction.earliest else None
        if last_dagrun_info and last_dagrun_info.partition_date:
            day = day_after(self._day(last_dagrun_info.partition_date), self.timezone)
            day = day if restriction.catchup else max(day, newest)
        elif restriction.catchup and earliest:
            day = earliest
        else:
            day = day_after(newest, self.timezone)
        day = max(day, earliest or day)
        partition = Partition(day, self.timezone)
        if restriction.latest and partition.start > _plain(restriction.latest):
            return None
        return _run(partition, due=partition.end)

    def iter_partition_dagrun_infos(self, *, earliest: datetime, latest: datetime) -> Iterator[DagRunInfo]:
        """Yield a run for each complete day that begins in ``[earliest, latest]``: those of a backfill."""
        first, last = (_plain(self.localize_partition_datetime(bound)) for bound in (earliest, latest))
        newest = last_complete_day(self.timezone, datetime.now(UTC))
        day = self._first_from(first)
        while day <= newest and (partition := Partition(day, self.timezone)).start <= last:
            yield _run(partition, due=partition.start)
            day = day_after(day, self.timezone)

    def localize_partition_datetime(self, dt: datetime) -> pendulum.DateTime:
        """Read a bound: midnight and a minute before it are those of our day, anything else is the instant it says."""
        bound = _plain(dt)
        if (bound.hour, bound.minute) not in _CALENDAR_DATES:
            return _pendulum(bound)
        day = Partition(bound.date(), self.timezone)
        return _pendulum(day.start if bound.hour == 0 else day.end - timedelta(microseconds=1))

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        """Return the interval of a run that was asked for with a logical date; nothing of ours reads it."""
        return DataInterval.exact(run_after)

    def generate_run_id(self, *, run_type: Any, run_after: pendulum.DateTime, **extra: Any) -> str:
        """Name a run after when it was due, its day, and something that no other run has."""
        from airflow.utils.strings import get_random_string

        parts: Iterable[str | None] = (run_after.isoformat(), extra.get("partition_key"), get_random_string())
        return str(run_type.generate_run_id(suffix="__".join(part for part in parts if part)))

    def _decode_partition_date(self, partition_key: str) -> datetime:
        try:
            partition = resolve_partition(partition_key, self.timezone, as_of=datetime.now(UTC))
        except PartitionRefused as error:
            raise InvalidPartitionKeyError(str(error)) from error
        return _pendulum(partition.start)

    def _day(self, instant: datetime) -> date:
        return day_of(_plain(instant), self.timezone)

    def _first_from(self, instant: datetime) -> date:
        day = self._day(instant)
        return day if Partition(day, self.timezone).start >= _plain(instant) else day_after(day, self.timezone)


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
