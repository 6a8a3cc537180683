"""The schedule's keys are the local days that have just ended, over every change of the clocks."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from daybreak.declaration.partition import Partition, days, resolve_partition

ZONES = ["America/New_York", "Europe/Berlin", "Asia/Tokyo", "Australia/Lord_Howe", "UTC"]


def ticks(timezone: str, after: date, count: int) -> list[Any]:
    """Return the next runs that the scheduler makes after the run for a day."""
    import pendulum
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import TimeRestriction

    from daybreak_airflow.schedules import daily

    timetable = coerce_to_core_timetable(daily(timezone))
    earliest = pendulum.instance(datetime.combine(after, time(), ZoneInfo(timezone)))
    restriction = TimeRestriction(earliest=earliest, latest=None, catchup=True)
    found: list[Any] = []
    while len(found) < count:
        found.append(
            timetable.next_dagrun_info_v2(last_dagrun_info=found[-1] if found else None, restriction=restriction)
        )
    return found


@pytest.mark.parametrize("timezone", ZONES)
@pytest.mark.parametrize("around", [date(2026, 3, 6), date(2026, 3, 27), date(2026, 10, 23), date(2026, 10, 30)])
def test_each_midnight_gives_the_key_of_the_day_that_has_just_ended(timezone: str, around: date) -> None:
    runs = ticks(timezone, around, 8)
    keys = [run.partition_key for run in runs]
    assert keys == [day.isoformat() for day in days(date.fromisoformat(keys[0]), date.fromisoformat(keys[-1]))]
    for run in runs:
        partition = Partition(date.fromisoformat(run.partition_key), timezone)
        assert run.run_after == partition.end
        assert run.partition_date == partition.start


@pytest.mark.parametrize("timezone", ZONES)
def test_a_run_without_its_key_would_score_the_same_day(timezone: str) -> None:
    """What Airflow says in the key, the engine finds by itself from the time the run was due."""
    for run in ticks(timezone, date(2026, 10, 23), 12):
        resolved = resolve_partition(None, timezone, as_of=run.run_after, now=run.run_after)
        assert resolved.key == run.partition_key


def test_a_backfills_range_gives_exactly_its_days() -> None:
    from airflow.serialization.encoders import coerce_to_core_timetable

    from daybreak_airflow.schedules import daily

    timetable = coerce_to_core_timetable(daily("America/New_York"))
    # As the UI sends them: calendar dates as midnights in UTC. The clocks change on 1 November.
    runs = timetable.iter_partition_dagrun_infos(
        earliest=datetime(2026, 10, 30, tzinfo=UTC), latest=datetime(2026, 11, 2, tzinfo=UTC)
    )
    assert [run.partition_key for run in runs] == ["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02"]


def test_a_key_by_hand_means_the_same_day_as_the_schedules() -> None:
    from airflow.serialization.encoders import coerce_to_core_timetable

    from daybreak_airflow.schedules import daily

    timetable = coerce_to_core_timetable(daily("America/New_York"))
    for day in days(date(2026, 10, 30), date(2026, 11, 3)):
        assert timetable.resolve_partition_date(day.isoformat()) == Partition(day, "America/New_York").start


def test_retries_begin_after_seconds_and_end_after_minutes() -> None:
    from daybreak_airflow.schedules import RETRIES

    assert RETRIES["retry_delay"] <= timedelta(seconds=30)
    assert RETRIES["max_retry_delay"] >= timedelta(minutes=1)
