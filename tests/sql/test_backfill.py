"""Which days of a range a backfill runs, all or those that are missing or have failed, and what it says before."""

from datetime import UTC, date, datetime, timedelta

import pytest

from daybreak.declaration.partition import Partition
from daybreak.errors import DaybreakError
from daybreak.run.backfill import (
    FAILED,
    MISSING,
    choose_partitions,
    expected_seconds,
    leave_out,
    partitions_to_run,
    plan_backfill,
)
from parcels import DAY, LAST_DAY, SHORT_DAY, TRAINED_THROUGH, Parcels

NEXT = SHORT_DAY + timedelta(days=1)
RANGE = [DAY, SHORT_DAY, NEXT]


def wanted(parcels: Parcels) -> list[Partition]:
    return [parcels.pipeline.calendar.partition(str(day)) for day in RANGE]


def chosen(parcels: Parcels, *only: str) -> list[date]:
    found = choose_partitions(parcels.workspace, parcels.pipeline, wanted(parcels), only)
    return [one.partition.first_day for one in found]


def fail(parcels: Parcels, day: date) -> None:
    """Run a day against a source that holds nothing of it, and give it its rows back."""
    parcels.execute(
        "CREATE TABLE parcels.kept AS SELECT * FROM parcels.handed_in",
        "DELETE FROM parcels.handed_in",
    )
    with pytest.raises(DaybreakError):
        parcels.run(day)
    parcels.execute("INSERT INTO parcels.handed_in SELECT * FROM parcels.kept", "DROP TABLE parcels.kept")


def test_a_day_is_missing_until_something_of_it_is_current_and_failed_while_its_last_run_is(parcels: Parcels) -> None:
    assert chosen(parcels) == RANGE
    assert (chosen(parcels, MISSING), chosen(parcels, FAILED)) == ([SHORT_DAY, NEXT], [])
    fail(parcels, SHORT_DAY)
    fail(parcels, DAY)
    assert (chosen(parcels, MISSING), chosen(parcels, FAILED)) == ([SHORT_DAY, NEXT], [DAY, SHORT_DAY])
    assert chosen(parcels, MISSING, FAILED) == RANGE
    parcels.run(SHORT_DAY)
    parcels.run(DAY)
    assert (chosen(parcels, MISSING), chosen(parcels, FAILED)) == ([NEXT], [])


def test_a_dry_run_makes_no_day_less_missing_and_a_day_taken_back_is_not_missing(parcels: Parcels) -> None:
    parcels.run(SHORT_DAY, dry_run=True)
    assert chosen(parcels, MISSING) == [SHORT_DAY, NEXT]
    parcels.run(DAY)
    parcels.runner.publisher.roll_back(str(DAY))
    assert chosen(parcels, MISSING) == [SHORT_DAY, NEXT]


def test_a_day_that_was_sent_and_is_kept_nowhere_is_not_missing_when_a_later_run_fails(parcels: Parcels) -> None:
    parcels.run(SHORT_DAY)
    # As where predictions are pushed.
    parcels.execute("DELETE FROM ledger.publications", "UPDATE ledger.runs SET state = 'pushed'")
    fail(parcels, SHORT_DAY)
    assert (chosen(parcels, MISSING), chosen(parcels, FAILED)) == ([NEXT], [SHORT_DAY])


def test_the_plan_says_of_each_day_why_and_with_which_version_and_opens_no_run(parcels: Parcels) -> None:
    fail(parcels, SHORT_DAY)
    before = parcels.value("SELECT count(*) FROM ledger.runs")
    found = choose_partitions(parcels.workspace, parcels.pipeline, wanted(parcels), ())
    due = plan_backfill(parcels.workspace, parcels.pipeline, found, None, None)
    assert [(one.partition.key, one.model, one.refused) for one in due] == [(str(day), "1", False) for day in RANGE]
    assert due[0].why == "run 1 is current"
    assert due[1].why.startswith("run 2 failed: parcel_hours 2024-03-10: ")
    assert due[2].why == "never run"
    [refused] = plan_backfill(parcels.workspace, parcels.pipeline, found[:1], 99, None)
    assert refused.refused
    assert "has no version 99" in refused.model
    [as_of] = plan_backfill(parcels.workspace, parcels.pipeline, found[:1], None, "as_of")
    assert "had no champion at the end of the partition" in as_of.model
    assert parcels.value("SELECT count(*) FROM ledger.runs") == before


def test_how_long_it_takes_is_told_by_the_last_runs(parcels: Parcels) -> None:
    parcels.execute("UPDATE ledger.runs SET finished_at = started_at + interval '10 seconds'")
    assert expected_seconds(parcels.workspace, parcels.pipeline, 7) == 70
    assert expected_seconds(parcels.workspace, parcels.declared(name="parcel_minutes").pipeline, 7) is None


def test_days_to_run_are_those_since_the_first_that_was_published(parcels: Parcels) -> None:
    found = [one.partition.first_day for one in partitions_to_run(parcels.workspace, parcels.pipeline, {MISSING})]
    assert found[:2] == [SHORT_DAY, NEXT]
    assert min(found) > DAY > TRAINED_THROUGH
    assert partitions_to_run(parcels.workspace, parcels.declared(name="parcel_minutes").pipeline, {MISSING}) == []


def test_what_the_source_cannot_have_is_left_out_and_told_once_for_each_end(parcels: Parcels) -> None:
    calendar = parcels.pipeline.calendar
    ages = calendar.between(calendar.partition("2000-01-01"), calendar.partition("2026-01-01"))
    kept, told = leave_out(parcels.workspace, parcels.pipeline, ages)
    assert [kept[0].key, kept[-1].key] == ["2024-03-06", str(LAST_DAY)]
    assert [str(one).partition(" Next: ")[0] for one in told] == [
        "parcel_hours 2000-01-01 to 2024-03-05: 8,831 partitions are left out. "
        "The source begins on 2024-03-05 and 2 days of history are needed.",
        "parcel_hours 2024-03-13 to 2026-01-01: 660 partitions are left out. "
        "The source holds nothing of this day or a later one; its last day is 2024-03-12.",
    ]
    # One at either end gets a run of its own, which writes down why it was refused.
    few = calendar.between(calendar.partition("2024-03-05"), calendar.partition("2024-03-13"))
    assert leave_out(parcels.workspace, parcels.pipeline, few) == (few, [])


def test_what_is_not_over_is_left_out_whatever_the_source_says(parcels: Parcels) -> None:
    parcels.workspace.sql(parcels.pipeline, "coverage").unlink()
    calendar = parcels.pipeline.calendar
    to_come = calendar.between(calendar.partition(str(LAST_DAY)), calendar.partition("2060-01-01"))
    kept, [told] = leave_out(parcels.workspace, parcels.pipeline, to_come)
    assert kept[-1].end <= datetime.now(UTC) < calendar.after(kept[-1]).end
    assert "The day is not over in America/New_York." in str(told)
