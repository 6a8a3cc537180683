"""The push is killed with SIGKILL at any moment and tried again: each offer once, by the planned model version."""

import random
import time

import pytest

from daybreak.batch.snapshot import Snapshot
from processes import ended, kill, start
from retail.promotions_system.faults import Fault
from waiting import until

from .mortal import Death, killed, start_push
from .shelves import CHUNKS, DAY, Shelves

# Where a process dies; the number says at which call. Requests are made one after the other, and no receipt is written
# before the last one, however slow they are: all calls are there to die at.
MOMENTS = (
    Death("Deliveries.generation"),
    Death("Deliveries.open"),
    *(Death("signed_headers", call) for call in range(1, CHUNKS + 1)),
    *(Death("judge_answer", call) for call in range(1, CHUNKS + 1)),
    Death("Deliveries.acknowledge"),
    Death("active_offers"),
    Death("Ledger.finish"),
    Death("Ledger.took"),
)
# Of ten withdrawals in three chunks, one arrives at the second death, one at the fourth, one at the seventh.
WITHDRAWING = (
    Death("signed_headers", CHUNKS + 1),
    Death("judge_answer"),
    Death("Deliveries.next_position"),
    Death("signed_headers", 2),
    Death("Deliveries.close_withdrawals"),
    Death("signed_headers"),
    Death("Deliveries.acknowledge", 2),
    Death("active_offers"),
    Death("Ledger.finish"),
)


def test_a_push_killed_at_every_boundary_of_a_request_and_tried_again_sends_each_offer_once(shelves: Shelves) -> None:
    plan = shelves.plan()
    staged = shelves.stage(plan)
    target = shelves.receiver.target(max_in_flight=1, receipt_seconds=600)
    # From here on the alias says something else; what the run has planned stays.
    shelves.promote(2)
    expected = shelves.expected(version=1)
    deaths = 0
    for moment in MOMENTS:
        deaths += killed(start_push(shelves.workspace.settings, plan, staged, target, moment))
        found = {product: offer["model_version"] for product, offer in shelves.active().items()}
        assert found.keys() <= expected.keys(), moment
        assert set(found.values()) <= {1}, moment
    assert deaths == len(MOMENTS)
    assert not killed(start_push(shelves.workspace.settings, plan, staged, target))
    shelves.assert_offered(version=1, revision=1)
    assert {row["model_version"] for row in shelves.deliveries()} == {1}
    assert shelves.deliveries(only_open=True) == []
    assert shelves.workspace.ledger.get(plan.run_id)["state"] == "pushed"


def test_withdrawals_killed_at_every_boundary_of_a_request_and_tried_again_are_made(shelves: Shelves) -> None:
    shelves.push()
    before = list(shelves.expected())
    shelves.drop(before[:10])
    plan = shelves.plan()
    staged = shelves.stage(plan)
    target = shelves.receiver.target(max_in_flight=1, receipt_seconds=600)
    deaths = sum(killed(start_push(shelves.workspace.settings, plan, staged, target, moment)) for moment in WITHDRAWING)
    assert deaths == len(WITHDRAWING)
    assert not killed(start_push(shelves.workspace.settings, plan, staged, target))
    shelves.assert_offered()
    assert shelves.receiver.listing(str(DAY))["counts"]["withdrawn"] == 10
    assert shelves.deliveries(only_open=True) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_a_push_killed_after_any_time_and_tried_again_sends_each_offer_once(shelves: Shelves, seed: int) -> None:
    chance = random.Random(seed)
    plan = shelves.plan()
    staged = shelves.stage(plan)
    shelves.receiver.faults.plan(Fault(kind="delay", seconds=0.05, times=None))
    for nth in range(4):
        seen = len(shelves.receiver.faults.seen)
        process = start_push(shelves.workspace.settings, plan, staged, shelves.receiver.target(max_in_flight=2))
        until(lambda: len(shelves.receiver.faults.seen) > seen or not process.is_alive(), "a request")  # noqa: B023
        time.sleep(chance.uniform(0, 0.1))
        kill(process)
        assert shelves.active().keys() <= shelves.expected().keys(), nth
    shelves.receiver.faults.plan()
    assert not killed(start_push(shelves.workspace.settings, plan, staged, shelves.receiver.target()))
    shelves.assert_offered(revision=1)


def test_commands_that_were_killed_are_gone_on_with_by_the_next_one(shelves: Shelves) -> None:
    settings, faults = shelves.workspace.settings, shelves.receiver.faults
    for arguments in (("run", "shelf_offers", "--partition"), ("push", "shelf_offers")):
        faults.forget()  # type: ignore[attr-defined]
        faults.plan(Fault(kind="none", times=2), Fault(kind="delay", seconds=2, times=None))
        process = start(settings, *arguments, str(DAY))
        until(lambda: len(faults.seen) >= 2, "two requests")
        kill(process)
        # What was under way arrives after its sender's end.
        shelves.receiver.settle()
        shelves.promote(2)
    faults.plan()
    assert shelves.active()
    (open_before,) = {row["model_version"] for row in shelves.deliveries(only_open=True)}
    assert open_before == 2
    shelves.promote(1)
    assert ended(start(settings, "push", "shelf_offers", str(DAY), "--resume")) == 0
    shelves.assert_offered(version=2)
    assert shelves.deliveries(only_open=True) == []


def test_a_killed_push_leaves_its_staged_rows_to_the_try_that_follows(shelves: Shelves) -> None:
    plan = shelves.plan()
    staged = shelves.stage(plan)
    target = shelves.receiver.target()
    assert killed(start_push(shelves.workspace.settings, plan, staged, target, Death("signed_headers")))
    Snapshot(staged.uri, staged.rows, staged.digest).verify()
    runner = shelves.runner()
    runner.push(plan, staged)
    runner.discard(plan)
    assert list(shelves.workspace.settings.home.glob("batches/shelf_offers/**/*.parquet")) == []
    shelves.assert_offered(revision=1)
