"""Requests are signed as docs/promotions-api.md says, by whoever reads it."""

import hashlib
import hmac
import json
import re
import subprocess
from typing import Any

import pytest
from pydantic import SecretStr

from daybreak.push.signing import signature, signed_headers
from daybreak.settings import PROJECT
from retail.promotions_system.authentication import verify_signature
from retail.promotions_system.documents import ChunkAnswer, Listing, Problem, Refused
from retail.promotions_system.faults import Fault
from retail.promotions_system.reading import read_chunk
from retail.promotions_system.settings import PromotionsSettings

PAGE = (PROJECT / "docs" / "promotions-api.md").read_text()
KEY = SecretStr("example-signing-key-do-not-use-it")
SETTINGS = PromotionsSettings(
    database_url=SecretStr("postgresql://"), token=SecretStr("example-token-do-not-use"), signing_key=KEY
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```$", PAGE, re.S | re.M)


def example() -> tuple[dict[str, str], bytes]:
    (request,) = blocks("http")
    head, body = request.split("\n\n")
    return dict(line.split(": ", 1) for line in head.splitlines()[1:]), body.encode()


def test_the_example_of_the_page_is_signed_as_the_client_signs() -> None:
    headers, body = example()
    signed = signed_headers(KEY, int(headers["Request-Timestamp"]), headers["Idempotency-Key"], body)
    assert signed.items() <= headers.items()
    assert KEY.get_secret_value() in PAGE


def test_the_example_of_the_page_is_what_its_own_words_lead_to() -> None:
    headers, body = example()
    text = f"{headers['Request-Timestamp']}.{headers['Idempotency-Key']}.".encode() + body
    expected = hmac.new(KEY.get_secret_value().encode(), text, hashlib.sha256).hexdigest()
    assert headers["Request-Signature"] == f"v1={expected}"


def test_the_command_of_the_page_computes_the_same() -> None:
    (command,) = (block for block in blocks("sh") if "openssl dgst" in block)
    told = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert told.stdout.split()[-1] == example()[0]["Request-Signature"].removeprefix("v1=")


def test_the_promotions_system_accepts_the_example_of_the_page_at_its_time_only() -> None:
    headers, body = example()
    at = int(headers["Request-Timestamp"])
    lowered = {name.lower(): value for name, value in headers.items()}
    verify_signature(SETTINGS, lowered, headers["Idempotency-Key"], body, at + 299)
    with pytest.raises(Refused, match="more than 300 s off"):
        verify_signature(SETTINGS, lowered, headers["Idempotency-Key"], body, at + 301)


def test_the_documents_of_the_page_are_the_real_ones() -> None:
    chunk, answer, problem, listing = (json.loads(block) for block in blocks("json"))
    assert json.loads(example()[1]) == {**chunk, "withdrawn": []}
    reading = read_chunk(json.dumps(chunk).encode())
    assert not reading.rejected
    assert set(chunk) == set(type(reading.chunk).model_fields)
    fields = {f"offers[].{name}" for name in chunk["offers"][0]} | set(chunk) - {"offers"}
    assert fields <= set(re.findall(r"^\| `([^`]+)` \|", PAGE, re.M))
    statuses = [result.status for result in ChunkAnswer.model_validate_json(json.dumps(answer)).results]
    assert statuses == ["accepted", "withdrawn", "rejected"]
    Problem.model_validate(problem)
    Listing.model_validate(listing)


def test_the_page_names_every_setting_and_every_fault() -> None:
    for name in PromotionsSettings.model_fields:
        assert f"`PROMOTIONS_{name.upper()}`" in PAGE
    kinds: Any = Fault.model_fields["kind"].annotation
    for kind in kinds.__args__:
        assert f"| `{kind}` |" in PAGE


@pytest.mark.parametrize(
    ("timestamp", "key", "body"),
    [(2, "key", b"body"), (1, "kez", b"body"), (1, "key", b"bodz"), (1, "key", b""), (11, "ey", b"body")],
)
def test_whatever_is_changed_changes_the_signature(timestamp: int, key: str, body: bytes) -> None:
    assert signature(KEY, timestamp, key, body) != signature(KEY, 1, "key", b"body")
    assert signature(SecretStr("another"), 1, "key", b"body") != signature(KEY, 1, "key", b"body")
