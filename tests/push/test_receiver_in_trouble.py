"""What a receiver that is in trouble, or will have none of it, leads to: waited for, or told, and gone on with."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import pytest

from daybreak.errors import DeliveryRefused, DeliveryUnavailable
from daybreak.push.listing import active_offers
from promotions import Promotions
from retail.promotions_system.faults import Fault

from .conftest import Daybreak
from .shelves import CHUNKS, DAY, TOP, Shelves, failed

RUN = ("run", "shelf_offers", "--partition", DAY)


def requests_at(shelves: Shelves) -> list[float]:
    return sorted(seen.at for seen in shelves.receiver.faults.seen)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_receiver_that_asks_to_wait_is_waited_for_and_then_gets_everything(
    shelves: Shelves, daybreak: Daybreak, form: str
) -> None:
    asked = {"kind": "answer", "status": 429, "retry_after": 2, "retry_after_as": form}
    shelves.receiver.faults.plan(Fault(kind="none"), Fault.model_validate(asked))
    code, said = daybreak(*RUN)
    assert (code, "pushed: 24 offers, 24 sent now" in said) == (0, True), said
    shelves.assert_offered(revision=1)
    asked_at = next(seen.at for seen in shelves.receiver.faults.seen if seen.kind == "answer")
    longest = max(later - earlier for earlier, later in pairwise(requests_at(shelves)))
    assert 1.9 < longest < 60
    assert not [at for at in requests_at(shelves) if asked_at + 0.3 < at < asked_at + 1.9]


def test_a_receiver_that_is_down_past_the_deadline_fails_the_run_which_is_resumed_later(
    shelves: Shelves, daybreak: Daybreak
) -> None:
    shelves.receiver.faults.plan(Fault(kind="none", times=2), Fault(kind="answer", status=503, times=None))
    with failed(
        shelves, DeliveryUnavailable, "The deadline of 3 s leaves no time", "`daybreak push --resume`"
    ) as error:
        shelves.push(target={"deadline_seconds": 3, "open_circuit_after": 10_000, "max_in_flight": 2})
    open_chunks = shelves.deliveries(only_open=True)
    assert len(open_chunks) == CHUNKS - 2
    # Of those that are open, two were tried.
    assert f"Delivered: 2 chunks. Open: 2, the first with key {error.value.open_keys[0][:12]}…." in str(error.value)
    assert set(error.value.open_keys) <= {row["idempotency_key"] for row in open_chunks}
    assert list(shelves.workspace.settings.home.glob("batches/**/*.parquet")) == []

    code, said = daybreak("deliveries", "shelf_offers", DAY, "--open")
    assert code == 0
    assert said.count("open") >= CHUNKS - 2
    assert f"daybreak push shelf_offers {DAY} --resume" in said
    code, said = daybreak("deliveries", "shelf_offers", DAY, "--open", "--json")
    assert [row["idempotency_key"] for row in json.loads(said)] == [row["idempotency_key"] for row in open_chunks]

    shelves.receiver.faults.plan()
    shelves.promote(2)
    code, said = daybreak("push", "shelf_offers", DAY, "--resume")
    assert (code, "16 sent now" in said) == (0, True), said
    shelves.assert_offered(version=1, revision=1)
    assert shelves.deliveries(only_open=True) == []


def test_nobody_there_opens_the_circuit_and_says_how_to_go_on(shelves: Shelves) -> None:
    with failed(shelves, DeliveryUnavailable, "could not be reached", "`daybreak push --resume`") as error:
        shelves.push(target={"base_url": "http://127.0.0.1:1", "open_circuit_after": 4})
    assert "Given up after 4 failures in a row" in str(error.value)
    assert len(shelves.deliveries(only_open=True)) == CHUNKS
    shelves.push()
    shelves.assert_offered(revision=1)


def test_a_refused_chunk_is_not_tried_again_and_the_message_has_the_answer_and_not_the_payload(
    shelves: Shelves, daybreak: Daybreak
) -> None:
    offers = shelves.expected()
    (best, *_) = (offer.probability for offer in offers.values())
    answer = {"message": f"Shelf 12 is closed, and you sent {best} of {best:.6f}."}
    shelves.receiver.faults.plan(Fault(kind="answer", status=400, text=json.dumps(answer), times=None))
    code, said = daybreak(*RUN)
    assert code == 1
    assert "answered 400" in said
    assert "Shelf 12 is closed, and you sent … of ….".replace("….", "…") in said
    assert str(best) not in said
    assert f"{best:.6f}" not in said
    keys = [seen.key for seen in shelves.receiver.faults.seen]
    assert 1 <= len(keys) == len(set(keys)) <= 4, "no chunk was sent twice"
    run = shelves.last_run()
    assert run["state"] == "failed"
    assert "Shelf 12 is closed" in run["error"]
    assert str(best)[:8] not in run["error"]
    assert not [offer for offer in map(str, shelves.active()) if offer in run["error"]]


def test_what_was_under_way_beside_a_refused_chunk_is_written_down(shelves: Shelves) -> None:
    shelves.receiver.faults.plan(
        Fault(kind="delay", seconds=0.5), Fault(kind="delay", seconds=0.2), Fault(kind="answer", status=400)
    )
    with failed(shelves, DeliveryRefused, "answered 400", "push again"):
        shelves.push(target={"max_in_flight": 3})
    states = sorted(row["state"] for row in shelves.deliveries())
    assert states == ["acknowledged"] * 2 + ["open"] * 4
    shelves.push()
    shelves.assert_offered(revision=1)
    assert len(shelves.receiver.faults.seen) == CHUNKS + 1


def test_resuming_keeps_the_version_whatever_was_tried_without_sending_since(
    shelves: Shelves, daybreak: Daybreak
) -> None:
    shelves.receiver.faults.plan(Fault(kind="answer", status=400, times=1))
    assert daybreak(*RUN)[0] == 1
    shelves.receiver.faults.plan()
    shelves.promote(2)
    assert daybreak(*RUN, "--dry-run")[0] == 0
    assert daybreak("backfill", "shelf_offers", DAY, DAY)[0] == 0
    assert daybreak(*RUN, "--model-version", 99)[0] == 1
    code, said = daybreak("push", "shelf_offers", DAY, "--resume")
    assert code == 0, said
    shelves.assert_offered(version=1, revision=1)


def test_resuming_a_run_that_accepted_a_model_that_has_seen_later_days_accepts_it_too(
    shelves: Shelves, daybreak: Daybreak
) -> None:
    shelves.execute(
        "UPDATE model_version_tags SET value = '2999-01-01' WHERE key = 'trained_through' AND version = '1'",
        "UPDATE ledger.trusted_versions SET trained_through = '2999-01-01' WHERE version = 1",
    )
    shelves.receiver.faults.plan(Fault(kind="answer", status=400))
    assert daybreak(*RUN)[0] == 1
    assert shelves.last_run()["model_version"] is None, "it is refused unless it is asked for"
    assert daybreak(*RUN, "--allow-leakage")[0] == 1
    shelves.receiver.faults.plan()
    code, said = daybreak("push", "shelf_offers", DAY, "--resume")
    assert code == 0, said
    shelves.assert_offered(version=1, revision=1)


def test_there_is_nothing_to_resume_where_nothing_was_planned(shelves: Shelves, daybreak: Daybreak) -> None:
    code, said = daybreak("push", "shelf_offers", DAY, "--resume")
    assert code == 1
    assert f"There is no run of shelf_offers {DAY} to resume. Next: `daybreak push shelf_offers {DAY}`." in said


class Listing:
    """A receiver that takes no offers and lists them badly: each request gets the next of its answers."""

    def __init__(self, *answers: tuple[int, dict[str, str], bytes]) -> None:
        self.answers = list(answers)
        self.asked_at: list[float] = []
        self.offsets: list[str] = []


ID = "6be164ee-66e2-5887-b6ee-2e68c28a1064"


def listing(*ids: str) -> tuple[int, dict[str, str], bytes]:
    content = {"counts": {"active": len(ids)}, "offers": [{"offer_id": each} for each in ids]}
    return 200, {}, json.dumps(content).encode()


@contextmanager
def listed_by(served: Listing) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked_at.append(monotonic())
            served.offsets.append(self.path.rpartition("offset=")[2])
            status, headers, body = served.answers.pop(0) if len(served.answers) > 1 else served.answers[0]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            slow = float(headers.get("slow", 0))
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            for byte in body if slow else [body]:
                self.wfile.write(bytes([byte]) if slow else body)
                sleep(slow)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def ask(served: Listing, promotions: Promotions, **target: Any) -> list[UUID]:
    with listed_by(served) as address:
        pages = active_offers(promotions.target(base_url=address, **target), "shelf_offers", str(DAY))
        return [each for page, _ in pages for each in page]


def in_a_second() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_asked_to_wait_with_the_listing_it_waits(receiver: Promotions, form: str) -> None:
    served = Listing((429, {"retry-after": "1" if form == "seconds" else in_a_second()}, b""), listing(ID))
    assert ask(served, receiver) == [UUID(ID)]
    first, second = served.asked_at
    assert second - first >= 0.9


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ([(503, {"retry-after": "3600"}, b"")], "answered 503"),
        ([(500, {}, b"")], "answered 500"),
        ([(200, {}, b"<html>Welcome</html>")], "no listing"),
        ([(200, {}, b'{"counts": {"active": 1}, "offers": [{"offer_id": "one"}]}')], "no listing"),
        ([(200, {}, b'{"offers": []}')], "no listing"),
        ([(200, {}, b" " * 5_000)], "more than can be read"),
        ([(200, {"slow": "1"}, b" " * 500)], "no whole answer in time"),
        ([listing(*[str(UUID(int=n)) for n in range(1000)])], "lists the same offers again and again"),
    ],
    ids=["asks to wait too long", "fails", "no JSON", "no id", "no counts", "floods", "drips", "repeats itself"],
)
def test_a_listing_that_cannot_be_had_is_told_in_time(
    receiver: Promotions, answers: list[tuple[int, dict[str, str], bytes]], problem: str
) -> None:
    started = monotonic()
    limits = {"deadline_seconds": 1, "request_seconds": 0.5}
    if problem == "more than can be read":
        limits["max_answer_bytes"] = 2_000
    with pytest.raises(DeliveryUnavailable, match=problem) as raised:
        ask(Listing(*answers), receiver, **limits)
    assert monotonic() - started < 60
    assert "`daybreak push --resume`" in raised.value.next_step


def test_a_long_listing_is_asked_for_page_by_page(receiver: Promotions) -> None:
    ids = [str(UUID(int=n)) for n in range(2_500)]
    served = Listing(listing(*ids[:1000]), listing(*ids[1000:2000]), listing(*ids[2000:]))
    assert ask(served, receiver) == [UUID(each) for each in ids]
    assert served.offsets == ["0", "1000", "2000"]


def test_of_more_than_a_page_all_that_are_no_longer_offered_are_withdrawn(shelves: Shelves) -> None:
    valid = "now() + interval '1 day'"
    shelves.receiver.execute(
        "INSERT INTO promotions_system.offers (offer_id, pipeline, partition_date, product_id, probability, rank, "
        "action, model_version, valid_until, idempotency_key) SELECT gen_random_uuid(), 'shelf_offers', "
        f"'{DAY}', 10000 + n, 0.5, 20 + n, 'mailer', 1, {valid}, 'earlier' FROM generate_series(1, 2100) AS s (n)"
    )
    outcome = shelves.push()
    assert outcome.pushed is not None
    assert (outcome.pushed.sent, outcome.pushed.withdrawn) == (TOP, 2100)
    shelves.assert_offered(revision=1)
