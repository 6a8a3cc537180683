"""The promotions system takes nothing from whoever did not sign it, and of a chunk nothing that is wrong."""

import time
from typing import Any

import pytest
from pydantic import SecretStr

from daybreak.push.signing import signature
from loopback import loopback
from promotions import DAY, KEY, OTHER_KEY, SIGNING_KEY, TOKEN, Promotions, body, offer, refusal


@pytest.mark.parametrize("authorization", ["", "Bearer", f"Bearer {TOKEN}x", f"bearer {TOKEN}", f"Basic {TOKEN}"])
def test_without_the_token_nothing_is_taken_in_or_listed(promotions: Promotions, authorization: str) -> None:
    assert refusal(promotions.post(body([offer(1)]), KEY, authorization=authorization)) == (401, "token_wrong")
    listing = loopback().get(f"{promotions.url}/v1/offers?date={DAY}", headers={"Authorization": authorization})
    assert refusal(listing) == (401, "token_wrong")
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
    assert refusal(promotions.post(body([offer(1)]), KEY, request_signature=wrong)) == (401, "signature_wrong")
    assert promotions.products() == []


@pytest.mark.parametrize("off", [-301, 302, -100_000])
def test_a_request_of_another_time_is_refused_though_signed_right(promotions: Promotions, off: int) -> None:
    at = int(time.time()) + off
    answer = promotions.post(body([offer(1)]), KEY, request_timestamp=str(at), request_signature=signed(timestamp=at))
    assert refusal(answer) == (401, "timestamp_wrong")
    assert promotions.products() == []


@pytest.mark.parametrize("off", [-290, 290])
def test_clocks_may_differ_a_little(promotions: Promotions, off: int) -> None:
    at = int(time.time()) + off
    answer = promotions.post(body([offer(1)]), KEY, request_timestamp=str(at), request_signature=signed(timestamp=at))
    assert answer.status_code == 200


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "1e9", "1792051200.0", "1" * 13])
def test_a_timestamp_that_is_none_is_refused(promotions: Promotions, timestamp: str) -> None:
    answer = promotions.post(body([offer(1)]), KEY, request_timestamp=timestamp)
    assert refusal(answer) == (401, "timestamp_wrong")


@pytest.mark.parametrize("key", ["short", "k" * 129, "with.full.stops.in.it", "with blanks in its text"])
def test_a_key_that_cannot_name_a_chunk_is_refused(promotions: Promotions, key: str) -> None:
    assert refusal(promotions.post(body([offer(1)]), key)) == (400, "idempotency_key_missing")


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
    assert promotions.revisions() == {1: 1}
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
    assert refusal(promotions.post(content, KEY)) == (400, "chunk_wrong")
    assert promotions.products() == []
    assert promotions.post(body([offer(1)]), KEY).status_code == 200


def test_a_chunk_that_is_too_large_is_refused(promotions: Promotions) -> None:
    content = body([offer(1)]) + b" " * (1 << 20)
    assert refusal(promotions.post(content, KEY)) == (413, "chunk_too_large")


@pytest.mark.parametrize(
    "content",
    [
        body([offer(1)], valid_until="9999-12-31T23:59:59-14:00"),
        body([offer(1)], valid_until="0001-01-01T00:00:00+14:00"),
        body([offer(1)], valid_until="99999-01-01T00:00:00Z"),
        body([offer(1)], pipeline="daily\x00promotions"),
        body([{**offer(1), "product_id": 0}]).replace(b'"product_id": 0', b'"product_id": ' + b"9" * 5000),
        b'{"offers": ' + b"[" * 100_000,
    ],
    ids=["after the calendar", "before it", "a year of five digits", "NUL", "5,000 digits", "deep"],
)
def test_values_at_the_ends_are_refused_and_break_nothing(promotions: Promotions, content: bytes) -> None:
    assert refusal(promotions.post(content, KEY)) == (400, "chunk_wrong")
    assert promotions.post(body([offer(1)]), KEY).status_code == 200


@pytest.mark.parametrize(
    "instant", ["9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "2026-11-18T05:00:00-12:00"]
)
def test_every_instant_of_the_calendar_can_be_kept_and_listed(promotions: Promotions, instant: str) -> None:
    assert promotions.post(body([offer(1)], valid_until=instant), KEY).status_code == 200
    assert len(promotions.listing()["offers"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        *("offset=9223372036854775808", "offset=2147483648", "offset=-1", "limit=99999", "state=%00"),
        *("pipeline=%00", "pipeline=a%00b", "pipeline=%ff", "date=1e30", "date=%00"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(promotions: Promotions, query: str) -> None:
    named = query if query.startswith("date") else f"date={DAY}&{query}"
    answer = loopback().get(f"{promotions.url}/v1/offers?{named}", headers={"Authorization": f"Bearer {TOKEN}"})
    assert refusal(answer) == (400, "request_wrong")
