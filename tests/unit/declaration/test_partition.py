"""Every way of starting a run leads to exactly one local day, never to an empty or shifted window."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybreak.declaration.partition import day_calendar, parse_day, start_of_day
from daybreak.errors import PartitionRefused

NEW_YORK = "America/New_York"
NOON = datetime(2026, 11, 18, 17, tzinfo=UTC)
ZONES = sorted(zone for zone in available_timezones() if "/" in zone)

instants = st.datetimes(datetime(1972, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
zones = st.sampled_from(ZONES)


def test_a_run_without_a_key_scores_the_day_before_it_was_due() -> None:
    assert day_calendar(NEW_YORK).resolve(None, as_of=NOON, now=NOON).key == "2026-11-17"


def test_a_key_wins_over_the_time_the_run_was_due() -> None:
    partition = day_calendar(NEW_YORK).resolve("2026-10-15", as_of=NOON, now=NOON)
    assert (partition.key, partition.start.isoformat(), partition.end.isoformat()) == (
        "2026-10-15",
        "2026-10-15T04:00:00+00:00",
        "2026-10-16T04:00:00+00:00",
    )


@pytest.mark.parametrize("late", [timedelta(0), timedelta(minutes=5), timedelta(hours=23, minutes=59)])
def test_the_run_after_midnight_scores_the_day_that_has_just_ended(late: timedelta) -> None:
    midnight = datetime(2026, 11, 18, 0, tzinfo=ZoneInfo(NEW_YORK))
    assert day_calendar(NEW_YORK).resolve(None, as_of=midnight, now=midnight + late).key == "2026-11-17"


def test_a_retry_after_the_next_midnight_keeps_the_day() -> None:
    due = datetime(2026, 11, 18, 4, 59, tzinfo=UTC)  # a minute to midnight in New York
    tries = [day_calendar(NEW_YORK).resolve(None, as_of=due, now=due + timedelta(hours=h)).key for h in (0, 1, 30)]
    assert tries == ["2026-11-16"] * 3


def test_the_day_is_the_one_of_the_pipelines_zone_not_of_the_server() -> None:
    instant = datetime(2026, 11, 18, 2, tzinfo=UTC)  # evening of the 17th in New York, morning of the 18th in Tokyo
    resolved = [day_calendar(zone).resolve(None, as_of=instant, now=instant).key for zone in (NEW_YORK, "Asia/Tokyo")]
    assert resolved == ["2026-11-16", "2026-11-17"]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-06-01", 24)])
def test_a_day_has_as_many_hours_as_its_clocks_show(day: str, hours: int) -> None:
    partition = day_calendar(NEW_YORK).resolve(day, as_of=NOON, now=NOON)
    assert partition.end - partition.start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("zone", "day"),
    [("America/Sao_Paulo", date(2018, 11, 4)), ("Africa/Cairo", date(2026, 4, 24)), ("Asia/Beirut", date(2026, 3, 29))],
)
def test_where_the_clocks_skip_midnight_the_day_begins_at_its_first_instant(zone: str, day: date) -> None:
    partition = day_calendar(zone).partition(day.isoformat())
    begins = partition.start.astimezone(ZoneInfo(zone))
    assert (begins.date(), begins.hour) == (day, 1)
    assert (partition.start - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date() == day - timedelta(days=1)
    assert partition.end - partition.start == timedelta(hours=23)


@pytest.mark.parametrize(
    "key", ["2026-11-18", "2026-11-19", "2027-01-01", "9999-12-31"], ids=["today", "tomorrow", "next year", "the last"]
)
def test_a_day_that_is_not_over_is_refused_with_the_last_one_that_is(key: str) -> None:
    with pytest.raises(PartitionRefused, match=r"not over in America/New_York.*choose 2026-11-17 or an earlier"):
        day_calendar(NEW_YORK).resolve(key, as_of=NOON, now=NOON)


def test_a_run_that_is_not_due_yet_is_refused() -> None:
    with pytest.raises(PartitionRefused, match="not over"):
        day_calendar(NEW_YORK).resolve(None, as_of=NOON + timedelta(days=2), now=NOON)


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        " 2026-10-15",
        "2026-10-15\n",
        "2026-1-5",
        "20261015",
        "2026-W42-4",
        "15.10.2026",
        "2026-02-30",
        "2026-13-01",
        "0000-01-01",
        "-2026-10-15",
        "2026-10-15T00:00:00",
        "\uff12\uff10\uff12\uff16-10-15",
        "\u0662\u0660\u0662\u0666-\u0661\u0660-\u0661\u0665",
        "yesterday",
        "2026-10-15; DROP TABLE ledger.runs",
    ],
)
def test_a_malformed_key_is_refused_and_shown(key: str) -> None:
    with pytest.raises(PartitionRefused, match="YYYY-MM-DD") as refused:
        day_calendar(NEW_YORK).resolve(key, as_of=NOON, now=NOON)
    assert f"'{key}'" in refused.value.problem
    assert "\n" not in str(refused.value)


def test_a_day_that_an_island_skipped_is_refused_and_never_the_default() -> None:
    with pytest.raises(PartitionRefused, match="no such day in Pacific/Apia"):
        day_calendar("Pacific/Apia").resolve("2011-12-30", as_of=NOON, now=NOON)
    after = datetime(2011, 12, 31, 12, tzinfo=ZoneInfo("Pacific/Apia"))
    assert day_calendar("Pacific/Apia").resolve(None, as_of=after, now=after).key == "2011-12-29"


def test_a_day_before_the_calendar_is_refused() -> None:
    with pytest.raises(PartitionRefused, match="no such day"):
        day_calendar("Asia/Tokyo").resolve("0001-01-01", as_of=NOON, now=NOON)


@given(instants, zones)
def test_any_instant_in_any_zone_leads_to_one_whole_local_day(instant: datetime, zone: str) -> None:
    partition = day_calendar(zone).resolve(None, as_of=instant, now=instant)
    assert partition.start < partition.end <= instant + timedelta(hours=1)  # an hour that some clocks show twice
    begins = partition.start.astimezone(ZoneInfo(zone))
    assert begins.date() == partition.first_day
    assert (partition.start - timedelta(minutes=1)).astimezone(ZoneInfo(zone)).date() < partition.first_day
    assert partition.end.astimezone(ZoneInfo(zone)).date() > partition.first_day


@given(st.dates(date(1972, 1, 1), date(2036, 12, 31)), zones)
def test_neighbouring_days_meet_without_gap_or_overlap(day: date, zone: str) -> None:
    calendar = day_calendar(zone)
    partition = calendar.at(start_of_day(day, zone))
    assert calendar.before(partition).end == partition.start < partition.end == calendar.after(partition).start


@given(st.dates(date(1972, 1, 1), date(2025, 12, 31)), zones)
def test_a_key_resolves_to_itself_or_is_refused(day: date, zone: str) -> None:
    try:
        partition = day_calendar(zone).resolve(day.isoformat(), as_of=NOON, now=NOON)
    except PartitionRefused:
        assert start_of_day(day, zone) == start_of_day(day + timedelta(days=1), zone)
    else:
        assert (partition.first_day, partition.key) == (day, day.isoformat())
        assert day_calendar(zone).last_complete(partition.end).first_day == day


@given(st.text(max_size=12))
def test_a_day_is_read_as_written_or_not_at_all(day: str) -> None:
    with suppress(PartitionRefused):
        assert parse_day(day).isoformat() == day


def test_a_range_has_both_its_ends_and_must_not_run_backwards() -> None:
    calendar = day_calendar(NEW_YORK)
    first, last = calendar.partition("2026-02-27"), calendar.partition("2026-03-01")
    assert [day.key for day in calendar.between(first, last)] == ["2026-02-27", "2026-02-28", "2026-03-01"]
    assert calendar.between(last, last) == [last]
    with pytest.raises(PartitionRefused, match="give the earlier day first"):
        calendar.between(last, first)


def test_a_range_that_nobody_can_have_meant_is_refused() -> None:
    calendar = day_calendar("UTC")
    first, last = calendar.partition("0100-01-01"), calendar.partition("2026-12-31")
    with pytest.raises(
        PartitionRefused, match=r"from 0100-01-01 to 2026-12-31 is longer than 40 years.*look at the years"
    ):
        calendar.between(first, last)
    assert len(calendar.between(calendar.partition("1987-01-01"), last)) == 14_610
