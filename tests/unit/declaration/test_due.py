"""Due: which partitions ought to be there at a moment, late since when, whether or not anything ever ran."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from daybreak.declaration.cadence import Cadence, Day, Hour, Month, Week
from daybreak.declaration.due import Due, due_at, next_promised, promised
from daybreak.declaration.partition import Calendar
from daybreak.errors import ConfigurationError
from fixture_pipelines import PARCEL_HOURS

NEW_YORK = "America/New_York"
SIX = time(6, 0)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "every", "key", "due", "expected"),
    [
        (NEW_YORK, Day(), "2026-01-15", SIX, "2026-01-16 11:00"),
        (NEW_YORK, Day(), "2026-07-15", SIX, "2026-07-16 10:00"),
        # The night that the clocks go on, and the one that they go back.
        (NEW_YORK, Day(), "2026-03-07", SIX, "2026-03-08 10:00"),
        (NEW_YORK, Day(), "2026-10-31", SIX, "2026-11-01 11:00"),
        (NEW_YORK, Day(), "2026-03-07", time(2, 30), "2026-03-08 07:30"),
        (NEW_YORK, Day(), "2026-10-31", time(1, 30), "2026-11-01 05:30"),
        # Midnight is not the instant that the day ends at, but a day later.
        (NEW_YORK, Day(), "2026-01-15", time(0, 0), "2026-01-17 05:00"),
        # Where the clocks skip midnight the day begins at one.
        ("Africa/Cairo", Day(), "2026-04-23", time(0, 30), "2026-04-23 22:30"),
        ("Pacific/Kiritimati", Day(), "2026-01-15", SIX, "2026-01-15 16:00"),
        (NEW_YORK, Week("sunday"), "2026-01-11", SIX, "2026-01-18 11:00"),
        (NEW_YORK, Month(), "2026-01", SIX, "2026-02-01 11:00"),
        (NEW_YORK, Day(), "2026-03-08", timedelta(hours=6), "2026-03-09 10:00"),
        (NEW_YORK, Hour(), "2026-01-15T09", timedelta(minutes=20), "2026-01-15 15:20"),
    ],
)
def test_due_is_told_in_the_pipelines_zone(zone: str, every: Cadence, key: str, due: Due, expected: str) -> None:
    assert due_at(due, Calendar(zone, every).partition(key)) == utc(expected)


def test_what_is_due_is_late_from_then_on_and_not_before() -> None:
    calendar, due = Calendar(NEW_YORK), utc("2026-01-16 11:00")
    for now, late in ((due - timedelta(seconds=1), None), (due, due), (due + timedelta(days=9), due)):
        found = next(p for p in promised(calendar, SIX, now, 20) if p.partition.key == "2026-01-15")
        assert found.late_since(now) == late


def test_the_last_partitions_end_with_the_one_that_is_over() -> None:
    found = promised(Calendar(NEW_YORK), SIX, utc("2026-01-16 05:00"), 3)
    assert [p.partition.key for p in found] == ["2026-01-13", "2026-01-14", "2026-01-15"]
    # One second earlier the day was not over.
    found = promised(Calendar(NEW_YORK), SIX, utc("2026-01-16 04:59:59"), 3)
    assert found[-1].partition.key == "2026-01-14"


def test_a_closed_day_is_never_late_and_the_last_open_one_is_always_among_them() -> None:
    calendar = Calendar(NEW_YORK, open_on=("monday", "tuesday", "wednesday", "thursday", "friday"))
    monday_night = utc("2026-01-19 10:00")  # 05:00 there: Sunday is over, Friday was the last open day
    found = promised(calendar, SIX, monday_night, 1)
    assert [(p.partition.key, p.is_open) for p in found] == [
        ("2026-01-16", True),
        ("2026-01-17", False),
        ("2026-01-18", False),
    ]
    assert [p.late_since(monday_night) is not None for p in found] == [True, False, False]


def test_what_has_no_due_is_never_late() -> None:
    [found] = promised(Calendar(NEW_YORK), None, utc("2026-01-16 12:00"), 1)
    assert found.late_since(utc("2030-01-01 00:00")) is None


def test_the_next_one_is_that_of_today_or_of_the_next_open_day() -> None:
    found = next_promised(Calendar(NEW_YORK), SIX, utc("2026-01-16 12:00"))
    assert (found.partition.key, found.due) == ("2026-01-16", utc("2026-01-17 11:00"))
    closed = next_promised(Calendar(NEW_YORK, open_on=("monday",)), SIX, utc("2026-01-16 12:00"))
    assert closed.partition.key == "2026-01-19"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"due": "06:00"}, "'06:00' as due, which is neither"),
        ({"due": 6}, "6 as due, which is neither"),
        ({"due": datetime(2026, 1, 1, 6)}, "as due, which is neither"),  # noqa: DTZ001
        ({"due": time(6, tzinfo=UTC)}, "a due time with a time zone of its own"),
        ({"due": time(6), "every": Hour()}, "a time of day by which each hour is due"),
        ({"due": timedelta(0)}, "a due that is not after the partition's end"),
        ({"due": timedelta(hours=-6)}, "a due that is not after the partition's end"),
        ({"due": timedelta(hours=1), "ready_after": timedelta(hours=2)}, "a due before its run starts"),
        ({"due": time(6), "ready_after": timedelta(hours=8)}, "a due before its run starts"),
    ],
)
def test_a_due_that_cannot_be_kept_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        replace(PARCEL_HOURS, **changes)
    assert problem in str(refused.value)


@pytest.mark.parametrize("due", [SIX, time(0), timedelta(hours=6), timedelta(days=3)])
def test_a_due_may_be_a_time_of_day_or_a_span(due: Due) -> None:
    assert replace(PARCEL_HOURS, due=due, ready_after=timedelta(hours=2)).due == due
