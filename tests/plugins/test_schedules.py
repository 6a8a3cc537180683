"""The schedule's keys are the local days that have just ended, over every change of the clocks."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest

from daybreak.declaration.partition import day_calendar
from local_days import days, local_day

# The clocks of the last six skip a midnight each spring, of Apia a whole day once.
SKIPPING = ["Africa/Cairo", "America/Santiago", "Asia/Beirut", "America/Havana", "Atlantic/Azores", "America/Asuncion"]
ZONES = ["America/New_York", "Europe/Berlin", "Asia/Tokyo", "Australia/Lord_Howe", "UTC", *SKIPPING]


@pytest.fixture
def in_zone() -> Callable[[str], Any]:
    """Return a function that makes a timetable as the scheduler has it: read again from what was written."""

    def make(timezone: str) -> Any:
        from daybreak_airflow.partition_timetable import PartitionTimetable
        from daybreak_airflow.schedules import daily

        return PartitionTimetable.deserialize(json.loads(json.dumps(daily(timezone).serialize())))

    return make


def ticks(timetable: Any, after: date, count: int, *, catchup: bool = True, latest: Any = None) -> list[Any]:
    """Return the next runs that the scheduler makes from a day on; it hands over pendulum's datetimes."""
    import pendulum
    from airflow.timetables.base import TimeRestriction

    earliest = pendulum.instance(datetime.combine(after, time(), ZoneInfo(timetable.calendar.timezone)))
    restriction = TimeRestriction(earliest=earliest, latest=latest, catchup=catchup)
    found: list[Any] = []
    while len(found) < count:
        found.append(
            timetable.next_dagrun_info_v2(last_dagrun_info=found[-1] if found else None, restriction=restriction)
        )
    return found


def keys_between(timetable: Any, earliest: datetime, latest: datetime) -> list[str]:
    import pendulum

    bounds = {"earliest": pendulum.instance(earliest), "latest": pendulum.instance(latest)}
    return [run.partition_key for run in timetable.iter_partition_dagrun_infos(**bounds)]


@pytest.mark.parametrize("timezone", ZONES)
def test_each_day_of_a_year_gets_one_run_when_it_is_over(timezone: str, in_zone: Callable[[str], Any]) -> None:
    runs = ticks(in_zone(timezone), date(2024, 1, 1), 366)
    assert [run.partition_key for run in runs] == [
        day.isoformat() for day in days(date(2024, 1, 1), date(2024, 12, 31))
    ]
    for run in runs:
        partition = local_day(date.fromisoformat(run.partition_key), timezone)
        assert run.run_after == partition.end
        assert run.partition_date == partition.start
        # What Airflow says in the key, the engine finds by itself from the time the run was due.
        assert day_calendar(timezone).resolve(None, as_of=run.run_after, now=run.run_after).key == run.partition_key


def test_a_backfill_has_each_day_once_around_every_change_of_the_clocks(in_zone: Callable[[str], Any]) -> None:
    year = [datetime(2024, 1, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in range(366)]
    for timezone in sorted(available_timezones() - {"Factory", "localtime"}):
        offsets = [noon.astimezone(ZoneInfo(timezone)).utcoffset() for noon in year]
        for n in [0, *(n for n in range(1, 366) if offsets[n] != offsets[n - 1])]:
            first, last = (noon.replace(hour=0) for noon in (year[n] - timedelta(days=3), year[n] + timedelta(days=3)))
            wanted = [day.isoformat() for day in days(first.date(), last.date())]
            assert keys_between(in_zone(timezone), first, last) == wanted, timezone


def test_a_day_that_a_zone_left_out_gets_no_run(in_zone: Callable[[str], Any]) -> None:
    apia = in_zone("Pacific/Apia")
    assert [run.partition_key for run in ticks(apia, date(2011, 12, 29), 2)] == ["2011-12-29", "2011-12-31"]
    assert keys_between(apia, datetime(2011, 12, 29, tzinfo=UTC), datetime(2011, 12, 31, tzinfo=UTC)) == [
        "2011-12-29",
        "2011-12-31",
    ]


@pytest.mark.parametrize(
    ("earliest", "latest"),
    [
        (datetime(2025, 10, 30, tzinfo=UTC), datetime(2025, 11, 2, tzinfo=UTC)),
        (datetime(2025, 10, 30, tzinfo=UTC), datetime(2025, 11, 2, 23, 59, 59, tzinfo=UTC)),
        # Midnights of the zone itself: the clocks change on 2 November.
        (datetime(2025, 10, 30, 4, tzinfo=UTC), datetime(2025, 11, 2, 4, tzinfo=UTC)),
    ],
)
def test_a_backfills_range_gives_exactly_its_days(
    earliest: datetime, latest: datetime, in_zone: Callable[[str], Any]
) -> None:
    found = keys_between(in_zone("America/New_York"), earliest, latest)
    assert found == ["2025-10-30", "2025-10-31", "2025-11-01", "2025-11-02"]


def test_a_single_day_can_be_backfilled_from_a_clock_of_any_zone(in_zone: Callable[[str], Any]) -> None:
    for hours in (0, 4):
        midnight = datetime(2025, 10, 30, hours, tzinfo=UTC)
        assert keys_between(in_zone("America/New_York"), midnight, midnight) == ["2025-10-30"]


def test_a_backfill_stops_at_the_last_day_that_is_over(in_zone: Callable[[str], Any]) -> None:
    now = datetime.now(UTC)
    tokyo = day_calendar("Asia/Tokyo")
    newest = tokyo.last_complete(now).key
    found = keys_between(in_zone("Asia/Tokyo"), now - timedelta(days=4), now + timedelta(days=9))
    assert found[-1] in (newest, tokyo.last_complete(datetime.now(UTC)).key)
    assert len(found) <= 4


def test_without_catchup_the_days_between_are_left_out(in_zone: Callable[[str], Any]) -> None:
    cairo = in_zone("Africa/Cairo")
    before = datetime.now(UTC)
    first, second = ticks(cairo, date(2024, 1, 1), 2, catchup=False)
    if (
        day_calendar("Africa/Cairo").last_complete(before).first_day
        == day_calendar("Africa/Cairo").last_complete(datetime.now(UTC)).first_day
    ):
        assert first.run_after > before
        assert (
            first.partition_key
            == (day_calendar("Africa/Cairo").last_complete(before).first_day + timedelta(days=1)).isoformat()
        )
    [old] = ticks(cairo, date(2024, 4, 24), 1)
    from airflow.timetables.base import TimeRestriction

    restriction = TimeRestriction(earliest=None, latest=None, catchup=False)
    again = cairo.next_dagrun_info_v2(last_dagrun_info=old, restriction=restriction)
    assert again.run_after <= datetime.now(UTC) < again.run_after + timedelta(hours=26)
    assert second.partition_key > first.partition_key


def test_a_dag_that_has_ended_gets_no_run(in_zone: Callable[[str], Any]) -> None:
    import pendulum

    ended = pendulum.datetime(2024, 1, 3)
    found = ticks(in_zone("UTC"), date(2024, 1, 1), 4, latest=ended)
    assert [run and run.partition_key for run in found] == ["2024-01-01", "2024-01-02", "2024-01-03", None]


@pytest.mark.parametrize("timezone", ["America/New_York", *SKIPPING])
def test_a_key_by_hand_means_the_same_day_as_the_schedules(timezone: str, in_zone: Callable[[str], Any]) -> None:
    for day in days(date(2025, 3, 1), date(2025, 11, 5)):
        assert in_zone(timezone).resolve_partition_date(day.isoformat()) == local_day(day, timezone).start


@pytest.mark.parametrize("key", ["2025-13-01", "20250101", "yesterday", "2011-12-30", "9999-12-31", "2025-01-01T00"])
def test_a_key_that_is_no_day_that_is_over_is_refused_in_our_words(key: str, in_zone: Callable[[str], Any]) -> None:
    from airflow.exceptions import InvalidPartitionKeyError

    with pytest.raises(InvalidPartitionKeyError, match=r"Next: (give|choose)"):
        in_zone("Pacific/Apia").resolve_partition_date(key)


def test_two_runs_of_a_day_have_two_names(in_zone: Callable[[str], Any]) -> None:
    import pendulum
    from airflow.utils.types import DagRunType

    due = pendulum.datetime(2025, 1, 2)
    names = {
        in_zone("UTC").generate_run_id(
            run_type=DagRunType.MANUAL, run_after=due, data_interval=None, partition_key="2025-01-01"
        )
        for _ in range(2)
    }
    assert len(names) == 2
    assert all(name.startswith("manual__2025-01-02T00:00:00+00:00__2025-01-01__") for name in names)


def test_retries_begin_after_seconds_and_end_after_minutes() -> None:
    from daybreak_airflow.schedules import RETRIES

    assert RETRIES["retry_delay"] <= timedelta(seconds=30)
    assert RETRIES["max_retry_delay"] >= timedelta(minutes=1)
