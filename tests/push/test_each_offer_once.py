"""Whatever comes between, each offer of a partition stands once at the receiver, as the source has it last."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from daybreak.errors import DeliveryRefused, WarehouseUnavailable
from daybreak.push.keys import offer_id
from local_days import local_day
from processes import ended, start
from retail.promotions_system.faults import Fault
from waiting import until

from .conftest import Daybreak
from .mortal import Death, killed, start_push
from .shelves import CHUNKS, DAY, TOP, Shelves, failed

# So many of the best are among them no more, once the source was corrected.
DROPPED = 10
MAX_STALENESS = timedelta(hours=36)


def sent(shelves: Shelves) -> int:
    return len(shelves.receiver.faults.seen)


def waiting(shelves: Shelves) -> int:
    """Count who waits to be alone with the partition."""
    return int(shelves.rows("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")[0][0])


def test_the_best_products_arrive_once_each_with_what_was_decided_for_them(shelves: Shelves) -> None:
    outcome = shelves.push()
    assert outcome.pushed is not None
    assert (outcome.pushed.offers, outcome.pushed.sent, outcome.pushed.withdrawn) == (TOP, TOP, 0)
    shelves.assert_offered(revision=1)
    receipts = shelves.deliveries()
    assert [(row["state"], row["attempts"], row["items"]) for row in receipts] == [("acknowledged", 1, 4)] * CHUNKS
    for product, offer in shelves.active().items():
        assert UUID(offer["offer_id"]) == offer_id("shelf_offers", str(DAY), (product,))
        assert offer["valid_until"].startswith(f"{DAY.fromordinal(DAY.toordinal() + 2)}T00:00:00")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="cut_after", times=CHUNKS),
        Fault(kind="cut_before", times=CHUNKS),
        Fault(kind="garble", times=CHUNKS),
        Fault(kind="answer", status=503, times=CHUNKS),
        Fault(kind="drip", seconds=0.2, times=2),
    ],
    ids=lambda fault: fault.kind,
)
def test_what_happens_to_the_answer_doubles_no_offer_and_loses_none(shelves: Shelves, fault: Fault) -> None:
    shelves.receiver.faults.plan(fault)
    outcome = shelves.push(target={"request_seconds": 0.5} if fault.kind == "drip" else {})
    assert outcome.pushed is not None
    assert outcome.pushed.sent == TOP
    shelves.assert_offered(revision=1)
    # A request is counted when it is through; one that drips goes on after its sender has turned away.
    shelves.receiver.settle()
    assert sent(shelves) == CHUNKS + (fault.times or 0)
    assert sum(row["attempts"] for row in shelves.deliveries()) == sent(shelves)


def test_a_run_of_the_same_source_again_sends_nothing(shelves: Shelves) -> None:
    shelves.push()
    outcome = shelves.push()
    assert outcome.pushed is not None
    assert (outcome.pushed.offers, outcome.pushed.sent) == (TOP, 0)
    assert sent(shelves) == CHUNKS
    shelves.assert_offered(revision=1)
    assert shelves.last_run()["state"] == "pushed"


def test_two_runs_of_one_partition_at_once_send_each_offer_once(shelves: Shelves) -> None:
    shelves.receiver.faults.plan(Fault(kind="delay", seconds=1, times=2))
    run = ("run", "shelf_offers", "--partition", str(DAY))
    both = [start(shelves.workspace.settings, *run) for _ in range(2)]
    until(lambda: waiting(shelves) == 1, "one of the two to wait for the other")
    assert [ended(process) for process in both] == [0, 0]
    shelves.assert_offered(revision=1)
    assert sent(shelves) == CHUNKS
    assert shelves.rows("SELECT state FROM ledger.runs ORDER BY run_id") in (
        [("pushed",), ("pushed",)],
        [("superseded",), ("pushed",)],
    )


def test_two_tries_of_one_push_at_once_send_each_offer_once(shelves: Shelves) -> None:
    plan = shelves.plan()
    staged = shelves.stage(plan)
    shelves.receiver.faults.plan(Fault(kind="delay", seconds=1, times=2))
    both = [start_push(shelves.workspace.settings, plan, staged, shelves.receiver.target()) for _ in range(2)]
    until(lambda: waiting(shelves) == 1, "one of the two to wait for the other")
    assert [ended(process) for process in both] == [0, 0]
    shelves.assert_offered(revision=1)
    assert sent(shelves) == CHUNKS
    assert shelves.last_run()["state"] == "pushed"
    assert shelves.deliveries(only_open=True) == []


def test_of_a_corrected_source_changed_offers_are_updated_and_others_withdrawn(shelves: Shelves) -> None:
    shelves.push()
    before = shelves.expected()
    shelves.drop(list(before)[:DROPPED])
    outcome = shelves.push()
    after = shelves.expected()
    assert not set(after) & set(list(before)[:DROPPED])
    assert outcome.pushed is not None
    assert (outcome.pushed.sent, outcome.pushed.withdrawn) == (TOP, DROPPED)
    shelves.assert_offered()
    revisions = {product: offer["revision"] for product, offer in shelves.active().items()}
    assert revisions == {product: 2 if product in before else 1 for product in after}
    assert shelves.receiver.listing(str(DAY))["counts"] == {"active": TOP, "expired": 0, "withdrawn": DROPPED}


def test_a_source_that_is_corrected_back_leads_back(shelves: Shelves) -> None:
    before = shelves.expected()
    for wrong in (slice(0, DROPPED), slice(3, DROPPED)):
        shelves.push()
        shelves.drop(list(before)[wrong])
        shelves.push()
        assert set(shelves.active()) != set(before)
        shelves.assert_offered()
        shelves.restore()
    outcome = shelves.push()
    assert outcome.pushed is not None
    assert outcome.pushed.sent == TOP
    assert shelves.expected() == before
    shelves.assert_offered()
    assert shelves.deliveries(only_open=True) == []


def test_a_correction_of_what_is_not_offered_sends_nothing(shelves: Shelves) -> None:
    shelves.push()
    worst = min(set(range(1, 401)) - set(shelves.expected()))
    shelves.drop([worst])
    outcome = shelves.push()
    assert outcome.pushed is not None
    assert (outcome.pushed.sent, outcome.pushed.withdrawn) == (0, 0)
    assert sent(shelves) == CHUNKS
    shelves.assert_offered(revision=1)


def test_what_stayed_open_is_closed_by_a_run_whose_other_rows_were_corrected(shelves: Shelves) -> None:
    shelves.receiver.faults.plan(Fault(kind="answer", status=400, times=CHUNKS))
    with failed(shelves, DeliveryRefused, "answered 400", "push again"):
        shelves.push()
    shelves.receiver.faults.plan()
    shelves.drop([min(set(range(1, 401)) - set(shelves.expected()))])
    shelves.push()
    shelves.assert_offered(revision=1)
    assert {(row["state"], row["generation"]) for row in shelves.deliveries()} == {("acknowledged", 1)}


def test_when_fewer_are_left_to_offer_the_others_are_withdrawn_and_may_come_back(shelves: Shelves) -> None:
    shelves.push()
    (best, *_) = shelves.expected()
    shelves.correct("price = NULL", set(range(1, 401)) - {best})
    lenient = shelves.declared(max_failed_share=1, push_scores="push.shelf_offers:any_scores")
    outcome = lenient.push()
    assert outcome.pushed is not None
    assert (outcome.pushed.offers, outcome.pushed.withdrawn, list(shelves.active())) == (1, TOP - 1, [best])
    shelves.restore()
    shelves.push()
    shelves.assert_offered()


def test_a_withdrawal_whose_answer_was_lost_is_not_left_open(shelves: Shelves) -> None:
    shelves.push()
    shelves.drop(list(shelves.expected())[:DROPPED])
    # The six chunks arrive; of the three withdrawals that follow, the first is taken in and its answer lost for good.
    shelves.receiver.faults.plan(
        Fault(kind="none", times=CHUNKS), Fault(kind="cut_after"), Fault(kind="answer", status=400)
    )
    with failed(shelves, DeliveryRefused, "answered 400", "push again"):
        shelves.push(target={"max_in_flight": 1, "first_pause_seconds": 0.01, "longest_pause_seconds": 0.01})
    assert [row["kind"] for row in shelves.deliveries(only_open=True)] == ["withdrawals"] * 3
    shelves.receiver.faults.plan()
    outcome = shelves.push()
    assert outcome.pushed is not None
    assert (outcome.pushed.sent, outcome.pushed.withdrawn) == (0, DROPPED - 4)
    shelves.assert_offered()
    assert shelves.deliveries(only_open=True) == []


def test_items_that_the_receiver_rejects_are_counted_and_the_others_stand(shelves: Shelves) -> None:
    (first, *_) = shelves.expected()
    taken = offer_id("shelf_offers", str(DAY), (first,))
    shelves.receiver.execute(
        "INSERT INTO promotions_system.offers (offer_id, pipeline, partition_date, product_id, probability, rank, "
        f"action, model_version, valid_until, idempotency_key) VALUES ('{taken}', 'another', '{DAY}', {first}, 0.5, "
        "1, 'mailer', 1, now(), 'another')"
    )
    outcome = shelves.push()
    assert outcome.pushed is not None
    assert (outcome.pushed.offers, outcome.pushed.sent, outcome.pushed.rejected) == (TOP, TOP - 1, 1)
    assert outcome.note == f"1 of {TOP} offers were rejected by the receiver"
    assert shelves.last_run()["note"] == outcome.note
    listed = shelves.receiver.listing(str(DAY), pipeline="shelf_offers", state="active")["offers"]
    assert {offer["product_id"] for offer in listed} == set(shelves.expected()) - {first}
    assert sorted(row["rejected"] for row in shelves.deliveries()) == [0] * (CHUNKS - 1) + [1]
    again = shelves.push()
    assert again.pushed is not None
    assert again.pushed.sent == 0


@pytest.mark.parametrize("newer", ["sent other offers", "found its offers there", "was killed after writing them down"])
def test_an_older_run_gives_way_to_a_newer_one(shelves: Shelves, newer: str) -> None:
    shelves.push()
    before = list(shelves.expected())
    shelves.drop(before[:DROPPED])
    older = shelves.plan()
    staged = shelves.stage(older)
    if newer == "found its offers there":
        shelves.restore()
    else:
        shelves.drop(before[DROPPED:])
    if newer == "was killed after writing them down":
        plan = shelves.plan()
        target, death = shelves.receiver.target(), Death("signed_headers")
        process = start_push(shelves.workspace.settings, plan, shelves.stage(plan), target, death)
        assert killed(process)
    else:
        shelves.push()
        shelves.assert_offered()
    outcome = shelves.runner().push(older, staged)
    assert outcome.pushed is not None
    assert (outcome.pushed.superseded, outcome.pushed.sent) == (older.run_id + 1, 0)
    assert outcome.note == f"not pushed: run {older.run_id + 1}, which is newer, has begun to push this partition"
    assert shelves.workspace.ledger.get(older.run_id)["state"] == "superseded"
    shelves.push()
    shelves.assert_offered()


def test_who_has_lost_the_lock_of_the_partition_sends_no_more(shelves: Shelves) -> None:
    single = shelves.declared(push_chunk_items=1)
    plan = single.plan()
    snapshot = single.stage(plan)
    shelves.receiver.faults.plan(Fault(kind="delay", seconds=0.1, times=None))
    with ThreadPoolExecutor(1) as pool:
        pushing = pool.submit(single.runner(max_in_flight=1).push, plan, snapshot)
        until(lambda: sent(shelves) >= 2, "two chunks to be sent")
        shelves.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
            "WHERE locktype = 'advisory' AND datname = current_database()"
        )
        with pytest.raises(WarehouseUnavailable):
            pushing.result()
    assert sent(shelves) < TOP
    shelves.receiver.faults.plan()
    single.push()
    single.assert_offered(revision=1)


def test_a_backfill_that_is_told_to_push_sends_what_is_not_too_old(shelves: Shelves, daybreak: Daybreak) -> None:
    first = DAY - timedelta(days=2)
    # The first day always is; the second from noon on.
    too_old = sum(datetime.now(UTC) - local_day(first + timedelta(days=n), "UTC").end > MAX_STALENESS for n in range(3))
    code, said = daybreak("backfill", "shelf_offers", first, DAY, "--push")
    assert code == 1
    assert too_old in (1, 2)
    assert said.count("hours ago; at most 36 may have passed.") == too_old
    assert said.count(f"pushed: {TOP} offers, {TOP} sent now, 0 withdrawn") == 3 - too_old
    shelves.assert_offered(revision=1)
    assert shelves.active(first) == {}
