"""Hours, weeks and months: every instant lies in one partition, whatever the clocks do, and keys say which."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daybreak.declaration.cadence import Cadence, Day, Hour, Month, Week
from daybreak.declaration.partition import Calendar
from daybreak.errors import ConfigurationError, PartitionRefused

NOON = datetime(2026, 11, 18, 17, tzinfo=UTC)
NEW_YORK = "America/New_York"
ZONES = sorted(zone for zone in available_timezones() if "/" in zone)
# Of these the clocks skip midnight, repeat it, change by half an hour, or are half an hour off.
ODD = ["Africa/Cairo", "Asia/Beirut", "America/Havana", "Atlantic/Azores", "Australia/Lord_Howe", "Asia/Kolkata"]
CADENCES: list[Cadence] = [Hour(), Day(), Week(), Week("sunday"), Month()]

instants = st.datetimes(datetime(1972, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
zones = st.one_of(st.sampled_from(ODD), st.sampled_from(ZONES))


@given(instants, zones, st.sampled_from(CADENCES))
@example(datetime(2026, 4, 4, 14, 45, tzinfo=UTC), "Australia/Lord_Howe", Hour())
@example(datetime(2026, 10, 24, 20, 30, tzinfo=UTC), "Asia/Beirut", Hour())
@example(datetime(2011, 12, 30, 10, tzinfo=UTC), "Pacific/Apia", Week("friday"))
def test_an_instant_lies_in_one_partition_that_its_key_leads_back_to(
    instant: datetime, zone: str, every: Cadence
) -> None:
    calendar = Calendar(zone, every)
    found = calendar.at(instant)
    assert found.start <= instant < found.end
    assert calendar.partition(found.key) == found
    assert calendar.at(found.end - timedelta(microseconds=1)) == found
    before, after = calendar.before(found), calendar.after(found)
    assert (before.end, after.start) == (found.start, found.end)
    assert before.key < found.key < after.key


@given(instants, zones, st.sampled_from(CADENCES))
def test_the_last_complete_one_is_over_and_the_next_is_not(instant: datetime, zone: str, every: Cadence) -> None:
    calendar = Calendar(zone, every)
    found = calendar.last_complete(instant)
    assert found.end <= instant < calendar.after(found).end
    first = calendar.first_from(instant)
    assert calendar.before(first).start < instant <= first.start


def keys(zone: str, every: Cadence, first: str, last: str) -> list[str]:
    calendar = Calendar(zone, every)
    return [one.key for one in calendar.between(calendar.partition(first), calendar.partition(last))]


@pytest.mark.parametrize(
    ("zone", "between"),
    [
        (NEW_YORK, ["2026-11-01T00", "2026-11-01T01", "2026-11-01T01b", "2026-11-01T02"]),
        (NEW_YORK, ["2026-03-08T01", "2026-03-08T03"]),
        ("Australia/Lord_Howe", ["2026-04-05T01", "2026-04-05T0130b", "2026-04-05T02"]),
        ("Australia/Lord_Howe", ["2026-10-04T01", "2026-10-04T0230", "2026-10-04T03"]),
        ("Africa/Cairo", ["2026-04-23T23", "2026-04-24T01"]),
        ("Asia/Beirut", ["2026-10-24T23", "2026-10-24T23b", "2026-10-25T00"]),
        ("Asia/Kolkata", ["2026-10-24T23", "2026-10-25T00"]),
    ],
)
def test_hours_are_told_apart_where_the_clocks_change(zone: str, between: list[str]) -> None:
    assert keys(zone, Hour(), between[0], between[-1]) == between


def test_hours_begin_with_those_of_the_local_clock() -> None:
    start = Calendar("Asia/Kolkata", Hour()).partition("2026-10-25T09").start
    assert start == datetime(2026, 10, 25, 9, tzinfo=ZoneInfo("Asia/Kolkata"))


def test_a_day_has_the_hours_that_its_clocks_show() -> None:
    calendar = Calendar(NEW_YORK, Hour())
    for day, count in (("2026-03-08", 23), ("2026-11-01", 25), ("2026-06-01", 24)):
        whole = Calendar(NEW_YORK).partition(day)
        hours = calendar.between(calendar.at(whole.start), calendar.before(calendar.at(whole.end)))
        assert len(hours) == count
        assert {str(hour.first_day) for hour in hours} == {day}


def test_weeks_are_told_by_their_first_day_and_months_have_none() -> None:
    assert keys(NEW_YORK, Week("sunday"), "2026-10-18", "2026-11-01") == ["2026-10-18", "2026-10-25", "2026-11-01"]
    assert keys(NEW_YORK, Week(), "2026-12-28", "2027-01-04") == ["2026-12-28", "2027-01-04"]
    assert keys(NEW_YORK, Month(), "2026-11", "2027-02") == ["2026-11", "2026-12", "2027-01", "2027-02"]
    week = Calendar(NEW_YORK, Week("sunday")).partition("2026-11-01")
    assert week.end - week.start == timedelta(days=7, hours=1)
    assert (str(week.first_day), str(week.last_day)) == ("2026-11-01", "2026-11-07")


@pytest.mark.parametrize(
    ("every", "key", "told"),
    [
        (Hour(), "2026-03-08T02", "There was no such hour in America/New_York. Next: choose another hour"),
        (Hour(), "2026-06-01T01b", "There was no such hour"),
        (Hour(), "2026-06-01T0130", "No hour begins on 2026-06-01T0130. Next: choose 2026-06-01T01"),
        (Hour(), "2026-06-01", "is not a partition key. Next: give an hour as YYYY-MM-DDTHH"),
        (Hour(), "2026-06-01T25", "is not a partition key"),
        (Hour(), "2026-06-01T09:00", "is not a partition key"),
        (
            Week("sunday"),
            "2026-10-19",
            "No week begins on 2026-10-19. Next: choose 2026-10-18, the week",
        ),
        (Week(), "2026-W42", "is not a partition key"),
        (Month(), "2026-11-01", "is not a partition key. Next: give a month as YYYY-MM, for example 2026-10"),
        (Month(), "2026-13", "is not a partition key"),
        (Month(), "202611", "is not a partition key"),
        (Day(), "2026-11", "is not a partition key"),
    ],
)
def test_a_key_that_names_no_partition_is_refused_with_what_to_give(every: Cadence, key: str, told: str) -> None:
    with pytest.raises(PartitionRefused) as refused:
        Calendar(NEW_YORK, every).resolve(key, as_of=NOON, now=NOON)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("every", "key", "last"),
    [
        (Hour(), "2026-11-18T12", "2026-11-18T11"),
        (Week(), "2026-11-16", "2026-11-09"),
        (Month(), "2026-11", "2026-10"),
        (Month(), "9999-12", "2026-10"),
    ],
)
def test_one_that_is_not_over_is_refused_with_the_last_one_that_is(every: Cadence, key: str, last: str) -> None:
    with pytest.raises(PartitionRefused, match=f"not over in {NEW_YORK}.*choose {last} or an earlier {every.word}"):
        Calendar(NEW_YORK, every).resolve(key, as_of=NOON, now=NOON)


def test_a_week_starts_on_a_day_of_the_week() -> None:
    with pytest.raises(ConfigurationError, match="choose from monday"):
        Week("someday")  # type: ignore[arg-type]


def test_days_on_which_nothing_is_expected_are_left_out_unless_they_are_asked_for() -> None:
    shop = Calendar(NEW_YORK, Day(), ("monday", "tuesday", "wednesday", "thursday", "friday"))
    sunday = datetime(2026, 11, 22, 12, tzinfo=ZoneInfo(NEW_YORK))
    assert shop.resolve(None, as_of=sunday, now=sunday).key == "2026-11-20"
    assert shop.resolve("2026-11-21", as_of=sunday, now=sunday).key == "2026-11-21"
    assert shop.open_from(shop.partition("2026-11-21")).key == "2026-11-23"
    hours = Calendar(NEW_YORK, Hour(), shop.open_on)
    assert hours.resolve(None, as_of=sunday, now=sunday).key == "2026-11-20T23"
    weeks = Calendar(NEW_YORK, Week(), shop.open_on)
    assert weeks.last_open(sunday) == weeks.last_complete(sunday)
