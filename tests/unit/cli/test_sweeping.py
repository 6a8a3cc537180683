"""daybreak sweep: what failed runs have left is listed, and then removed."""

from collections.abc import Callable
from typing import Any

from command_line import Daybreak
from parcels import DAY, Parcels


def killed(parcels: Parcels) -> int:
    """Leave a run as a process that was killed between its rows and its end does."""
    parcels.execute(
        "INSERT INTO ledger.runs (pipeline, partition_key, partition_date, attempt, trigger) "
        f"VALUES ('parcel_hours', '{DAY}', '{DAY}', 9, 'command line')",
        "CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT * FROM predictions.parcel_hours_runs",
        "UPDATE copied SET run_id = (SELECT max(run_id) FROM ledger.runs)",
        "INSERT INTO predictions.parcel_hours_runs SELECT * FROM copied",
    )
    return int(parcels.value("SELECT max(run_id) FROM ledger.runs"))


def test_a_dry_run_closes_and_removes_nothing(printed: Callable[..., Any], parcels: Parcels) -> None:
    run = killed(parcels)
    assert printed("sweep", "--dry-run") == {"closed": 0, "removed": False, "leftovers": []}
    assert parcels.value("SELECT state FROM ledger.runs WHERE run_id = %s", run) == "running"
    parcels.workspace.ledger.fail(run, "killed")
    listed = printed("sweep", "parcel_hours", "--dry-run")
    assert [(left["run_id"], left["predictions"]) for left in listed["leftovers"]] == [(run, 400)]
    assert parcels.stored(run) == 400


def test_runs_are_closed_and_what_they_left_goes_and_nothing_else(daybreak: Daybreak, parcels: Parcels) -> None:
    run, shown = killed(parcels), parcels.forecasts()
    code, out, err = daybreak("sweep")
    assert (code, err) == (0, "")
    assert "1 run(s) whose process is gone were closed." in out
    assert "Leftovers of failed runs, removed" in out
    assert parcels.value("SELECT state FROM ledger.runs WHERE run_id = %s", run) == "failed"
    assert (parcels.stored(run), parcels.forecasts()) == (0, shown)
    assert daybreak("sweep")[1] == "Leftovers of failed runs, removed: none.\n"
