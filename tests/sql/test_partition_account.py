"""The account of a partition, read from a real ledger and real predictions."""

import pandas as pd
import pytest

from daybreak.monitoring.partition_account import Account, partition_of, read_account
from daybreak.monitoring.reading import if_quick, reading
from daybreak.training.profiles import keep_profiles
from parcels import DAY, ROWS, SHORT_DAY, Parcels

from .conftest import break_weights


def account(parcels: Parcels, run: int | None = None, *, payloads: bool = True) -> Account:
    workspace, pipeline = parcels.workspace, parcels.pipeline
    return read_account(workspace.warehouse, pipeline, str(DAY), run, payloads=payloads)


def test_the_run_that_is_shown_is_accounted_for_row_by_row(parcels: Parcels) -> None:
    first = parcels.current()[0]
    break_weights(parcels, 12)
    second = parcels.run().plan.run_id
    found = account(parcels)
    assert found.run is not None
    assert (found.run["run_id"], found.run["rows_quarantined"], found.run["current"]) == (second, 12, True)
    assert [row["run_id"] for row in found.runs] == [second, first]
    assert [row["run_id"] for row in found.publications] == [second, first]
    weights = next(row for row in found.unmet if row["arguments"].get("column") == "weight_kg")
    assert (weights["severity"], weights["unexpected"]) == ("critical", 12)
    [reason] = found.reasons
    assert (reason["stage"], reason["rows"], reason["looked_at"]) == ("validate", 12, 12)
    assert sorted(found.examples) == reason["examples"]
    assert all(found.examples[row]["payload"]["weight_kg"] >= 1000 for row in reason["examples"])
    assert account(parcels, payloads=False).examples == {}
    assert account(parcels, first).run["run_id"] == first  # type: ignore[index]


def test_predictions_stand_beside_the_trainings_and_the_run_before(parcels: Parcels) -> None:
    trained = pd.Series(list(parcels.forecasts().values()))
    keep_profiles(parcels.workspace.warehouse, "parcel_hours", 1, {"predicted_hours": trained})
    assert account(parcels).spread.here == pytest.approx(account(parcels).spread.training)  # type: ignore[union-attr]
    parcels.execute("UPDATE parcels.handed_in SET distance_km = distance_km + 40 WHERE parcel_id % 2 = 0")
    parcels.run()
    found = account(parcels)
    assert found.spread is not None
    assert found.spread.looked_at == ROWS
    assert abs(sum(found.spread.training) - 1) < 1e-9
    assert 0.5 < sum(found.spread.here) <= 1 + 1e-9
    assert found.difference is not None
    assert (found.difference.looked_at, found.difference.came) == (ROWS, 0)
    assert 0 < found.difference.differ < ROWS
    assert found.difference.largest_change
    changed = "SELECT count(*) FROM predictions.parcel_hours_runs AS a JOIN predictions.parcel_hours_runs AS b "
    changed += (
        "USING (depot, parcel_id) WHERE a.run_id = %s AND b.run_id = %s AND a.predicted_hours <> b.predicted_hours"
    )
    runs = [row["run_id"] for row in found.publications]
    assert parcels.value(changed, *runs) == found.difference.differ


def test_every_way_into_quarantine_has_a_reason_that_tells_no_value(parcels: Parcels) -> None:
    told = (
        ("validate", "depot: entity key is null"),
        ("validate", "zone: no model for segment 'Ada's o'clock'"),
        ("validate", "zone: no model for segment 'moon'"),
        ("validate", "zone: null"),
        ("validate", "depot, parcel_id: entity key has 2,900 bytes, at most 2,672 can be kept"),
        ("validate", "zone: 51 characters, the table keeps 50"),
        ("validate", "zone: 1,200 characters, the table keeps 50"),
        ("score", "the model raised ValueError"),
        ("score", "predicted_hours: not a number from 0 to 500"),
    )
    for number, (stage, reason) in enumerate(told):
        parcels.execute(
            "INSERT INTO ledger.quarantine (run_id, row_number, stage, entity_key, reasons, payload) "
            f"SELECT run_id, {number}, '{stage}', '{{}}', ARRAY[$${reason}$$, 'weight_kg: a second reason'], '{{}}' "
            "FROM ledger.runs"
        )
    found = {(row["stage"], row["reason"]): row["rows"] for row in account(parcels, payloads=False).reasons}
    assert found == {
        ("validate", "depot: entity key is null"): 1,
        ("validate", "zone: no model for its segment"): 2,
        ("validate", "zone: null"): 1,
        ("validate", "depot, parcel_id: entity key has too many bytes, at most 2,672 can be kept"): 1,
        ("validate", "zone: too many characters, the table keeps 50"): 2,
        ("score", "the model raised ValueError"): 1,
        ("score", "predicted_hours: not a number from 0 to 500"): 1,
        ("validate", "weight_kg: a second reason"): 7,
        ("score", "weight_kg: a second reason"): 2,
    }


def test_predictions_above_all_that_training_saw_are_in_no_bin(parcels: Parcels) -> None:
    trained = pd.Series(list(parcels.forecasts().values()))
    keep_profiles(parcels.workspace.warehouse, "parcel_hours", 1, {"predicted_hours": trained})
    assert account(parcels).spread.outside == pytest.approx(0)  # type: ignore[union-attr]
    parcels.execute(
        f"UPDATE predictions.parcel_hours_runs SET predicted_hours = {trained.max() + 1} WHERE parcel_id % 4 = 0"
    )
    assert account(parcels).spread.outside == pytest.approx(0.25, abs=0.02)  # type: ignore[union-attr]


def test_an_airflow_run_leads_to_its_partition(parcels: Parcels) -> None:
    parcels.run_by_tasks(SHORT_DAY, origin="parcel_hours/manual__1+00:00")
    workspace = parcels.workspace
    asked = (workspace.warehouse, parcels.pipeline)
    assert partition_of(*asked, "parcel_hours/manual__1+00:00") == (str(SHORT_DAY), parcels.last_run()["run_id"])
    assert partition_of(*asked, "parcel_hours/{RUN_ID}") is None


def test_what_takes_too_long_is_left_out_and_the_rest_is_read(parcels: Parcels) -> None:
    with reading(parcels.workspace.warehouse) as connection:
        assert if_quick(connection, lambda: connection.exec_driver_sql("SELECT pg_sleep(3)").scalar()) is None
        assert if_quick(connection, lambda: connection.exec_driver_sql("SELECT 7").scalar()) == 7
        assert connection.exec_driver_sql("SELECT count(*) FROM ledger.runs").scalar() == 1
