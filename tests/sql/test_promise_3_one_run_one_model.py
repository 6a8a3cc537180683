"""Promise 3: the alias is resolved once per run; every task and retry of the run uses that version."""

from dataclasses import asdict

import pytest

from daybreak.batch.snapshot import Snapshot
from daybreak.ledger.runs import Counts
from daybreak.run.plan import Plan
from daybreak.run.runner import Runner
from fixture_pipelines.parcel_hours.training import sample
from fixture_pipelines.parcel_kinds import KINDS, VALUE
from fixture_pipelines.parcel_kinds.training import STEADY, steady
from own_environments import owning
from parcels import DAY, Parcels, travelled

# What does not hang on what is predicted.
of_a_value = pytest.mark.parametrize("kind", [VALUE], indirect=True)


@pytest.fixture
def parcels(kind: Parcels) -> Parcels:
    """Hold the promise for each kind of prediction."""
    return kind


@pytest.fixture
def challenger(parcels: Parcels) -> int:
    """Register a version that says the same of every parcel, and leave the champion where it is."""
    version = parcels.register(steady(parcels.pipeline), sample()).version
    parcels.promote(1)
    return version


def all_steady(parcels: Parcels) -> bool:
    return set(parcels.answers().values()) == {STEADY[parcels.pipeline.single_ref.name]}


def versions(parcels: Parcels) -> set[int]:
    return {version for (version,) in parcels.rows("SELECT DISTINCT model_version FROM predictions.parcel_hours")}


@pytest.mark.parametrize(
    ("kind", "moved_before"),
    [(VALUE, "extract"), (VALUE, "validate"), (VALUE, "publish"), *((each, "score") for each in KINDS)],
    indirect=["kind"],
)
def test_an_alias_moved_between_tasks_does_not_reach_a_planned_run(
    parcels: Parcels, challenger: int, moved_before: str
) -> None:
    def task(name: str) -> Runner:
        if name == moved_before:
            parcels.promote(challenger)
        return Runner(parcels.workspace, parcels.pipeline)

    before = parcels.answers()
    plan = Plan.from_json(travelled(parcels.plan(origin="parcel_hours/a").to_json()))
    snapshot = Snapshot(**travelled(asdict(task("extract").extract(plan))))
    task("validate").validate(plan, snapshot)
    counts = Counts(**travelled(asdict(task("score").score(plan, snapshot))))
    assert task("publish").publish(plan, counts).published
    assert parcels.answers() == before
    assert versions(parcels) == {1}
    # The next run is planned after the alias was moved.
    parcels.run()
    assert all_steady(parcels)
    assert versions(parcels) == {challenger}


@of_a_value
def test_it_holds_where_the_model_has_an_environment_of_its_own(parcels: Parcels, challenger: int) -> None:
    before, own = parcels.answers(), owning(parcels)
    plan = Plan.from_json(travelled(own.plan(origin="parcel_hours/a").to_json()))
    snapshot = own.runner.extract(plan)
    own.runner.validate(plan, snapshot)
    own.promote(challenger)
    counts = own.runner.score(plan, snapshot)
    assert own.runner.publish(plan, counts).published
    assert (own.answers(), versions(own)) == (before, {1})
    own.run()
    assert all_steady(own)


@of_a_value
def test_a_plan_that_is_tried_again_keeps_its_version(parcels: Parcels, challenger: int) -> None:
    first = parcels.plan(origin="parcel_hours/a")
    parcels.promote(challenger)
    again = parcels.plan(origin="parcel_hours/a")
    assert (again.run_id, again.model.version) == (first.run_id, 1)
    other = parcels.plan(origin="parcel_hours/b")
    assert (other.run_id, other.model.version) == (first.run_id + 1, challenger)


@of_a_value
def test_a_cleared_run_resolves_the_alias_anew(parcels: Parcels, challenger: int) -> None:
    parcels.run_by_tasks(origin="parcel_hours/a")
    parcels.promote(challenger)
    parcels.run_by_tasks(origin="parcel_hours/a")
    assert versions(parcels) == {challenger}
    assert all_steady(parcels)


def test_a_forced_version_is_used_whatever_the_alias_says(parcels: Parcels, challenger: int) -> None:
    parcels.run(model_version=challenger)
    assert all_steady(parcels)
    assert versions(parcels) == {challenger}


@of_a_value
def test_what_the_model_was_is_written_down_with_the_run(parcels: Parcels, challenger: int) -> None:
    from daybreak.models.version import library_versions

    outcome = parcels.run(model_version=challenger)
    run = parcels.last_run()
    registered = parcels.value(f"SELECT value FROM model_version_tags WHERE key = 'digest' AND version = {challenger}")
    assert (run["model_name"], run["model_version"], run["model_digest"]) == ("parcel_hours", challenger, registered)
    assert run["trained_through"] == outcome.plan.model.trained_through
    assert run["libraries"] == library_versions()


@of_a_value
def test_the_alias_history_has_every_move_and_one_version_at_a_time(parcels: Parcels, challenger: int) -> None:
    history = parcels.rows("SELECT version, since, until FROM ledger.alias_history ORDER BY since")
    assert [version for version, _, _ in history] == [1, challenger, 1]
    assert [until for _, _, until in history] == [*(since for _, since, _ in history[1:]), None]
    assert parcels.plan(DAY).model.version == 1
