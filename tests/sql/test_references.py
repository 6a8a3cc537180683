"""What tasks hand each other is what the ledger recorded: another model, batch or count put there is refused."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from daybreak.batch.snapshot import Snapshot
from daybreak.errors import PublicationRefused, TransientError, WorkerRefused
from daybreak.ledger.runs import Counts
from daybreak.run.plan import Plan
from daybreak.run.runner import Runner
from models import constant, fitted
from parcels import DAY, Parcels, travelled

Reference = dict[str, Any]
Change = Callable[[Reference, Reference], object]
ORIGIN = "parcel_hours/a"


def put_model(plan: Reference, other: Reference) -> None:
    """Put another model's artifact there, and call it what the first one is called."""
    (((_, mine),), ((_, theirs),)) = plan["model"]["versions"], other["model"]["versions"]
    mine.update(uri=theirs["uri"], digest=theirs["digest"])


CHANGES: dict[str, Change] = {
    "another model": put_model,
    "another version": lambda plan, other: plan.update(model=other["model"]),
    "another signature": lambda plan, _: plan["model"]["versions"][0][1]["signature"]["columns"].pop(),
    "another day": lambda plan, other: plan.update(partition=other["partition"]),
    "another time zone": lambda plan, _: plan.update(timezone="UTC"),
    "another run": lambda plan, other: plan.update(run_id=other["run_id"]),
    "a dry run that is to be published": lambda plan, _: plan.update(hold="dry run"),
    "another upstream": lambda plan, _: plan.update(upstream_run_id=1),
    "a challenger": lambda plan, other: plan.update(shadow=other["model"]),
}


@pytest.fixture
def others(parcels: Parcels) -> tuple[Plan, Plan]:
    """Plan a run, and another one of another day with another model."""
    version = parcels.register(*fitted(parcels, constant(500)))
    other = parcels.plan(DAY + timedelta(days=1), origin="parcel_hours/b")
    parcels.promote(1)
    assert other.model.version == version.version
    return parcels.plan(origin=ORIGIN), other


def test_a_plan_that_is_not_the_one_that_was_made_is_refused_by_every_stage(
    parcels: Parcels, others: tuple[Plan, Plan]
) -> None:
    before, states = parcels.shown(), "SELECT run_id, state, rows_extracted FROM ledger.runs ORDER BY run_id"
    ledger, snapshot = parcels.rows(states), Snapshot("file:///nowhere", 400, "0" * 64)
    runner = Runner(parcels.workspace, parcels.pipeline)
    for what, change in CHANGES.items():
        plan, other = (travelled(made.to_json()) for made in others)
        change(plan, other)
        changed = Plan.from_json(plan)
        stages: dict[str, Callable[[], object]] = {
            "extract": partial(runner.extract, changed),
            "validate": partial(runner.validate, changed, snapshot),
            "score": partial(runner.score, changed, snapshot),
            "publish": partial(runner.publish, changed, Counts(400, 0, 0, 400)),
            "the stream": partial(runner.run, changed),
        }
        if changed.shadow:
            stages["shadow"] = partial(runner.shadow, changed, snapshot)
        for name, stage in stages.items():
            with pytest.raises(PublicationRefused, match=r"^parcel_hours .* that was made \(.*clear the") as caught:
                stage()
            assert "is not the one" in str(caught.value), f"{what} in {name}"
    assert parcels.shown() == before
    assert parcels.rows(states) == ledger, "a plan that was made up closes no run"
    assert Runner(parcels.workspace, parcels.pipeline).run(others[0]).publication is not None


def test_what_differs_is_named(parcels: Parcels, others: tuple[Plan, Plan]) -> None:
    plan, other = others
    with pytest.raises(PublicationRefused, match=r"\(model version 2 instead of 1, model digest \w+ instead of \w+\)"):
        parcels.runner.extract(replace(plan, model=other.model))


def test_a_plan_of_another_airflow_run_is_refused(parcels: Parcels, others: tuple[Plan, Plan]) -> None:
    plan, other = others
    runner = Runner(parcels.workspace, parcels.pipeline, ORIGIN)
    with pytest.raises(PublicationRefused, match="Run 2 belongs to parcel_hours/b"):
        runner.extract(other)
    assert runner.extract(plan).rows == 400


def test_a_batch_that_another_run_extracted_is_refused_by_every_stage(parcels: Parcels) -> None:
    plan, runner = parcels.plan(), parcels.runner
    mine = runner.extract(plan)
    other = runner.extract(parcels.plan(DAY + timedelta(days=1)))
    for snapshot in (other, replace(mine, uri=other.uri), replace(mine, rows=1), replace(other, digest=mine.digest)):
        for stage in (runner.validate, runner.score):
            with pytest.raises(PublicationRefused, match="The snapshot that arrived is not the one that run 2"):
                stage(plan, Snapshot(**travelled(asdict(snapshot))))
    runner.validate(plan, mine)
    counts = runner.score(plan, mine)
    for changed in (Counts(401, 1, 0, 400), Counts(800, 0, 400, 400), Counts(400, 400, 0, 0)):
        with pytest.raises(PublicationRefused, match="The counts that arrived are not those that run 2 has recorded"):
            runner.publish(plan, changed)
    assert parcels.current() == [1]
    assert runner.publish(plan, counts).published


OTHER_WORKERS = {
    "code": ("code_digest = 'older'", "the code differs"),
    "query": ("query_digest = 'older'", "the query differs"),
    "library": ("""libraries = libraries || '{"numpy": "1.0"}'""", r"numpy [\d.]+ instead of 1\.0 differs"),
    "a library that is gone": (
        """libraries = libraries || '{"vaex": "1.0"}'""",
        r"vaex is missing instead of 1\.0 differs",
    ),
}


def test_a_worker_with_another_image_is_refused_until_one_with_the_planners_comes(parcels: Parcels) -> None:
    plan = parcels.plan(origin=ORIGIN)
    run = parcels.last_run()
    snapshot = parcels.runner.extract(plan)
    same = "code_digest = r.code_digest, query_digest = r.query_digest, libraries = r.libraries"
    for changed, told in OTHER_WORKERS.values():
        parcels.execute(f"UPDATE ledger.runs SET {changed} WHERE run_id = {plan.run_id}")
        told_so = rf"not what run 2 was planned on: {told}.* Next: it is tried again"
        with pytest.raises(WorkerRefused, match=told_so):
            parcels.runner.validate(plan, snapshot)
        with pytest.raises(TransientError, match=told_so):
            parcels.runner.score(plan, snapshot)
        parcels.execute(f"UPDATE ledger.runs AS t SET {same} FROM ledger.runs AS r WHERE r.run_id = 1 AND t.run_id = 2")
        assert (parcels.last_run()["libraries"], parcels.last_run()["state"]) == (run["libraries"], "running")
    parcels.runner.validate(plan, snapshot)
    assert parcels.runner.publish(plan, parcels.runner.score(plan, snapshot)).published
