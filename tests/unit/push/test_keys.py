"""Names of offers and chunks stay the same for good, and tell nothing."""

import hashlib
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from daybreak.push.keys import chunk_key, content_digest, offer_id

SECRET = SecretStr("key-of-the-tests-0123456789abcdef")
CHUNK: dict[str, Any] = {
    "secret": SECRET,
    "pipeline": "daily_promotions",
    "partition": "2026-11-17",
    "model_version": 3,
    "snapshot_digest": "0" * 64,
    "position": 0,
    "content": b'{"offers": []}',
}


def test_names_are_the_same_in_every_release() -> None:
    # A receiver that knows an offer by another id would have it twice.
    assert offer_id("daily_promotions", "2026-11-17", (1,)) == UUID("6be164ee-66e2-5887-b6ee-2e68c28a1064")
    assert chunk_key(**CHUNK) == "74dab5c336f59911e8e7fc82e6b5baf13815e763b8f5f4053c0849b90051fed2"
    assert content_digest(SECRET, b"content") == "fa6abef016102a3d9702b4a3aad217cb9fd4c9f7be961ed650e902d820740cdb"


def test_offers_of_another_pipeline_day_or_product_have_another_id() -> None:
    ids = {
        offer_id(pipeline, day, key)
        for pipeline in ("a", "ab")
        for day in ("2026-11-17", "2026-11-18")
        for key in ((1,), (2,), ("1",), (1, 2), (12,), ())
    }
    assert len(ids) == 2 * 2 * 6


@given(st.lists(st.text(), min_size=2, max_size=2), st.lists(st.text(), min_size=2, max_size=2))
def test_parts_of_a_name_do_not_run_into_each_other(one: list[str], other: list[str]) -> None:
    assert (offer_id(one[0], one[1], ("x",)) == offer_id(other[0], other[1], ("x",))) == (one == other)


@pytest.mark.parametrize(
    "change",
    [
        {"secret": SecretStr("another-key-of-the-tests-01234567")},
        {"pipeline": "daily_promotion"},
        {"partition": "2026-11-18"},
        {"model_version": 4},
        {"snapshot_digest": "1" * 64},
        {"position": 1},
        {"content": b'{"offers": [] }'},
    ],
)
def test_a_chunk_that_differs_in_anything_has_another_key(change: dict[str, Any]) -> None:
    assert chunk_key(**CHUNK) == chunk_key(**CHUNK)
    assert chunk_key(**{**CHUNK, **change}) != chunk_key(**CHUNK)


def test_a_content_cannot_be_found_by_trying_without_the_secret() -> None:
    content = b"0.73"
    digests = {content_digest(SecretStr(f"key number {n}"), content) for n in range(3)}
    assert len(digests) == 3
    assert hashlib.sha256(content).hexdigest() not in digests
    assert content_digest(SECRET, content) != chunk_key(**{**CHUNK, "content": content})
