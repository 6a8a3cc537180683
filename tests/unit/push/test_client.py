"""Whatever happens between client and receiver, each offer arrives once, or the caller is told what is open."""

import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.errors import DeliveryRefused, DeliveryUnavailable
from daybreak.push.client import DeliveryClient, PreparedChunk, Receipt
from promotions import PROBABILITY, Promotions, body, chunks, offer, prepared, promotions_database, serve
from retail.promotions_system.faults import Fault
from waiting import until


@pytest.fixture(scope="module")
def running(postgres: EmbeddedPostgres) -> Iterator[Promotions]:
    with serve(promotions_database(postgres, "promotions_delivery")) as promotions:
        yield promotions


@pytest.fixture
def promotions(running: Promotions) -> Promotions:
    running.empty()
    return running


def deliver(promotions: Promotions, sent: list[PreparedChunk], **target: object) -> list[Receipt]:
    return list(DeliveryClient(promotions.target(**target)).deliver(iter(sent)))


def deliver_until_error(
    promotions: Promotions, source: Iterable[PreparedChunk], receipts: list[Receipt], **target: object
) -> None:
    for receipt in DeliveryClient(promotions.target(**target)).deliver(source):
        receipts.append(receipt)  # noqa: PERF402 - extend() would lose them at the error


def assert_each_once(promotions: Promotions, sent: list[PreparedChunk], receipts: list[Receipt]) -> None:
    items = sorted(item for chunk in sent for item in chunk.items)
    assert sorted(receipt.key for receipt in receipts) == sorted(chunk.key for chunk in sent)
    assert sorted(item for receipt in receipts for item in receipt.acknowledged) == items
    listed = promotions.listing()["offers"]
    assert sorted(each["offer_id"] for each in listed) == items
    assert {each["revision"] for each in listed} == {1}


def test_every_chunk_is_acknowledged_by_a_receipt_of_its_own(promotions: Promotions) -> None:
    sent = chunks(12)
    before = time.time()
    receipts = deliver(promotions, sent)
    assert_each_once(promotions, sent, receipts)
    for receipt in receipts:
        assert (receipt.attempts, receipt.repeated, dict(receipt.rejected)) == (1, False, {})
        assert before <= receipt.sent_at.timestamp() <= receipt.answered_at.timestamp() <= time.time()


def test_nothing_to_deliver_makes_no_request(promotions: Promotions) -> None:
    assert deliver(promotions, []) == []
    assert not promotions.faults.seen


@pytest.mark.parametrize(
    ("fault", "taken_in"),
    [
        (Fault(kind="cut_before", times=3), False),
        (Fault(kind="cut_after", times=3), True),
        (Fault(kind="garble", text="<html>Welcome to the guest network</html>"), True),
        (Fault(kind="garble", text=""), True),
        (Fault(kind="garble"), True),
        (Fault(kind="garble", text="[]"), True),
        (Fault(kind="garble", text='{"results": 3}'), True),
        (Fault(kind="garble", text='{"results": []}'), True),
        (Fault(kind="garble", text='{"results": [{"offer_id": ["x"], "status": {}}]}'), True),
        (Fault(kind="garble", text="[" * 100_000), True),
        (Fault(kind="flood"), True),
        *((Fault(kind="answer", status=status), False) for status in (202, 408, 425, 429, 500, 502, 503, 504)),
    ],
    ids=lambda value: f"{value.kind}-{value.status}-{value.text[:12]}" if isinstance(value, Fault) else "",
)
def test_after_a_fault_each_offer_is_there_once(promotions: Promotions, fault: Fault, taken_in: bool) -> None:
    promotions.faults.plan(fault)
    sent = chunks(6)
    receipts = deliver(promotions, sent)
    assert_each_once(promotions, sent, receipts)
    tried_again = [receipt for receipt in receipts if receipt.attempts > 1]
    assert 1 <= len(tried_again) <= 3
    assert {receipt.repeated for receipt in tried_again} == {taken_in}


def test_an_answer_that_comes_byte_by_byte_is_not_waited_for(promotions: Promotions) -> None:
    promotions.faults.plan(Fault(kind="drip", seconds=0.05, times=2))
    sent = chunks(5)
    # Each byte comes in time for a limit on reads; only one on the whole request ends it.
    receipts = deliver(promotions, sent, request_seconds=0.5, read_seconds=0.4)
    promotions.settle()
    assert_each_once(promotions, sent, receipts)
    # An answer that is waited for needs no second attempt; the others may need one where the machine is busy.
    dripped = {seen.key for seen in promotions.faults.seen if seen.kind == "drip"}
    assert len(dripped) == 2
    assert dripped <= {receipt.key for receipt in receipts if receipt.attempts > 1}


def test_an_answer_that_comes_too_late_is_asked_for_again(promotions: Promotions) -> None:
    promotions.faults.plan(Fault(kind="delay", seconds=0.6))
    sent = chunks(2)
    receipts = deliver(promotions, sent, read_seconds=0.2)
    promotions.settle()
    assert_each_once(promotions, sent, receipts)
    (late,) = (seen.key for seen in promotions.faults.seen if seen.kind == "delay")
    assert late in {receipt.key for receipt in receipts if receipt.attempts > 1}


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_when_asked_to_wait_it_waits_with_all_requests_and_then_delivers(promotions: Promotions, form: str) -> None:
    promotions.faults.plan(
        Fault.model_validate({"kind": "answer", "status": 429, "retry_after": 1, "retry_after_as": form})
    )
    sent = chunks(20)
    receipts = deliver(promotions, sent, max_in_flight=2)
    assert_each_once(promotions, sent, receipts)
    times = sorted(seen.at for seen in promotions.faults.seen)
    (longest,) = sorted(later - earlier for earlier, later in pairwise(times))[-1:]
    assert 0.9 < longest < 60
    # The request that was under way with the refused one may have been answered; others were not sent.
    asked_at = next(seen.at for seen in promotions.faults.seen if seen.kind == "answer")
    assert sum(asked_at < at < asked_at + 0.95 for at in times) <= 1
    assert sorted(receipt.attempts for receipt in receipts)[-1] == 2


def test_being_asked_to_wait_past_the_deadline_ends_the_delivery_at_once(promotions: Promotions) -> None:
    promotions.faults.plan(Fault(kind="answer", status=503, retry_after=3600, times=None))
    started = time.monotonic()
    with pytest.raises(DeliveryUnavailable, match=r"asks to wait 3,600 s.*deadline of 600 s") as raised:
        deliver(promotions, chunks(9), max_in_flight=3, deadline_seconds=600)
    assert time.monotonic() - started < 300
    assert (raised.value.status, raised.value.delivered, len(raised.value.open_keys)) == (503, 0, 3)


def test_a_receiver_that_stays_down_past_the_deadline_leaves_chunks_open_and_says_how_to_resume(
    promotions: Promotions,
) -> None:
    promotions.faults.plan(Fault(kind="none", times=2), Fault(kind="answer", status=500, times=None))
    sent = chunks(9)
    taken: list[str] = []
    source = (taken.append(chunk.key) or chunk for chunk in sent)  # type: ignore[func-returns-value]
    receipts: list[Receipt] = []
    with pytest.raises(DeliveryUnavailable, match=r"The deadline of 3 s .* Open: 3.*daybreak push --resume") as raised:
        deliver_until_error(
            promotions, source, receipts, deadline_seconds=3, max_in_flight=3, open_circuit_after=10_000
        )
    assert raised.value.delivered == len(receipts) == 2
    assert set(raised.value.open_keys) == set(taken) - {receipt.key for receipt in receipts}
    assert len(taken) == 5
    promotions.faults.plan()
    left = [chunk for chunk in sent if chunk.key not in {receipt.key for receipt in receipts}]
    assert_each_once(promotions, sent, receipts + deliver(promotions, left))


def test_a_request_under_way_does_not_outlast_the_deadline(promotions: Promotions) -> None:
    promotions.faults.plan(Fault(kind="delay", seconds=4, times=4))
    with pytest.raises(DeliveryUnavailable, match=r"gave no whole answer in time\. The deadline of 0\.5 s"):
        deliver(promotions, chunks(8), deadline_seconds=0.5)
    assert promotions.faults.under_way, "the answers are still to come"


def test_the_circuit_opens_after_failures_in_a_row_and_no_further_request_is_made(promotions: Promotions) -> None:
    promotions.faults.plan(Fault(kind="cut_before", times=None))
    with pytest.raises(DeliveryUnavailable, match="Given up after 7 failures in a row"):
        deliver(promotions, chunks(20), open_circuit_after=7, max_in_flight=2)
    seen = len(promotions.faults.seen)
    assert 7 <= seen <= 8
    time.sleep(0.3)
    assert len(promotions.faults.seen) == seen


def test_failures_with_answers_between_them_do_not_open_the_circuit(promotions: Promotions) -> None:
    promotions.faults.plan(*[Fault(kind="answer", status=500), Fault(kind="none")] * 15)
    sent = chunks(15)
    receipts = deliver(promotions, sent, open_circuit_after=3, max_in_flight=1)
    assert_each_once(promotions, sent, receipts)


def test_nobody_there_is_a_failure_like_others(promotions: Promotions) -> None:
    with pytest.raises(DeliveryUnavailable, match=r"could not be reached .*ConnectError.*Given up after 4") as raised:
        deliver(promotions, chunks(3), base_url="http://127.0.0.1:1", open_circuit_after=4)
    assert raised.value.status is None


@pytest.mark.parametrize("status", [400, 402, 403, 404, 405, 410, 413, 418, 422, 451])
def test_a_refusal_is_not_tried_again_and_its_text_is_in_the_message(promotions: Promotions, status: int) -> None:
    promotions.faults.plan(
        Fault(kind="answer", status=status, text=f'{{"message": "No such\\tthing for {PROBABILITY}."}}')
    )
    with pytest.raises(DeliveryRefused, match=f"answered {status}: .*No such") as raised:
        deliver(promotions, chunks(9), max_in_flight=1)
    assert (raised.value.status, raised.value.delivered, len(raised.value.open_keys)) == (status, 0, 1)
    assert len(promotions.faults.seen) == 1
    assert str(PROBABILITY) not in str(raised.value)


def test_requests_under_way_when_one_is_refused_come_to_their_end(promotions: Promotions) -> None:
    promotions.faults.plan(
        Fault(kind="delay", seconds=0.4), Fault(kind="answer", status=400), Fault(kind="delay", seconds=0.4)
    )
    sent = chunks(12)
    receipts: list[Receipt] = []
    with pytest.raises(DeliveryRefused) as raised:
        deliver_until_error(promotions, sent, receipts, max_in_flight=3)
    assert len(raised.value.open_keys) == 1
    assert {receipt.key for receipt in receipts} | set(raised.value.open_keys) == {chunk.key for chunk in sent[:3]}
    assert len(promotions.products()) == 10
    assert len(promotions.faults.seen) == 3


def test_rejected_items_are_in_the_receipt_and_the_others_are_acknowledged(promotions: Promotions) -> None:
    sent = [
        prepared(0, body([offer(1), offer(2, rank=0), offer(3)])),
        prepared(1, body([offer(4)], withdrawn=[offer(9)["offer_id"]])),
    ]
    first, second = sorted(deliver(promotions, sent), key=lambda receipt: sent[0].key != receipt.key)
    assert first.acknowledged == (offer(1)["offer_id"], offer(3)["offer_id"])
    assert dict(first.rejected) == {offer(2)["offer_id"]: "rank: Input should be greater than or equal to 1"}
    assert second.acknowledged == (offer(4)["offer_id"], offer(9)["offer_id"])
    assert promotions.products() == [1, 3, 4]


def test_another_content_under_a_used_key_is_terminal(promotions: Promotions) -> None:
    (sent,) = chunks(1)
    deliver(promotions, [sent])
    other = PreparedChunk(sent.key, sent.items, body([offer(product, rank=9) for product in range(1, 6)]))
    with pytest.raises(DeliveryRefused, match=r"answered 409.*run the partition again from plan"):
        deliver(promotions, [other])
    assert promotions.statuses() == [200, 409]


@pytest.mark.parametrize("location", ["https://elsewhere.example/v1/offers?probability=0.5", "/v2/offers", "http://["])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(promotions: Promotions, status: int, location: str) -> None:
    promotions.faults.plan(Fault(kind="answer", status=status, location=location))
    with pytest.raises(DeliveryRefused, match=f"answered {status}, a redirect to .*not followed") as raised:
        deliver(promotions, chunks(3), max_in_flight=1)
    assert len(promotions.faults.seen) == 1
    assert "probability" not in str(raised.value)
    assert ("elsewhere.example" in str(raised.value)) == location.startswith("https")


def test_no_more_chunks_are_taken_than_may_be_in_flight(promotions: Promotions) -> None:
    taken, most = 0, 0
    settled = 0

    def source() -> Iterator[PreparedChunk]:
        nonlocal taken, most
        for chunk in chunks(40):
            taken += 1
            most = max(most, taken - settled)
            yield chunk

    for _ in DeliveryClient(promotions.target(max_in_flight=3)).deliver(source()):
        settled += 1
    assert settled == 40
    # One more than in flight: a receipt counts as settled only when the caller has it.
    assert most <= 4


def test_requests_overlap_as_far_as_allowed(promotions: Promotions) -> None:
    promotions.faults.plan(Fault(kind="delay", seconds=1, times=None))
    with ThreadPoolExecutor(1) as pool:
        delivery = pool.submit(deliver, promotions, chunks(8), max_in_flight=4)
        under_way = []
        while not delivery.done():
            under_way.append(promotions.faults.under_way)
            time.sleep(0.01)
    assert len(delivery.result()) == 8
    assert max(under_way) == 4


def test_a_caller_that_is_busy_between_receipts_costs_no_repetition(promotions: Promotions) -> None:
    receipts = []
    for receipt in DeliveryClient(promotions.target(request_seconds=1, read_seconds=1)).deliver(chunks(5)):
        receipts.append(receipt)
        time.sleep(1.2)
    assert [receipt.attempts for receipt in receipts] == [1] * 5
    assert len(promotions.faults.seen) == 5


def test_a_caller_that_leaves_ends_the_delivery(promotions: Promotions) -> None:
    promotions.faults.plan(Fault(kind="none"), Fault(kind="delay", seconds=4, times=None))
    delivery = DeliveryClient(promotions.target(max_in_flight=2)).deliver(chunks(50))
    next(delivery)
    until(lambda: promotions.faults.under_way, "a request that is answered late")
    delivery.close()  # type: ignore[attr-defined]
    assert promotions.faults.under_way, "nobody has waited for its answer"
    assert not [thread for thread in threading.enumerate() if thread.name == "daybreak-delivery"]


def test_an_error_of_the_source_comes_after_the_receipts_of_what_was_under_way(promotions: Promotions) -> None:
    promotions.faults.plan(Fault(kind="delay", seconds=0.5, times=None))

    def source() -> Iterator[PreparedChunk]:
        yield from chunks(3)
        time.sleep(0.2)
        raise ZeroDivisionError("while scoring")

    receipts: list[Receipt] = []
    with pytest.raises(ZeroDivisionError, match="while scoring"):
        deliver_until_error(promotions, source(), receipts, max_in_flight=5)
    assert_each_once(promotions, chunks(3), receipts)


def test_the_same_chunks_from_several_clients_at_once_arrive_once(promotions: Promotions) -> None:
    promotions.faults.plan(*[Fault(kind=kind) for kind in ("cut_after", "none", "cut_before", "none", "drip")] * 3)
    sent = chunks(10)
    with ThreadPoolExecutor(3) as pool:
        all_receipts = list(pool.map(lambda _: deliver(promotions, sent), range(3)))
    for receipts in all_receipts:
        assert_each_once(promotions, sent, receipts)
    assert sum(not receipt.repeated for receipts in all_receipts for receipt in receipts) <= 10


def test_proxies_of_the_environment_have_no_part_in_it(promotions: Promotions, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    sent = chunks(2)
    assert_each_once(promotions, sent, deliver(promotions, sent))
