"""A partition that is run again, in part or whole, streamed or task by task, has the same rows once."""

from dataclasses import asdict

import pytest

from daybreak.errors import PublicationRefused
from parcels import DAY, ROWS, Parcels

from .conftest import Way, break_weights


def test_a_retry_publishes_the_same_rows(parcels: Parcels, run: Way) -> None:
    before = parcels.forecasts()
    for attempt in (2, 3):
        run()
        assert parcels.forecasts() == before
        assert parcels.current() == [attempt]
        assert parcels.last_run()["attempt"] == attempt
    assert parcels.value("SELECT count(*) FROM predictions.parcel_hours") == ROWS


def test_one_stream_and_task_by_task_publish_identical_rows(parcels: Parcels) -> None:
    break_weights(parcels, 12)
    parcels.execute("UPDATE parcels.handed_in SET zone = 'moon' WHERE parcel_id IN (8001, 8399)")
    parcels.run()
    streamed, first = parcels.forecasts(), parcels.last_run()
    parcels.run_by_tasks()
    by_tasks, second = parcels.forecasts(), parcels.last_run()
    assert by_tasks == streamed
    same = ("rows_extracted", "rows_quarantined", "rows_failed", "rows_scored", "snapshot_digest", "query_digest")
    assert [second[name] for name in same] == [first[name] for name in same]
    assert first["rows_failed"] == 2
    kept = "SELECT row_number, stage, entity_key, reasons, payload FROM ledger.quarantine WHERE run_id = %s ORDER BY 1"
    assert parcels.rows(kept, second["run_id"]) == parcels.rows(kept, first["run_id"])


def test_a_cleared_run_is_a_new_attempt_with_the_same_rows(parcels: Parcels) -> None:
    before = parcels.forecasts()
    for _ in range(2):
        parcels.run_by_tasks(origin="parcel_hours/scheduled__2024-03-10")
    assert parcels.forecasts() == before
    attempts = "SELECT run_id, attempt, origin, state FROM ledger.runs WHERE origin IS NOT NULL ORDER BY run_id"
    origin = "parcel_hours/scheduled__2024-03-10"
    assert parcels.rows(attempts) == [(2, 2, origin, "published"), (3, 3, origin, "published")]
    assert parcels.current() == [3]


def test_every_task_run_twice_counts_once(parcels: Parcels) -> None:
    break_weights(parcels, 12)
    runner, origin = parcels.runner, "parcel_hours/a"
    plans = [parcels.plan(origin=origin) for _ in range(2)]
    plan = plans[0]
    assert plans[0] == plans[1]
    snapshots = [runner.extract(plan) for _ in range(2)]
    assert snapshots[0] == snapshots[1]
    assert [runner.validate(plan, snapshots[1]) for _ in range(2)] == [12, 12]
    counts = [runner.score(plan, snapshots[1]) for _ in range(2)]
    assert counts[0] == counts[1]
    published = [runner.publish(plan, counts[1]) for _ in range(2)]
    assert published[0] == published[1]
    assert len(parcels.forecasts()) == parcels.stored(plan.run_id) == 388
    assert parcels.value(f"SELECT count(*) FROM ledger.quarantine WHERE run_id = {plan.run_id}") == 12
    assert len(parcels.publications()) == 2


@pytest.mark.parametrize("task", ["extract", "validate", "score"])
def test_a_task_of_a_published_run_that_is_cleared_alone_changes_nothing(parcels: Parcels, task: str) -> None:
    break_weights(parcels, 12)
    runner = parcels.runner
    plan = parcels.plan(origin="parcel_hours/a")
    snapshot = runner.extract(plan)
    runner.validate(plan, snapshot)
    runner.publish(plan, runner.score(plan, snapshot))

    def everything() -> list[object]:
        tables = ("runs", "publications", "quarantine", "expectation_results")
        return [parcels.rows(f"SELECT * FROM ledger.{table} ORDER BY 1, 2") for table in tables] + [parcels.shown()]

    before = everything()
    parcels.execute(
        "UPDATE parcels.handed_in SET weight_kg = 1", "DELETE FROM parcels.handed_in WHERE parcel_id < 8007"
    )
    arguments = [plan] if task == "extract" else [plan, snapshot]
    with pytest.raises(PublicationRefused, match=r"^parcel_hours 2024-03-09: Run 2 is finished\. Next: "):
        getattr(runner, task)(*arguments)
    assert everything() == before


def test_a_dry_run_does_everything_but_publish(parcels: Parcels) -> None:
    break_weights(parcels, 12)
    before = parcels.shown(), parcels.publications()
    outcome = parcels.run(dry_run=True)
    assert outcome.publication is None
    assert asdict(outcome.counts) == {
        "rows_extracted": ROWS,
        "rows_quarantined": 12,
        "rows_failed": 0,
        "rows_scored": 388,
        "rows_kept": None,
    }
    run = parcels.last_run()
    assert (run["state"], run["rows_scored"]) == ("checked", 388)
    assert parcels.stored(run["run_id"]) == 0
    assert (parcels.shown(), parcels.publications()) == before


def test_a_failed_run_that_is_tried_again_is_published(parcels: Parcels) -> None:
    plan = parcels.plan(origin="parcel_hours/a")
    parcels.execute("ALTER TABLE parcels.handed_in RENAME TO gone")
    with pytest.raises(Exception, match="does not exist"):
        parcels.runner.extract(plan)
    assert parcels.last_run()["state"] == "failed"
    parcels.execute("ALTER TABLE parcels.gone RENAME TO handed_in")
    snapshot = parcels.runner.extract(plan)
    assert (parcels.last_run()["state"], parcels.last_run()["error"]) == ("running", None)
    parcels.runner.validate(plan, snapshot)
    assert parcels.runner.publish(plan, parcels.runner.score(plan, snapshot)).published
    assert parcels.current(DAY) == [plan.run_id]
