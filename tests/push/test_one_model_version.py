"""A run pushes with the model version that it has planned, wherever the alias points by then."""

from daybreak.errors import DeliveryRefused
from daybreak.run.plan import Plan
from parcels import travelled
from retail.promotions_system.faults import Fault

from .shelves import Shelves, classifier, failed, register


def test_an_alias_that_is_moved_after_the_plan_has_no_part_in_the_run(shelves: Shelves) -> None:
    plan = Plan.from_json(travelled(shelves.plan().to_json()))
    shelves.promote(2)
    staged = shelves.stage(plan)
    shelves.runner().push(plan, staged)
    shelves.assert_offered(version=1, revision=1)
    (run,) = shelves.rows("SELECT model_version FROM ledger.runs")
    assert run == (1,)


def test_an_alias_that_is_moved_between_two_tries_has_no_part_in_the_second(shelves: Shelves) -> None:
    plan = shelves.plan()
    staged = shelves.stage(plan)
    shelves.receiver.faults.plan(Fault(kind="none", times=3), Fault(kind="answer", status=400))
    with failed(shelves, DeliveryRefused, "answered 400", "push again"):
        shelves.runner(max_in_flight=1).push(plan, staged)
    assert {offer["model_version"] for offer in shelves.active().values()} == {1}
    shelves.promote(2)
    shelves.runner().push(plan, staged)
    shelves.assert_offered(version=1, revision=1)


def test_a_new_run_after_the_alias_was_moved_replaces_all_that_the_old_version_offered(shelves: Shelves) -> None:
    shelves.push()
    shelves.promote(2)
    shelves.push()
    shelves.assert_offered(version=2)
    shelves.promote(1)
    shelves.push()
    shelves.assert_offered(version=1)
    assert shelves.deliveries(only_open=True) == []


def test_a_new_version_that_decides_the_same_is_told_apart(shelves: Shelves) -> None:
    shelves.push()
    again = register(shelves.workspace, classifier(shelves.workspace, 1.0))
    shelves.promote(again.version)
    shelves.push()
    shelves.assert_offered(version=again.version, revision=2)
