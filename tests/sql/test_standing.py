"""Standing, read from a real ledger: what is there, what is not, what is open, and in how many queries."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from command_line import commands
from daybreak.declaration.segments import ModelRef
from daybreak.errors import WarehouseUnavailable
from daybreak.ledger.deliveries import Deliveries, Opened
from daybreak.monitoring.in_words import state_in_words
from daybreak.monitoring.partition_standing import PartitionStanding
from daybreak.monitoring.standing import Standing, read_standing
from daybreak.run.backfill import OUTDATED, partitions_to_run
from daybreak.settings import Settings
from daybreak.warehouse.database import Warehouse
from fixture_pipelines import PARCEL_HOURS
from parcels import DAY, SHORT_DAY, Parcels
from ports import free_port

from .test_outdated import COUNTED

# The day after the one that is published; six in the morning has passed in New York.
MORNING = datetime(2024, 3, 10, 12, tzinfo=UTC)


def standing(parcels: Parcels, now: datetime = MORNING, **changes: Any) -> Standing:
    declared = [replace(PARCEL_HOURS, due=time(6), **changes)]
    return read_standing(parcels.workspace.warehouse, declared, now)


def partition(found: Standing, key: str | date) -> PartitionStanding:
    [one] = [one for one in found.pipelines[0].partitions if one.key == str(key)]
    return one


def test_what_is_published_is_there_with_its_counts_and_its_model(parcels: Parcels) -> None:
    found = standing(parcels)
    one, run = found.pipelines[0].expected, parcels.last_run()
    assert (one.key, one.state, one.current_run) == (str(DAY), "published", run["run_id"])
    assert (one.rows_in, one.rows_quarantined, one.rows_failed, one.rows_published) == (
        run["rows_extracted"],
        run["rows_quarantined"],
        run["rows_failed"],
        run["rows_scored"],
    )
    assert (one.model_version, one.trained_through) == (run["model_version"], run["trained_through"])
    assert found.quiet
    assert partition(found, DAY - timedelta(days=1)).state == "before"


def test_a_day_that_nothing_ever_ran_for_is_late_when_it_is_due(parcels: Parcels) -> None:
    eve = standing(parcels, datetime(2024, 3, 11, 9, 59, tzinfo=UTC))
    assert (partition(eve, SHORT_DAY).state, eve.quiet) == ("not due", True)
    found = standing(parcels, datetime(2024, 3, 11, 10, tzinfo=UTC))
    assert partition(found, SHORT_DAY).state == "late"
    assert [(need.kind, need.partition) for need in found.needs] == [("late", str(SHORT_DAY))]


def test_a_dry_run_publishes_nothing_and_is_no_excuse(parcels: Parcels) -> None:
    parcels.run(SHORT_DAY, dry_run=True)
    assert partition(standing(parcels, MORNING + timedelta(days=1)), SHORT_DAY).state == "late"


def test_a_rollback_shows_the_run_that_is_current_again(parcels: Parcels) -> None:
    first = parcels.current()[0]
    second = parcels.run().plan.run_id
    assert standing(parcels).pipelines[0].expected.current_run == second
    parcels.runner.publisher.roll_back(str(DAY))
    assert standing(parcels).pipelines[0].expected.current_run == first


def test_chunks_that_have_not_arrived_are_open(parcels: Parcels) -> None:
    run = parcels.last_run()["run_id"]
    receipts = Deliveries(parcels.workspace.warehouse, PARCEL_HOURS.name, DAY)
    receipts.open(run, 1, 1, "snapshot", [Opened("offers", n, f"key-{n}", 50, "digest") for n in range(2)])
    [opened] = standing(parcels).pipelines[0].open
    assert (opened.partition, opened.chunks, opened.items) == (str(DAY), 2, 100)
    [need] = standing(parcels).needs
    assert need.command == f"daybreak push parcel_hours {DAY} --resume"


def test_what_was_measured_stands_beside_what_training_measured(parcels: Parcels) -> None:
    parcels.execute(
        "INSERT INTO ledger.performance (pipeline, partition_key, partition_date, run_id, role, segment_by, segment, "
        "metric, model_name, model_version, value, rows, predictions, measured_at) "
        "SELECT pipeline, partition_key, partition_date, run_id, 'champion', '', '(all)', 'rmse', model_name, "
        "model_version, 2.5, 10, 10, now() FROM ledger.runs WHERE state = 'published'"
    )
    found = standing(parcels).pipelines[0].last_error
    assert found is not None
    trained = parcels.workspace.registry.resolve(PARCEL_HOURS.single_ref).metrics["rmse"]
    assert (found.metric, found.partition, found.value) == ("rmse", str(DAY), 2.5)
    assert found.trained == pytest.approx(trained)


def test_what_its_source_was_found_to_be_is_shown_without_asking_it(parcels: Parcels) -> None:
    parcels.workspace.sql(parcels.pipeline, "extract").with_name("changed.sql").write_text(COUNTED)
    parcels.run()

    def look() -> PartitionStanding:
        partitions_to_run(parcels.workspace, parcels.pipeline, {OUTDATED})
        return standing(parcels).pipelines[0].expected

    assert standing(parcels).pipelines[0].expected.source_looked_at is None
    first = look()
    assert (first.outdated, first.shown_as, first.source_looked_at is None) == (False, "published", False)
    parcels.execute("UPDATE parcels.handed_in SET weight_kg = weight_kg + 1")
    assert not standing(parcels).pipelines[0].expected.outdated, "nobody has looked since"
    second = look()
    assert (second.outdated, second.shown_as) == (True, "outdated")
    assert second.source_looked_at > first.source_looked_at  # type: ignore[operator]
    assert [need.kind for need in standing(parcels).needs] == ["outdated"]
    parcels.run()
    assert (standing(parcels).pipelines[0].expected.shown_as, standing(parcels).quiet) == ("published", True)


def test_what_nobody_has_begun_to_use_needs_nobody_until_it_has_a_model(parcels: Parcels) -> None:
    declared = [replace(PARCEL_HOURS, name="parcels_2", model=ModelRef("not_trained"), due=time(6))]
    found = read_standing(parcels.workspace.warehouse, declared, MORNING)
    assert (found.pipelines[0].used, found.pipelines[0].expected.state, found.quiet) == (False, "before", True)
    assert state_in_words(found.pipelines[0], found.pipelines[0].expected, MORNING) == "not used yet: no model, no run"
    parcels.execute("UPDATE ledger.trusted_versions SET model_name = 'not_trained'")
    begun = read_standing(parcels.workspace.warehouse, declared, MORNING)
    assert [(need.kind, need.partition) for need in begun.needs] == [("late", str(DAY))]


def test_the_number_of_queries_is_the_same_for_many_pipelines_and_partitions(parcels: Parcels) -> None:
    warehouse = parcels.workspace.warehouse
    sent: list[str] = []
    sa.event.listen(warehouse.engine, "before_cursor_execute", lambda *sending: sent.append(sending[2]))

    def queries(pipelines: int, count: int) -> int:
        sent.clear()
        declared = [replace(PARCEL_HOURS, name=f"parcels_{n}", due=time(6)) for n in range(pipelines)]
        read_standing(warehouse, declared, MORNING, count=count)
        return sum("FROM" in statement for statement in sent)

    assert queries(1, 1) == queries(20, 60) == 8


def test_a_database_that_is_away_is_said_as_that(parcels: Parcels) -> None:
    away = Warehouse(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    with pytest.raises(WarehouseUnavailable, match="Next: "):
        read_standing(away, [PARCEL_HOURS], MORNING)


def test_the_command_says_it_in_a_line_a_pipeline_and_in_its_exit_code(
    parcels: Parcels, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    daybreak = commands(monkeypatch, capsys, settings)
    # None of these pipelines declares by when it is due: that nothing ran for years needs nobody.
    code, out, err = daybreak("status")
    assert (code, err, "Nothing needs a person." in out) == (0, "", True)
    assert all(name in out for name in ("parcel_hours", "parcel_classes", "parcel_carriers"))
    yesterday = PARCEL_HOURS.calendar.last_complete(datetime.now(UTC)).first_day
    receipts = Deliveries(parcels.workspace.warehouse, PARCEL_HOURS.name, yesterday)
    receipts.open(parcels.last_run()["run_id"], 1, 1, "s", [Opened("offers", 0, "key", 50, "digest")])
    code, out, err = daybreak("status", "parcel_hours", "--json")
    told = json.loads(out)
    assert (code, err, told["quiet"]) == (1, "", False)
    assert told["pipelines"][0]["name"] == "parcel_hours"
    assert told["needs"][0]["command"] == f"daybreak push parcel_hours {yesterday} --resume"
    monkeypatch.setenv("DAYBREAK_WAREHOUSE_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    code, out, err = daybreak("status")
    assert (code, out) == (1, "")
    assert "Next: " in err
