"""The promotions system takes each chunk exactly once, and nothing from whoever did not sign it."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from daybreak.local.postgres import EmbeddedPostgres
from daybreak.settings import PROJECT
from daybreak.signing import signature
from parcels import administer
from promotions import (
    DAY,
    PROBABILITY,
    SIGNING_KEY,
    TOKEN,
    Promotions,
    body,
    offer,
    promotions_database,
    serve,
)

KEY, OTHER_KEY = "chunk-key-number-1", "chunk-key-number-2"


@pytest.fixture(scope="module")
def running(postgres: EmbeddedPostgres) -> Iterator[Promotions]:
    with serve(promotions_database(postgres, "promotions_service")) as promotions:
        yield promotions


@pytest.fixture
def promotions(running: Promotions) -> Promotions:
    running.empty()
    return running


def revisions(promotions: Promotions) -> dict[int, int]:
    return {each["product_id"]: each["revision"] for each in promotions.listing()["offers"]}


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_an_accepted_offer_is_listed_as_it_was_sent(promotions: Promotions) -> None:
    sent = offer(7, rank=1, action="mailer")
    answer = promotions.post(body([sent]), KEY)
    assert (answer.status_code, answer.json()) == (
        200,
        {"results": [{"offer_id": sent["offer_id"], "status": "accepted"}]},
    )
    (listed,) = promotions.listing()["offers"]
    assert {name: listed[name] for name in sent} == sent
    assert (listed["model_version"], listed["state"], listed["partition_date"]) == (3, "active", DAY)


def test_offers_are_listed_by_rank_page_by_page_and_counted_whole(promotions: Promotions) -> None:
    promotions.post(body([offer(product, rank=10 - product) for product in range(1, 6)]), KEY)
    pages = [promotions.listing(limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [each["product_id"] for page in pages for each in page["offers"]] == [5, 4, 3, 2, 1]
    assert all(page["counts"] == {"active": 5, "expired": 0, "withdrawn": 0} for page in pages)
    assert promotions.listing(pipeline="another")["offers"] == []
    assert promotions.listing("2026-11-18")["offers"] == []


def test_another_chunk_with_the_same_offer_changes_it_and_doubles_nothing(promotions: Promotions) -> None:
    promotions.post(body([offer(1), offer(2)]), KEY)
    promotions.post(body([offer(1, rank=9, probability=0.25)]), OTHER_KEY)
    listed = {each["product_id"]: each for each in promotions.listing()["offers"]}
    assert (listed[1]["rank"], listed[1]["probability"], listed[1]["revision"]) == (9, 0.25, 2)
    assert (listed[2]["rank"], listed[2]["revision"]) == (2, 1)


def test_a_withdrawn_offer_is_no_longer_active_until_it_is_offered_again(promotions: Promotions) -> None:
    sent = offer(1)
    promotions.post(body([sent, offer(2)]), KEY)
    answer = promotions.post(body([], withdrawn=[sent["offer_id"]]), OTHER_KEY)
    assert answer.json() == {"results": [{"offer_id": sent["offer_id"], "status": "withdrawn"}]}
    assert promotions.products() == [2]
    assert promotions.listing()["counts"]["withdrawn"] == 1
    promotions.post(body([sent]), "chunk-key-number-3")
    assert promotions.products() == [1, 2]


def test_withdrawing_what_is_not_known_is_not_an_error(promotions: Promotions) -> None:
    answer = promotions.post(body([], withdrawn=[offer(99)["offer_id"]]), KEY)
    assert (answer.status_code, answer.json()["results"][0]["status"]) == (200, "withdrawn")


def test_an_offer_expires_when_its_time_has_passed(promotions: Promotions) -> None:
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    promotions.post(body([offer(1)], valid_until=soon), KEY)
    promotions.post(body([offer(2)]), OTHER_KEY)
    assert promotions.products() == [1, 2]
    time.sleep(2.1)
    assert promotions.products() == [2]
    assert promotions.listing()["counts"] == {"active": 1, "expired": 1, "withdrawn": 0}


@pytest.mark.parametrize("authorization", ["", "Bearer", f"Bearer {TOKEN}x", f"bearer {TOKEN}", f"Basic {TOKEN}"])
def test_without_the_token_nothing_is_taken_in_or_listed(promotions: Promotions, authorization: str) -> None:
    assert code(promotions.post(body([offer(1)]), KEY, authorization=authorization)) == (401, "token_wrong")
    listing = httpx.get(
        f"{promotions.url}/v1/offers?date={DAY}", headers={"Authorization": authorization}, trust_env=False
    )
    assert code(listing) == (401, "token_wrong")
    assert promotions.products() == []


def signed(key: str = SIGNING_KEY, timestamp: int | None = None, named: str = KEY, content: bytes = b"") -> str:
    at = int(time.time()) if timestamp is None else timestamp
    return f"v1={signature(SecretStr(key), at, named, content or body([offer(1)]))}"


@pytest.mark.parametrize(
    "wrong",
    [
        signed(key="signing-key-of-somebody-else-0123456"),
        signed(named=OTHER_KEY),
        signed(content=body([offer(2)])),
        signed(timestamp=1_000_000_000),
        "",
        "v1=",
        "v2=" + "0" * 64,
    ],
    ids=["another key", "another chunk's name", "another body", "another time", "none", "empty", "another kind"],
)
def test_a_signature_that_is_not_of_this_request_is_refused(promotions: Promotions, wrong: str) -> None:
    assert code(promotions.post(body([offer(1)]), KEY, request_signature=wrong)) == (401, "signature_wrong")
    assert promotions.products() == []


@pytest.mark.parametrize("off", [-301, 302, -100_000])
def test_a_request_of_another_time_is_refused_though_signed_right(promotions: Promotions, off: int) -> None:
    at = int(time.time()) + off
    answer = promotions.post(body([offer(1)]), KEY, request_timestamp=str(at), request_signature=signed(timestamp=at))
    assert code(answer) == (401, "timestamp_wrong")
    assert promotions.products() == []


@pytest.mark.parametrize("off", [-290, 290])
def test_clocks_may_differ_a_little(promotions: Promotions, off: int) -> None:
    at = int(time.time()) + off
    answer = promotions.post(body([offer(1)]), KEY, request_timestamp=str(at), request_signature=signed(timestamp=at))
    assert answer.status_code == 200


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "1e9", "1792051200.0", "1" * 13])
def test_a_timestamp_that_is_none_is_refused(promotions: Promotions, timestamp: str) -> None:
    answer = promotions.post(body([offer(1)]), KEY, request_timestamp=timestamp)
    assert code(answer) == (401, "timestamp_wrong")


@pytest.mark.parametrize("key", ["short", "k" * 129, "with.full.stops.in.it", "with blanks in its text"])
def test_a_key_that_cannot_name_a_chunk_is_refused(promotions: Promotions, key: str) -> None:
    assert code(promotions.post(body([offer(1)]), key)) == (400, "idempotency_key_missing")


def test_the_same_request_again_is_answered_the_same_and_writes_nothing(promotions: Promotions) -> None:
    content = body([offer(1), offer(2, rank=0)])
    first = promotions.post(content, KEY)
    again = [promotions.post(content, KEY) for _ in range(3)]
    assert first.status_code == 207
    assert {(answer.status_code, answer.content) for answer in again} == {(207, first.content)}
    assert "idempotent-replayed" not in first.headers
    assert {answer.headers["idempotent-replayed"] for answer in again} == {"true"}
    assert revisions(promotions) == {1: 1}


def test_the_same_key_with_another_body_is_refused_and_changes_nothing(promotions: Promotions) -> None:
    promotions.post(body([offer(1)]), KEY)
    assert code(promotions.post(body([offer(1, rank=5), offer(2)]), KEY)) == (409, "idempotency_key_reused")
    (listed,) = promotions.listing()["offers"]
    assert (listed["product_id"], listed["rank"], listed["revision"]) == (1, 1, 1)


def test_of_the_same_request_many_times_at_once_one_is_processed(promotions: Promotions) -> None:
    with ThreadPoolExecutor(8) as pool:
        for round_ in range(6):
            key, content = f"at-once-key-{round_:05}", body([offer(round_ * 10 + n) for n in range(1, 6)])
            answers = list(pool.map(lambda _, k=key, c=content: promotions.post(c, k), range(8)))
            assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
            assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7
    assert set(revisions(promotions).values()) == {1}


def test_of_different_bodies_under_one_key_at_once_one_wins_whole(promotions: Promotions) -> None:
    bodies = [body([offer(n * 10 + m) for m in range(1, 6)]) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda content: promotions.post(content, KEY), bodies))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    winner = [answer.status_code for answer in answers].index(200)
    assert promotions.products() == [winner * 10 + m for m in range(1, 6)]


def test_chunks_with_the_same_offers_in_another_order_do_not_block_each_other(promotions: Promotions) -> None:
    offers = [offer(product) for product in range(1, 101)]
    orders = [offers if n % 2 else offers[::-1] for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda n: promotions.post(body(orders[n], model_version=n + 1), f"crossing-key-{n:05}"), range(24))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert set(revisions(promotions).values()) == {24}
    assert len({each["model_version"] for each in promotions.listing()["offers"]}) == 1


def test_a_chunk_that_fails_halfway_leaves_neither_offers_nor_an_answer(
    promotions: Promotions, postgres: EmbeddedPostgres
) -> None:
    promotions.execute(
        "CREATE FUNCTION promotions_system.fail() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE 'the disk is full'; END $$"
    )
    promotions.execute(
        "CREATE TRIGGER fail BEFORE UPDATE ON promotions_system.chunks EXECUTE FUNCTION promotions_system.fail()"
    )
    try:
        assert code(promotions.post(body([offer(1)]), KEY)) == (500, "failed")
    finally:
        promotions.execute("DROP FUNCTION promotions_system.fail CASCADE")
    assert promotions.products() == []
    answer = promotions.post(body([offer(1)]), KEY)
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, False)


def test_probabilities_do_not_get_into_the_databases_log(
    promotions: Promotions, postgres: EmbeddedPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    promotions.execute("ALTER TABLE promotions_system.offers RENAME COLUMN revision TO hidden")
    try:
        assert promotions.post(body([offer(1)]), KEY).status_code == 500
    finally:
        promotions.execute("ALTER TABLE promotions_system.offers RENAME COLUMN hidden TO revision")
    logged = (postgres.folder / "log").read_text(errors="replace")
    assert "column known.revision does not exist" in logged
    for text in (logged, caplog.text):
        assert str(PROBABILITY) not in text


def test_a_connection_to_the_database_that_is_lost_midway_is_a_503_that_asks_to_come_again(
    promotions: Promotions, postgres: EmbeddedPostgres
) -> None:
    engine = sa.create_engine(promotions.settings.database_url.get_secret_value())
    with engine.begin() as connection, ThreadPoolExecutor(1) as pool:
        connection.exec_driver_sql("LOCK TABLE promotions_system.offers")
        waiting = pool.submit(promotions.post, body([offer(1)]), KEY)
        ended = []
        while not ended:
            time.sleep(0.05)
            ended = connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND application_name = 'promotions_system' AND datname = current_database()"
            ).all()
        answer = waiting.result()
    engine.dispose()
    assert code(answer) == (503, "database_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert promotions.products() == []
    answer = promotions.post(body([offer(1)]), KEY)
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, False)


def test_it_is_not_healthy_without_its_database(postgres: EmbeddedPostgres) -> None:
    with serve(promotions_database(postgres, "promotions_gone")) as promotions:
        assert httpx.get(f"{promotions.url}/v1/health", trust_env=False).json() == {"status": "ok"}
        with administer(postgres) as connection:
            connection.exec_driver_sql("DROP DATABASE promotions_gone WITH (FORCE)")
        assert httpx.get(f"{promotions.url}/v1/health", trust_env=False).status_code == 503


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"probability": 1.5}, "probability: "),
        ({"probability": "0.5"}, "probability: "),
        ({"rank": 0}, "rank: "),
        ({"product_id": 2**63}, "product_id: "),
        ({"action": "giveaway"}, "action: "),
        ({"note": "x"}, "note: "),
    ],
)
def test_a_bad_item_is_rejected_with_its_reason_and_the_others_stand(
    promotions: Promotions, changes: dict[str, Any], reason: str
) -> None:
    bad = {**offer(2), **changes}
    answer = promotions.post(body([offer(1), bad, offer(3)], withdrawn=[offer(4)["offer_id"]]), KEY)
    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [result["status"] for result in results] == ["accepted", "rejected", "accepted", "withdrawn"]
    assert results[1]["offer_id"] == bad["offer_id"]
    assert results[1]["reason"].startswith(reason)
    assert promotions.products() == [1, 3]


def test_a_reason_repeats_no_value(promotions: Promotions) -> None:
    answer = promotions.post(body([offer(1, probability=17.316942058, action="4711")]), KEY)
    assert answer.status_code == 207
    assert "7316942058" not in answer.text
    assert "4711" not in answer.text


def test_an_offer_id_of_another_product_day_or_pipeline_is_rejected(promotions: Promotions) -> None:
    promotions.post(body([offer(1)]), KEY)
    stolen = {**offer(2), "offer_id": offer(1)["offer_id"]}
    for number, content in enumerate(
        [
            body([stolen]),
            body([offer(1)], partition="2026-11-18"),
            body([offer(1)], pipeline="another"),
            body([], withdrawn=[offer(1)["offer_id"]], pipeline="another"),
        ]
    ):
        answer = promotions.post(content, f"foreign-key-{number:05}")
        assert (answer.status_code, answer.json()["results"][0]["status"]) == (207, "rejected")
    assert revisions(promotions) == {1: 1}
    assert promotions.products() == [1]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nothing",
        b"[]",
        b'{"pipeline": "daily_promotions"}',
        b"\xff\xfe",
        body([]),
        body([offer(1), offer(1)]),
        body([offer(1)], withdrawn=[offer(1)["offer_id"]]),
        body([offer(1)], valid_until="2026-11-18T05:00:00"),
        body([offer(1)], partition="yesterday"),
        body([offer(1)], pipeline="../secrets"),
        body([offer(1)], sender="somebody"),
        body([offer(product) for product in range(1, 1002)]),
        body([{**offer(1), "offer_id": "one", "rank": 0}]),
        body([offer(1)], withdrawn=["one"]),
        body(["one"]),  # type: ignore[list-item]
        body([]).replace(b'"offers": []', b'"offers": {"1": 1}'),
    ],
)
def test_a_chunk_that_cannot_be_read_is_refused_whole_and_may_come_again_mended(
    promotions: Promotions, content: bytes
) -> None:
    assert code(promotions.post(content, KEY)) == (400, "chunk_wrong")
    assert promotions.products() == []
    assert promotions.post(body([offer(1)]), KEY).status_code == 200


def test_a_chunk_that_is_too_large_is_refused(promotions: Promotions) -> None:
    content = body([offer(1)]) + b" " * (1 << 20)
    assert code(promotions.post(content, KEY)) == (413, "chunk_too_large")


def test_the_openapi_document_describes_the_chunk_and_every_answer(promotions: Promotions) -> None:
    document = httpx.get(f"{promotions.url}/openapi.json", trust_env=False).json()
    post = document["paths"]["/v1/offers"]["post"]
    assert set(post["responses"]) >= {"200", "207", "400", "401", "409", "413", "503"}
    assert {each["name"] for each in post["parameters"]} == {
        "Idempotency-Key",
        "Request-Timestamp",
        "Request-Signature",
    }
    assert post["security"] == [{"HTTPBearer": []}]
    chunk = document["components"]["schemas"]["Chunk"]
    assert set(chunk["properties"]) == set(json.loads(body([])))
    assert set(document["components"]["schemas"]["Offer"]["properties"]) == set(offer(1))
    text = json.dumps(document)
    for reference in {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}:
        assert reference in document["components"]["schemas"]


def test_faults_are_off_unless_settings_allow_them(promotions: Promotions, postgres: EmbeddedPostgres) -> None:
    command = [sys.executable, "-c", _FAULTS, promotions.settings.database_url.get_secret_value()]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT)
    assert told.stdout.split() == ["404", "401", "200"]


_FAULTS = """
import sys
from fastapi.testclient import TestClient
from retail.promotions_system.app import create_app
from retail.promotions_system.settings import PromotionsSettings
secrets = {"database_url": sys.argv[1], "token": "t" * 20, "signing_key": "k" * 32}
bearer = {"Authorization": "Bearer " + "t" * 20}
for allowed, headers in ((False, bearer), (True, {}), (True, bearer)):
    app = create_app(PromotionsSettings(**secrets, allow_faults=allowed))
    print(TestClient(app).put("/v1/faults", json=[{"kind": "drip"}], headers=headers).status_code)
"""


def environment(promotions: Promotions, port: int) -> dict[str, str]:
    return {
        "PROMOTIONS_DATABASE_URL": promotions.settings.database_url.get_secret_value(),
        "PROMOTIONS_TOKEN": TOKEN,
        "PROMOTIONS_SIGNING_KEY": SIGNING_KEY,
        "PROMOTIONS_PORT": str(port),
    }


def test_it_runs_as_a_module_and_keeps_offers_over_a_restart(promotions: Promotions) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    promotions.post(body([offer(1)]), KEY)
    process = subprocess.Popen(
        [sys.executable, "-m", "retail.promotions_system"],
        env=environment(promotions, port),
        stderr=subprocess.PIPE,
        text=True,
    )
    other = Promotions(f"http://127.0.0.1:{port}", promotions.settings, promotions.faults)
    try:
        _wait_until_healthy(other.url)
        assert other.products() == [1]
        assert other.post(body([offer(1)]), KEY).headers["idempotent-replayed"] == "true"
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=10)
    assert process.returncode in (0, -signal.SIGTERM)
    assert TOKEN not in log
    assert SIGNING_KEY not in log


def test_without_secrets_it_does_not_start_and_names_what_is_missing(promotions: Promotions) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "retail.promotions_system"],
        env={"PROMOTIONS_TOKEN": "too-short"},
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    for name in ("PROMOTIONS_DATABASE_URL", "PROMOTIONS_TOKEN", "PROMOTIONS_SIGNING_KEY", "Next:"):
        assert name in told.stderr
    assert "too-short" not in told.stderr


def _wait_until_healthy(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            httpx.get(f"{url}/v1/health", trust_env=False).raise_for_status()
            return
        except httpx.HTTPError:
            assert time.monotonic() < deadline, "It does not answer."
            time.sleep(0.1)
