"""Who must not be talked to, or will not be, is refused, and no secret gets anywhere by it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daybreak.embedded.postgres import EmbeddedPostgres
from promotions import SIGNING_KEY, TOKEN, promotions_database, serve

from .certificate import make_certificate
from .conftest import Daybreak, Everywhere
from .shelves import DAY, Shelves

WRONG = "secret-of-the-wrong-kind-0123456789"
SECRETS = (TOKEN, SIGNING_KEY, WRONG)


@pytest.fixture(scope="module")
def certified(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Run a promotions system behind TLS; return its address and its certificate."""
    files = make_certificate(tmp_path_factory.mktemp("certificate"))
    with serve(promotions_database(postgres, "promotions_certified"), ssl=files) as promotions:
        yield promotions.url, files[0]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"TOKEN": WRONG}, ["refused", "answered 401", "compare token and signing key"]),
        ({"SIGNING_KEY": WRONG}, ["answered 401", "Request-Signature", "compare token and signing key"]),
        ({"URL": "https://elsewhere.example.com"}, ["elsewhere.example.com is not allowed", "allow-list"]),
        ({"URL": f"https://{TOKEN}@127.0.0.1"}, ["more than scheme, host, port", "connection's password"]),
        ({"URL": "http://promotions.example.com", "ALLOWED_HOSTS": "promotions.example.com"}, ["Plain http", "https"]),
        ({"URL": "ftp://127.0.0.1"}, ["not one of http or https"]),
        ({"SIGNING_KEY": WRONG[:20]}, ["fewer than 32 characters", "openssl rand"]),
        ({"TOKEN": f"{WRONG} {WRONG}"}, ["characters that no bearer token has"]),
        ({"TOKEN": None}, ["DAYBREAK_PUSH_TOKEN is not set"]),
        ({"URL": "certified"}, ["no valid certificate", "self-signed", "CA file"]),
    ],
    ids=[
        "token wrong",
        "signing key wrong",
        "host not allowed",
        "secret in the address",
        "not encrypted",
        "no http",
        "signing key short",
        "token broken",
        "token missing",
        "certificate invalid",
    ],
)
def test_a_receiver_that_is_refused_gets_no_offer_and_nobody_gets_a_secret(
    shelves: Shelves,
    daybreak: Daybreak,
    everywhere: Everywhere,
    certified: tuple[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, Any],
    said: list[str],
) -> None:
    for name, value in variables.items():
        if value is None:
            monkeypatch.delenv(f"DAYBREAK_PUSH_{name}")
        else:
            monkeypatch.setenv(f"DAYBREAK_PUSH_{name}", certified[0] if value == "certified" else value)
    code, told = daybreak("run", "shelf_offers", "--partition", DAY)
    assert code == 1
    assert " Next: " in told
    assert [part for part in said if part not in told and part != "refused"] == []
    assert shelves.last_run()["state"] == "failed"
    assert shelves.active() == {}
    for place, content in (("what it said", told.encode()), *everywhere()):
        for secret in SECRETS:
            assert secret.encode() not in content, place


def test_a_receiver_whose_certificate_is_vouched_for_gets_the_offers(
    shelves: Shelves, daybreak: Daybreak, certified: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYBREAK_PUSH_URL", certified[0])
    monkeypatch.setenv("DAYBREAK_PUSH_CA_FILE", str(certified[1]))
    code, told = daybreak("run", "shelf_offers", "--partition", DAY)
    assert (code, "24 sent now" in told) == (0, True), told
    assert not shelves.receiver.faults.seen


def test_a_secret_that_was_left_somewhere_is_found(shelves: Shelves, everywhere: Everywhere) -> None:
    shelves.execute(f"UPDATE ledger.alias_history SET reason = 'Bearer {TOKEN}'")
    (shelves.workspace.settings.home / "left").write_text(f"signed with {SIGNING_KEY}")
    found = [place for place, content in everywhere() if any(secret.encode() in content for secret in SECRETS)]
    assert [place.rpartition("/")[2] for place in found] == ["ledger.alias_history", "left"]
