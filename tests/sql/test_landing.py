"""Whether the source has landed: what is waited for, since when and until when, and what is missing in its history."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from daybreak.declaration.files import Files
from daybreak.declaration.source_tables import EventTable
from daybreak.errors import ConfigurationError, PartitionRefused, SourceAwaited, SourceNotLanded
from daybreak.ledger.runs import Ledger
from daybreak.run.backfill import OUTDATED, choose_partitions
from daybreak.run.planning import Request, plan_run
from daybreak.training.past import source_last_day
from daybreak.workspace import Workspace
from parcels import DAY, LAST_DAY, Parcels

WEEK = ("tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "monday")
LOCAL = "(handed_in_at AT TIME ZONE 'America/New_York')::date"
LISTED = "SELECT DISTINCT (handed_in_at AT TIME ZONE :timezone)::date AS day FROM parcels.handed_in\n"


def yesterday(parcels: Parcels) -> date:
    return parcels.pipeline.calendar.last_complete(datetime.now(UTC)).first_day


def land(parcels: Parcels, day: date) -> None:
    """Have the source hold a day that it has not: its last one, once more."""
    parcels.execute(
        "INSERT INTO parcels.handed_in SELECT depot, parcel_id + 1000000, handed_in_at + "
        f"(date '{day}' - date '{LAST_DAY}') * interval '1 day', weight_kg, distance_km, pieces, zone, remark, "
        f"hours_taken FROM parcels.handed_in WHERE parcel_id / 1000 = {(LAST_DAY - date(2024, 3, 1)).days}"
    )


@pytest.fixture
def patient(parcels: Parcels) -> Parcels:
    """Declare that the source is waited for, for two days."""
    return parcels.declared(wait=timedelta(days=2), history_days=1)


def planned(parcels: Parcels, **request: Any) -> Any:
    asked = Request(str(yesterday(parcels)), wait=True, **request)
    return lambda pause=None: plan_run(parcels.workspace, parcels.pipeline, asked, pause)


def test_a_run_waits_for_its_source_and_goes_on_when_it_has_landed(patient: Parcels) -> None:
    day, told = yesterday(patient), []

    def pause(waiting: SourceAwaited) -> None:
        told.append(str(waiting))
        run = patient.last_run()
        assert (run["state"], run["waiting"]["for"]) == ("running", told[0].split(": ", 1)[1].split(" It is")[0])
        if len(told) == 2:
            land(patient, day)

    plan = planned(patient)(pause)
    assert plan.partition.first_day == day
    assert len(told) == 2
    assert told[0] == told[1], "since when it waits does not change"
    end = patient.pipeline.calendar.partition(str(day)).end + timedelta(days=2)
    assert f"until {end:%Y-%m-%d %H:%M} UTC" in told[0]
    run = patient.last_run()
    assert (run["state"], run["waiting"]) == ("running", None)


def test_what_the_source_says_of_itself_is_asked_when_it_has_landed(patient: Parcels) -> None:
    patient.workspace.sql(patient.pipeline, "extract").with_name("changed.sql").write_text(
        "SELECT count(*) AS parcels FROM parcels.handed_in WHERE handed_in_at >= :start AND handed_in_at < :end\n"
    )
    plan = planned(patient)(lambda waiting: land(patient, yesterday(patient)))
    rows = patient.runner.run(plan).counts.rows_extracted
    assert patient.last_run()["source_state"] == {"parcels": str(rows)}
    wanted = [plan.partition]
    assert choose_partitions(patient.workspace, patient.pipeline, wanted, {OUTDATED}) == []


def test_between_two_looks_of_airflow_the_run_stays_open_and_is_the_same(patient: Parcels) -> None:
    look = planned(patient, origin="parcel_hours/scheduled")
    with pytest.raises(SourceAwaited, match="nothing; the run goes on") as first:
        look()
    run = patient.last_run()
    assert (run["state"], run["waiting"]["until"]) == ("running", first.value.until.isoformat(timespec="seconds"))
    with pytest.raises(SourceAwaited) as second:
        look()
    assert str(second.value) == str(first.value)
    land(patient, yesterday(patient))
    assert look().run_id == run["run_id"]


def test_when_the_time_is_over_it_fails_and_says_since_when_it_waited(patient: Parcels) -> None:
    day = yesterday(patient)
    hasty = patient.declared(wait=timedelta(microseconds=1))
    with pytest.raises(SourceNotLanded, match=r"waited for since .* UTC"):
        planned(hasty)()
    assert (patient.last_run()["state"], patient.last_run()["waiting"]) == ("failed", None)
    with pytest.raises(SourceNotLanded, match="It was waited for since"):
        # Of a partition that is long over, and of a run again, the verdict comes at the first look.
        plan_run(patient.workspace, patient.pipeline, Request(str(LAST_DAY + timedelta(days=3)), wait=True))
    with pytest.raises(SourceNotLanded, match="`--wait`"):
        patient.run(day)


def test_a_run_without_a_key_is_that_of_the_newest_partition_that_is_ready(parcels: Parcels) -> None:
    later = parcels.declared(ready_after=timedelta(hours=6))
    end = later.pipeline.calendar.partition(str(DAY)).end
    for hours, day in ((5, DAY - timedelta(days=1)), (6, DAY)):
        plan = later.plan(None, as_of=end + timedelta(hours=hours), allow_leakage=True)
        assert plan.partition.first_day == day


def test_a_shop_that_is_closed_needs_nothing_of_its_closed_days(parcels: Parcels) -> None:
    sunday = date(2024, 3, 10)
    parcels.execute(
        "DELETE FROM parcels.handed_in WHERE (handed_in_at AT TIME ZONE 'America/New_York')::date >= '2024-03-10'"
    )
    with pytest.raises(SourceNotLanded):
        parcels.run(sunday)
    closed = parcels.declared(open_on=tuple(day for day in WEEK if day != "sunday"))
    plan = closed.plan(sunday)
    assert plan.partition.first_day == sunday
    with pytest.raises(SourceNotLanded):
        closed.run(date(2024, 3, 11))


@pytest.fixture(params=["listed by coverage.sql", "from the declaration"])
def listing(request: pytest.FixtureRequest, parcels: Parcels) -> Parcels:
    """Have the days listed, by the file or as follows from what is declared; the shop is closed on Mondays."""
    path = parcels.workspace.sql(parcels.pipeline, "coverage")
    path.unlink() if request.param == "from the declaration" else path.write_text(LISTED)
    reads = EventTable(table="parcels.handed_in", at="handed_in_at")
    return parcels.declared(history_days=4, reads=reads, open_on=tuple(day for day in WEEK if day != "monday"))


def test_a_hole_in_the_history_stops_the_run_and_is_written_down_where_it_may_be(listing: Parcels) -> None:
    listing.execute(
        "DELETE FROM parcels.handed_in WHERE (handed_in_at AT TIME ZONE 'America/New_York')::date = '2024-03-08'"
    )
    with pytest.raises(PartitionRefused, match=r"Of the 4 days .* 1 is missing .*\(2024-03-08\); at most 0 may be"):
        listing.run(date(2024, 3, 10))
    lenient = listing.declared(max_missing_days=1)
    lenient.run(date(2024, 3, 10))
    assert listing.last_run()["missing_days"] == [date(2024, 3, 8)]
    # Monday the 11th is none that could be missing, and Friday is out of its sight.
    listing.run(date(2024, 3, 12))
    assert listing.last_run()["missing_days"] == []


def test_a_training_knows_the_last_day_of_a_list_that_ends_with_the_partition(listing: Parcels) -> None:
    path = listing.workspace.sql(listing.pipeline, "coverage")
    if path.exists():
        path.write_text(f"SELECT day FROM (\n{LISTED}) AS landed\nWHERE day <= :last_day\n")
    assert source_last_day(listing.workspace, listing.pipeline) == LAST_DAY


def test_a_history_that_reaches_before_the_source_is_full_of_holes(listing: Parcels) -> None:
    with pytest.raises(PartitionRefused, match=r"1 is missing in the source \(2024-03-03\)"):
        listing.plan(date(2024, 3, 6))


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT 1 AS first_day", "gives int, not two days"),
        (
            "SELECT now()::timestamp AS first_day, now()::timestamp AS last_day",
            "gives datetime, datetime, not two days",
        ),
        ("SELECT current_date AS a, current_date AS b, 1 AS c", "gives date, date, int, not two days"),
        ("SELECT current_date AS a, current_date AS b UNION ALL SELECT NULL, NULL", "gives date, date in 2 rows"),
        ("SELECT NULL::date AS day", "gives NoneType, not two days"),
    ],
)
def test_what_tells_neither_a_range_nor_days_is_refused(parcels: Parcels, query: str, told: str) -> None:
    parcels.workspace.sql(parcels.pipeline, "coverage").write_text(query)
    with pytest.raises(ConfigurationError, match=told):
        parcels.run()


@pytest.mark.parametrize("query", ["SELECT current_date AS day LIMIT 0", "SELECT NULL::date AS a, NULL::date AS b"])
def test_a_source_that_holds_nothing_may_land_yet(patient: Parcels, query: str) -> None:
    patient.workspace.sql(patient.pipeline, "coverage").write_text(query)
    with pytest.raises(SourceAwaited, match="holds no data"):
        planned(patient)()


def test_instants_cover_a_day_from_its_first_one_on(parcels: Parcels) -> None:
    path = parcels.workspace.sql(parcels.pipeline, "coverage")
    path.write_text("SELECT min(handed_in_at) AS first_at, max(handed_in_at) AS last_at FROM parcels.handed_in")
    parcels.run(LAST_DAY)
    with pytest.raises(SourceNotLanded, match=r"its last row is of 2024-03-13 03:59 UTC"):
        parcels.run(LAST_DAY + timedelta(days=1))


def test_a_run_that_waits_is_closed_when_its_process_is_gone(patient: Parcels) -> None:
    with pytest.raises(SourceAwaited):
        planned(patient)()
    ledger = Ledger(patient.workspace.warehouse)
    assert ledger.sweep() == 1
    assert patient.last_run()["state"] == "failed"


def test_a_day_in_the_middle_without_a_file_has_not_landed_and_is_a_hole_for_the_days_after(
    parcels: Parcels, tmp_path: Path
) -> None:
    for n in (1, 2, 4, 5):
        (tmp_path / f"2024-03-{n:02}.csv").write_text("depot,parcel_id\nnorth,1\n")
    files = {"handed_in": Files("{day}.csv", columns={"depot": "text", "parcel_id": "bigint"})}
    parcels.workspace.sql(parcels.pipeline, "coverage").unlink()
    parcels.workspace.sql(parcels.pipeline, "extract").write_text("SELECT depot, parcel_id FROM handed_in\n")
    settings = parcels.workspace.settings.model_copy(update={"source": {"feed": SecretStr(f"duckdb://{tmp_path}")}})
    workspace = Workspace(settings)
    feed = replace(parcels.pipeline, source="feed", files=files)
    for day, kind, told in (
        ("2024-03-03", SourceNotLanded, "holds nothing of this day, though it holds later ones"),
        ("2024-03-04", PartitionRefused, "1 is missing in the source (2024-03-03)"),
        ("2024-03-06", SourceNotLanded, "its last day is 2024-03-05"),
    ):
        with pytest.raises(kind) as refused:
            plan_run(workspace, feed, Request(day))
        assert told in str(refused.value)
    workspace.close()
