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
    assert len(found.examples) == 8
    assert account(parcels, payloads=False).examples == ()
    assert account(parcels, first).run["run_id"] == first  # type: ignore[index]


def test_predictions_stand_beside_the_trainings_and_the_run_before(parcels: Parcels) -> None:
    trained = pd.Series(list(parcels.forecasts().values()))
    keep_profiles(parcels.workspace.warehouse, "parcel_hours", 1, {"predicted_hours": trained})
    assert account(parcels).spread.predicted == pytest.approx(account(parcels).spread.training)  # type: ignore[union-attr]
    parcels.execute("UPDATE parcels.handed_in SET distance_km = distance_km + 40 WHERE parcel_id % 2 = 0")
    parcels.run()
    found = account(parcels)
    assert found.spread is not None
    assert found.spread.looked_at == ROWS
    assert abs(sum(found.spread.training) - 1) < 1e-9
    assert 0.5 < sum(found.spread.predicted) <= 1 + 1e-9
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
