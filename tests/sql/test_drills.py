"""Drills on a real ledger: for each kind what makes it, one incident and its messages, and what mends it."""

import json
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from daybreak.declaration.pipeline import Retrain
from daybreak.errors import ExpectationsFailed, ScoringFailed, SourceNotLanded, SourceRefused
from daybreak.ledger.deliveries import Deliveries, Opened
from daybreak.models.aliases import Decision
from daybreak.monitoring.model_needs import TRAINED_WITHIN
from daybreak.monitoring.retraining import watch
from daybreak.training.profiles import keep_profiles
from daybreak.training.train import train
from drills import DUE, Drill, Watched
from parcels import DAY, SHORT_DAY, Parcels
from past_runs import repeat_run

# The rows of the day that is watched.
OF_THE_DAY = f"(handed_in_at AT TIME ZONE 'America/New_York')::date = '{SHORT_DAY}'"
FEATURES = ("weight_kg", "distance_km", "zone")
# The champion is from today: from then on a training may be asked for.
LATER = datetime.now(UTC) + timedelta(days=30)


@pytest.fixture
def watched(parcels: Parcels) -> Watched:
    return Watched(parcels.workspace).told_by()


@pytest.fixture
def measured(parcels: Parcels) -> Watched:
    """Declare thresholds and publish the day; the champion's profile is that of the day itself."""
    found = Watched(parcels.workspace, retrain=Retrain(features=FEATURES, days=2, error_ratio=1.5)).told_by()
    found.parcels.run(SHORT_DAY)
    rows = pd.read_parquet(found.parcels.last_run()["snapshot_uri"].removeprefix("file://"))
    run = found.parcels.last_run()["run_id"]
    query = "SELECT predicted_hours FROM predictions.parcel_hours_runs WHERE run_id = %s"
    predicted = pd.Series([hours for (hours,) in found.parcels.rows(query, run)])
    keep_profiles(
        parcels.workspace.warehouse, "parcel_hours", 1, rows[list(FEATURES)].assign(predicted_hours=predicted)
    )
    return found


def judge(watched: Watched, now: datetime | None = None) -> None:
    """Hold the day against the thresholds, as measuring does."""
    watch(watched.workspace, watched.pipeline, str(SHORT_DAY), now)


def measure(watched: Watched, day: date, rmse: float) -> None:
    [run] = watched.parcels.current(day)
    watched.parcels.execute(
        f"DELETE FROM ledger.performance WHERE partition_date = '{day}'",
        "INSERT INTO ledger.performance (pipeline, partition_key, partition_date, run_id, role, segment_by, segment, "
        "metric, model_name, model_version, value, rows, predictions, measured_at) VALUES ('parcel_hours', "
        f"'{day}', '{day}', {run}, 'champion', '', '(all)', 'rmse', 'parcel_hours', 1, {rmse}, 400, 400, now())",
    )


def test_drill_the_source_does_not_land(watched: Watched) -> None:
    parcels, origin = watched.parcels, "parcel_hours/one"
    parcels.execute("CREATE TABLE parcels.kept AS SELECT * FROM parcels.handed_in", "TRUNCATE parcels.handed_in")
    with pytest.raises(SourceNotLanded):
        parcels.plan(SHORT_DAY, origin=origin)
    # As it stands while there is still time to wait.
    waiting = json.dumps({"for": "The source holds no data."})
    parcels.execute(
        "UPDATE ledger.runs SET state = 'running', error = NULL, error_type = NULL, finished_at = NULL, "
        f"waiting = '{waiting}' WHERE origin = '{origin}'"
    )
    message = Drill(watched, "late", DUE).run(
        lambda: (
            parcels.execute("INSERT INTO parcels.handed_in SELECT * FROM parcels.kept"),
            parcels.run_by_tasks(SHORT_DAY, origin=origin),
        )
    )
    assert "and its source has not landed: The source holds no data." in message


def test_drill_no_run_was_created_for_a_day(watched: Watched) -> None:
    message = Drill(watched, "late", DUE + timedelta(days=1)).run(
        lambda: [watched.parcels.run(day) for day in (SHORT_DAY, SHORT_DAY + timedelta(days=1))]
    )
    assert message.startswith("No run was made for 2 partitions from 2024-03-10 on;")


def test_drill_half_of_the_rows_are_without_a_value(watched: Watched) -> None:
    parcels = watched.parcels
    run = parcels.run(SHORT_DAY).plan.run_id
    repeat_run(parcels.execute, run, 2, 60)
    value = "(handed_in_at AT TIME ZONE 'America/New_York')::date = '2024-03-10' AND parcel_id % 2 = 0"
    parcels.execute(f"CREATE TABLE parcels.kept AS SELECT * FROM parcels.handed_in WHERE {value}")
    parcels.execute(f"UPDATE parcels.handed_in SET pieces = NULL WHERE {value}")
    parcels.run(SHORT_DAY)
    message = Drill(watched, "nulls", DUE).run(
        lambda: (
            parcels.execute(f"DELETE FROM parcels.handed_in WHERE {value}"),
            parcels.execute("INSERT INTO parcels.handed_in SELECT * FROM parcels.kept"),
            parcels.run(SHORT_DAY),
        )
    )
    assert "column pieces 50.0%" in message


def test_drill_a_receiver_is_down(watched: Watched) -> None:
    watched.parcels.run(SHORT_DAY)
    run = watched.parcels.last_run()["run_id"]
    receipts = Deliveries(watched.workspace.warehouse, watched.pipeline.name, SHORT_DAY)
    receipts.open(run, 1, 1, "snapshot", [Opened("offers", n, f"secret-key-{n}", 50, "digest") for n in range(2)])
    message = Drill(watched, "open", DUE).run(
        lambda: watched.parcels.execute("UPDATE ledger.deliveries SET state = 'acknowledged', acknowledged_at = now()")
    )
    assert "2 chunks of 100 offers are not known to have arrived" in message
    assert "secret-key" not in message


def test_drill_an_approval_is_wanted(parcels: Parcels) -> None:
    # By when anything is due is not declared, so it is today.
    watched = Watched(parcels.workspace, due=None)
    model, now = watched.pipeline.single_ref, datetime.now(UTC)
    parcels.execute(
        "INSERT INTO ledger.approvals (pipeline, model_name, version, asked_by) "
        f"VALUES ('parcel_hours', '{model.name}', 2, 'promote_models/one')"
    )
    message = Drill(watched, "approval", now + timedelta(hours=3, minutes=1)).run(
        lambda: watched.workspace.aliases(model).refuse(2, Decision("rejected by a person"))
    )
    assert message.startswith(
        f"Version 2 of model '{model.name}' passed its checks and waits for a person since 3 hours."
    )


@pytest.mark.parametrize(
    ("change", "mend", "kind"),
    [
        # As much as half of the day's rows are too heavy.
        (
            "SET weight_kg = 1000 + parcel_id WHERE parcel_id % 2 = 0",
            "SET weight_kg = 1 WHERE weight_kg > 999",
            "expectation",
        ),
        ("SET distance_km = NULL WHERE true", "SET distance_km = 1 + parcel_id % 7 WHERE true", "failed"),
    ],
)
def test_drill_a_run_fails(watched: Watched, change: str, mend: str, kind: str) -> None:
    parcels = watched.parcels
    kept = "(handed_in_at AT TIME ZONE 'America/New_York')::date = '2024-03-10'"
    parcels.execute(f"UPDATE parcels.handed_in {change} AND {kept}")
    with pytest.raises((ExpectationsFailed, SourceRefused)) as failed:
        parcels.run(SHORT_DAY)
    message = Drill(watched, kind, DUE).run(
        lambda: (parcels.execute(f"UPDATE parcels.handed_in {mend} AND {kept}"), parcels.run(SHORT_DAY))
    )
    assert failed.value.next_step in message


def test_drill_a_model_raises(watched: Watched) -> None:
    parcels = watched.parcels
    parcels.execute("UPDATE parcels.handed_in SET zone = 'moon' WHERE zone = 'city' AND parcel_id >= 9000")
    with pytest.raises(ScoringFailed, match="moon"):
        parcels.run(SHORT_DAY)
    message = Drill(watched, "failed", DUE).run(
        lambda: (
            parcels.execute("UPDATE parcels.handed_in SET zone = 'city' WHERE zone = 'moon'"),
            parcels.run(SHORT_DAY),
        )
    )
    assert "5 rows could not be scored, 4 are allowed." in message
    assert "moon" not in message


def test_drill_drift(measured: Watched) -> None:
    parcels = measured.parcels
    parcels.execute(f"UPDATE parcels.handed_in SET distance_km = distance_km / 10 WHERE {OF_THE_DAY}")
    parcels.run(SHORT_DAY)
    judge(measured)
    message = Drill(measured, "drift", DUE).run(
        lambda: (
            parcels.execute(f"UPDATE parcels.handed_in SET distance_km = distance_km * 10 WHERE {OF_THE_DAY}"),
            parcels.run(SHORT_DAY),
            judge(measured),
        )
    )
    assert "distance_km is spread unlike in training" in message
    assert "no training is asked for" in message


def test_drill_the_error_is_above_that_of_training(measured: Watched) -> None:
    trained = measured.workspace.registry.resolve(measured.pipeline.single_ref).metrics["rmse"]
    for day in (DAY, SHORT_DAY):
        measure(measured, day, 2 * trained)
    judge(measured)
    message = Drill(measured, "error", DUE).run(
        lambda: ([measure(measured, day, trained) for day in (DAY, SHORT_DAY)], judge(measured))
    )
    assert "over 2 partitions, 2.00 times the" in message
    assert "no training is asked for" in message


def test_drill_no_version_comes_of_a_training_that_was_asked_for(measured: Watched) -> None:
    parcels = measured.parcels
    parcels.execute(f"UPDATE parcels.handed_in SET distance_km = distance_km / 10 WHERE {OF_THE_DAY}")
    parcels.run(SHORT_DAY)
    judge(measured, LATER)
    asked = f"TIMESTAMPTZ '{DUE - TRAINED_WITHIN}'"
    parcels.execute(f"UPDATE ledger.retraining_requests SET requested_at = {asked}")
    # The version that there is was registered before.
    parcels.execute(f"UPDATE ledger.trusted_versions SET recorded_at = {asked} - interval '1 day'")
    message = Drill(measured, "retraining", DUE, beside=("drift",)).run(
        lambda: train(measured.workspace, measured.pipeline, through=DAY)
    )
    assert message.startswith("A training was asked for 12 hours ago, and no version has come of it.")


def test_drill_the_source_has_changed(watched: Watched) -> None:
    parcels = watched.parcels
    parcels.workspace.sql(parcels.pipeline, "extract").with_name("changed.sql").write_text(
        "-- One row: the weight of the window's parcels.\nSELECT sum(weight_kg) AS kilograms FROM parcels.handed_in "
        "WHERE handed_in_at >= :start AND handed_in_at < :end\n"
    )
    parcels.run(SHORT_DAY)
    parcels.execute(f"UPDATE parcels.handed_in SET weight_kg = weight_kg + 1 WHERE {OF_THE_DAY} AND pieces = 2")
    message = Drill(watched, "outdated", DUE).run(lambda: parcels.run(SHORT_DAY))
    assert message.startswith(f"The source has changed since {SHORT_DAY} was made from it.")


def test_drill_a_disk_fills(watched: Watched) -> None:
    watched.parcels.run(SHORT_DAY)
    # Any disk is as full as this; mended it is where the settings allow more.
    message = Drill(watched, "storage", DUE, alerts_storage_percent=0.001).run(lambda: None)
    assert "GiB are left." in message


def test_drill_a_run_is_slow(watched: Watched) -> None:
    parcels = watched.parcels
    repeat_run(parcels.execute, parcels.run(SHORT_DAY).plan.run_id, 2, 60)
    parcels.run(SHORT_DAY)
    slow = {"extract": 3.5, "score": 600.0}
    parcels.execute(
        f"UPDATE ledger.runs SET seconds = '{json.dumps(slow)}' WHERE run_id = {parcels.last_run()['run_id']}"
    )
    message = Drill(watched, "slow", DUE).run(lambda: parcels.run(SHORT_DAY))
    assert message.startswith("It took 604 s, and ")


def test_drill_too_few_rows(watched: Watched) -> None:
    parcels = watched.parcels
    repeat_run(parcels.execute, parcels.run(SHORT_DAY).plan.run_id, 2, 60)
    parcels.execute(
        f"CREATE TABLE parcels.kept AS SELECT * FROM parcels.handed_in WHERE {OF_THE_DAY} AND parcel_id % 4 > 0",
        f"DELETE FROM parcels.handed_in WHERE {OF_THE_DAY} AND parcel_id % 4 > 0",
    )
    parcels.run(SHORT_DAY)
    message = Drill(watched, "rows", DUE).run(
        lambda: (parcels.execute("INSERT INTO parcels.handed_in SELECT * FROM parcels.kept"), parcels.run(SHORT_DAY))
    )
    assert message.startswith("100 rows came in, and 240 to 560 are usual.")


def test_drill_many_rows_are_in_quarantine(watched: Watched) -> None:
    parcels = watched.parcels
    repeat_run(parcels.execute, parcels.run(SHORT_DAY).plan.run_id, 2, 60)
    heavy = f"{OF_THE_DAY} AND parcel_id % 25 = 0"
    parcels.execute(f"UPDATE parcels.handed_in SET weight_kg = weight_kg + 1000 WHERE {heavy}")
    parcels.run(SHORT_DAY)
    message = Drill(watched, "quarantine", DUE).run(
        lambda: (
            parcels.execute(f"UPDATE parcels.handed_in SET weight_kg = weight_kg - 1000 WHERE {heavy}"),
            parcels.run(SHORT_DAY),
        )
    )
    assert message.startswith("16 of 400 rows are in quarantine: 4.0%, and 0.0% is usual.")


def test_drill_a_partition_is_not_pushed(watched: Watched) -> None:
    parcels = watched.parcels
    parcels.run(SHORT_DAY)
    run = parcels.last_run()["run_id"]
    # As a push leaves it that was too old: the parcels themselves are published.
    parcels.execute(
        f"UPDATE ledger.publications SET withdrawn_at = now() WHERE run_id = {run}",
        f"UPDATE ledger.runs SET state = 'not pushed', note = 'not pushed: too old' WHERE run_id = {run}",
    )
    message = Drill(watched, "not pushed", DUE).run(lambda: parcels.run(SHORT_DAY))
    assert message.startswith("It was not pushed: too old.")
