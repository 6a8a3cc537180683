"""Promise 1: however a run starts, it is one calendar day of the pipeline's time zone, and that day is over."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from parcels import DAY, FIRST_DAY, LAST_DAY, ROWS, SHORT_DAY, Parcels

NEW_YORK = ZoneInfo("America/New_York")


def window(parcels: Parcels) -> tuple[datetime, datetime]:
    run = parcels.last_run()
    return run["window_start"], run["window_end"]


def test_every_row_of_the_source_falls_into_exactly_one_partition(parcels: Parcels) -> None:
    days = [FIRST_DAY + timedelta(days=n) for n in range(1, (LAST_DAY - FIRST_DAY).days + 1)]
    windows, seen = [], []
    for day in days:
        parcels.run(day, allow_leakage=True)
        windows.append(window(parcels))
        # The first parcel of a day is handed in at its first instant, the last one a microsecond before its end.
        seen += [(day, *key) for key in parcels.forecasts(day)]
    assert all(earlier[1] == later[0] for earlier, later in pairwise(windows)), "no gap and no overlap"
    expected = parcels.rows(
        "SELECT (handed_in_at AT TIME ZONE 'America/New_York')::date, depot, parcel_id FROM parcels.handed_in "
        "WHERE handed_in_at >= '2024-03-06 05:00+00'"
    )
    assert sorted(seen) == sorted(expected)
    assert len(seen) == ROWS * len(days)


def test_a_day_on_which_the_clocks_change_has_its_own_length(parcels: Parcels) -> None:
    parcels.run(SHORT_DAY)
    start, end = window(parcels)
    assert (start, end) == (datetime(2024, 3, 10, 5, tzinfo=UTC), datetime(2024, 3, 11, 4, tzinfo=UTC))
    assert len(parcels.forecasts(SHORT_DAY)) == ROWS


@pytest.mark.parametrize(
    "due",
    [
        datetime(2024, 3, 10, 0, 0, tzinfo=NEW_YORK),
        datetime(2024, 3, 10, 23, 59, 59, tzinfo=NEW_YORK),
        datetime(2024, 3, 10, 5, 0, tzinfo=UTC),
        datetime(2024, 3, 11, 3, 59, tzinfo=UTC),
    ],
)
def test_a_run_without_a_key_means_the_last_day_that_was_over_when_it_was_due(parcels: Parcels, due: datetime) -> None:
    plan = parcels.plan(None, as_of=due)
    assert plan.partition.first_day == DAY
    assert plan.partition.key == parcels.last_run()["partition_key"] == "2024-03-09"
    assert window(parcels) == (plan.partition.start, plan.partition.end)


@pytest.mark.parametrize("trigger", ["scheduled", "manual", "backfill", "asset", "command line", "replay"])
def test_every_trigger_gets_the_same_window(parcels: Parcels, trigger: str) -> None:
    parcels.plan(DAY, trigger=trigger)
    run = parcels.last_run()
    assert (run["trigger"], run["partition_date"], run["timezone"]) == (trigger, DAY, "America/New_York")
    assert window(parcels) == (datetime(2024, 3, 9, 5, tzinfo=UTC), datetime(2024, 3, 10, 5, tzinfo=UTC))


def test_another_time_zone_is_another_window(parcels: Parcels) -> None:
    parcels.declared(timezone="Asia/Tokyo").run(date(2024, 3, 9))
    assert window(parcels) == (datetime(2024, 3, 8, 15, tzinfo=UTC), datetime(2024, 3, 9, 15, tzinfo=UTC))
    shown = set(parcels.forecasts())
    source = parcels.rows(
        "SELECT depot, parcel_id FROM parcels.handed_in WHERE (handed_in_at AT TIME ZONE 'Asia/Tokyo')::date = %s", DAY
    )
    assert shown == set(source)
