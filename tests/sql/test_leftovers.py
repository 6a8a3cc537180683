"""What failed runs leave is removed by the next run of the partition, or by `daybreak sweep`; nothing else is."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from command_line import Captured, commands
from daybreak.errors import DaybreakError
from daybreak.run.leftovers import Leftover, remove_leftovers
from daybreak.run.plan import Plan
from daybreak.workspace import Workspace
from parcels import DAY, SHORT_DAY, Parcels


def scored(parcels: Parcels, origin: str | None = None, day: object = DAY) -> Plan:
    """Run a day as far as between copy and flip."""
    plan = parcels.plan(str(day), origin=origin)
    snapshot = parcels.runner.extract(plan)
    parcels.runner.validate(plan, snapshot)
    parcels.runner.score(plan, snapshot)
    part = folder(parcels, plan) / f"{uuid4().hex}.part"
    part.write_bytes(b"half a file")
    return plan


def died(parcels: Parcels, **how: object) -> Plan:
    plan = scored(parcels, **how)  # type: ignore[arg-type]
    parcels.workspace.ledger.fail(plan.run_id, "Killed. Next: run it again.")
    return plan


def folder(parcels: Parcels, plan: Plan) -> Path:
    return Path(parcels.runner.folder(plan).removeprefix("file://"))


def remove(parcels: Parcels, **how: object) -> list[Leftover]:
    settings = parcels.workspace.settings
    return remove_leftovers(parcels.workspace.warehouse, parcels.pipeline, settings.batches, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["run", "run_by_tasks"])
def test_the_next_run_of_the_partition_removes_what_a_dead_one_left(parcels: Parcels, way: str) -> None:
    plan = died(parcels)
    other = died(parcels, day=SHORT_DAY)
    assert (parcels.stored(plan.run_id), len(list(folder(parcels, plan).iterdir()))) == (400, 2)
    getattr(parcels, way)()
    assert (parcels.stored(plan.run_id), folder(parcels, plan).exists()) == (0, False)
    assert parcels.stored(other.run_id), "another partition's waits for its own"
    assert parcels.stored(1) == 400
    assert len(parcels.forecasts()) == 400


def test_what_was_published_or_is_being_written_stays(parcels: Parcels) -> None:
    def files() -> list[Path]:
        return sorted(path for path in Path(parcels.workspace.settings.batches[7:]).rglob("*") if path.is_file())

    parcels.run()
    parcels.runner.publisher.roll_back(str(DAY))
    planned, live = parcels.plan(), scored(parcels)
    tried_again = died(parcels, origin="parcel_hours/a")
    parcels.run(dry_run=True)
    before = files()
    tables = "SELECT run_id, count(*) FROM predictions.parcel_hours_runs GROUP BY 1 ORDER BY 1"
    stored = parcels.rows(tables)
    # A published run that failed afterwards, as one would that was cleared and broke.
    parcels.execute("UPDATE ledger.runs SET state = 'failed', error = 'x', rows_scored = NULL WHERE run_id < 3")
    assert remove(parcels) == []
    assert (files(), parcels.rows(tables)) == (before, stored)
    # A day later nobody tries a task again.
    parcels.execute(
        f"UPDATE ledger.runs SET finished_at = now() - interval '2 days' WHERE run_id = {tried_again.run_id}"
    )
    assert remove(parcels) == [Leftover("parcel_hours", str(DAY), tried_again.run_id, 400, 2)]
    assert parcels.stored(live.run_id) == 400
    assert parcels.runner.run(planned).publication is not None


def test_a_run_that_somebody_takes_up_again_is_left_alone(parcels: Parcels) -> None:
    plan = died(parcels)
    other = Workspace(parcels.workspace.settings)
    with other.warehouse.begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock(hashtextextended('run/{plan.run_id}', 0))")
        assert remove(parcels) == []
    with other.warehouse.begin() as connection:
        connection.exec_driver_sql(f"SELECT 1 FROM ledger.runs WHERE run_id = {plan.run_id} FOR UPDATE")
        assert remove(parcels) == []
    other.close()
    assert len(remove(parcels)) == 1


def test_what_we_did_not_make_stays(parcels: Parcels, tmp_path: Path) -> None:
    plan = died(parcels)
    (folder(parcels, plan) / "notes.txt").write_text("mine")
    (folder(parcels, plan) / f"{'0' * 64}.parquet").mkdir()
    # A key that is no day could lead anywhere.
    batches = Path(parcels.workspace.settings.batches[7:])
    with pytest.raises(DaybreakError):
        parcels.plan("../../../elsewhere")
    last = parcels.last_run()["run_id"]
    elsewhere = (batches / "parcel_hours" / "../../../elsewhere" / str(last)).resolve()
    elsewhere.mkdir(parents=True)
    (elsewhere / f"{'0' * 64}.parquet").write_text("mine")
    assert remove(parcels) == [Leftover("parcel_hours", str(DAY), plan.run_id, 400, 2)]
    assert sorted(path.name for path in folder(parcels, plan).iterdir()) == [f"{'0' * 64}.parquet", "notes.txt"]
    assert (elsewhere / f"{'0' * 64}.parquet").read_text() == "mine"


def test_sweep_lists_then_removes(parcels: Parcels, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    plan = died(parcels)
    other = Workspace(parcels.workspace.settings)
    Parcels(other).plan(SHORT_DAY)
    other.close()

    daybreak = commands(monkeypatch, capsys, parcels.workspace.settings)

    def called(*arguments: str) -> str:
        code, out, err = daybreak("sweep", *arguments)
        assert code == 0, out + err
        return out

    left = {"pipeline": "parcel_hours", "partition": str(DAY), "run_id": plan.run_id, "predictions": 400, "files": 2}
    told = json.loads(called("--dry-run", "--json"))
    assert told == {"closed": 0, "removed": False, "leftovers": [left]}
    assert parcels.stored(plan.run_id) == 400
    assert json.loads(called("parcel_hours", "--json")) == {"closed": 1, "removed": True, "leftovers": [left]}
    assert (parcels.stored(plan.run_id), folder(parcels, plan).exists()) == (0, False)
    assert called() == "Leftovers of failed runs, removed: none.\n"
