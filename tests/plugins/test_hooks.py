"""The hook: what an Airflow Connection leads to, what is refused, and that its secrets show nowhere."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from daybreak.errors import ConfigurationError
from daybreak_airflow.hooks import NUMBERS, PromotionsHook
from promotions import SIGNING_KEY, TOKEN

CONNECTION: dict[str, Any] = {
    "conn_type": "generic",
    "schema": "https",
    "host": "promotions.example",
    "port": 8443,
    "password": TOKEN,
    "extra": {"signing_key": SIGNING_KEY},
}


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that makes the Connection, with changes."""
    monkeypatch.setenv("DAYBREAK_PUSH_ALLOWED_HOSTS", "promotions.example, 127.0.0.1,::1")

    def make(**changes: Any) -> PromotionsHook:
        monkeypatch.setenv("AIRFLOW_CONN_PROMOTIONS", json.dumps({**CONNECTION, **changes}))
        return PromotionsHook("promotions")

    return make


def test_a_connection_leads_to_a_target(connection: Any) -> None:
    target = connection().target()
    assert str(target.url) == "https://promotions.example:8443/v1/offers"
    assert (target.token.get_secret_value(), target.signing_key.get_secret_value()) == (TOKEN, SIGNING_KEY)
    assert set(target.allowed_hosts) == {"promotions.example", "127.0.0.1", "::1"}
    assert target.ca_file is None


def test_without_a_schema_it_is_https(connection: Any) -> None:
    assert str(connection(schema=None, port=None).target().url) == "https://promotions.example/v1/offers"


def test_an_address_of_the_sixth_version_is_understood(connection: Any) -> None:
    assert str(connection(host="::1", schema="http").target().url) == "http://[::1]:8443/v1/offers"


def test_the_extra_gives_the_authorities_and_any_number(connection: Any) -> None:
    numbers = {name: n + 1 for n, name in enumerate(NUMBERS)}
    target = connection(extra={"signing_key": SIGNING_KEY, "ca_file": "/etc/ca.pem", **numbers}).target()
    assert target.ca_file == Path("/etc/ca.pem")
    assert {name: getattr(target, name) for name in NUMBERS} == numbers


def test_every_number_of_the_extra_is_one_of_the_targets() -> None:
    from dataclasses import fields

    from daybreak.push.target import DeliveryTarget

    assert set(NUMBERS) <= {field.name for field in fields(DeliveryTarget)}


def test_making_the_hook_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_PROMOTIONS", raising=False)
    monkeypatch.setenv("DAYBREAK_PORT", "no number")  # settings that cannot be read
    PromotionsHook("not_there")


def test_the_hook_gives_a_client_of_the_target(connection: Any) -> None:
    hook = connection()
    assert hook.get_conn().target == hook.target()


@pytest.mark.parametrize(
    ("changes", "told", "advice"),
    [
        ({"host": "elsewhere.example"}, "elsewhere.example is not allowed", "allow-list"),
        ({"schema": "http"}, "Plain http to promotions.example", "use https"),
        ({"schema": "ftp"}, "not one of http or https", "https://HOST"),
        ({"host": None}, "has no Host", "port as Port"),
        ({"host": f"https://{TOKEN}@promotions.example"}, "more than a name as Host", "port as Port"),
        ({"password": None}, "token is empty", "copy the token"),
        ({"extra": None}, "signing key has fewer than 32 characters", "openssl rand"),
        ({"extra": {"signing_key": SIGNING_KEY[:20]}}, "signing key has fewer than 32 characters", "openssl rand"),
        ({"extra": {"signing_key": SIGNING_KEY, "timeout": 3}}, "has timeout in its extra", "read_seconds"),
        ({"extra": {"signing_key": SIGNING_KEY, "read_seconds": "soon"}}, "other than numbers in read_seconds", "give"),
        ({"extra": {"signing_key": SIGNING_KEY, "read_seconds": -1}}, "read_seconds is not above 0", "larger"),
        ({"extra": json.dumps([SIGNING_KEY])}, "extra that is no JSON object", "docs/settings.md"),
    ],
)
def test_a_connection_that_is_not_right_is_refused_in_one_line(
    connection: Any, changes: dict[str, Any], told: str, advice: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        connection(**changes).target()
    problem, _, next_step = str(refused.value).partition(" Next: ")
    assert told in problem
    assert advice in next_step
    assert TOKEN not in str(refused.value)
    assert SIGNING_KEY[:20] not in str(refused.value)


def test_a_connection_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_PROMOTIONS", raising=False)
    with pytest.raises(ConfigurationError, match=r"Connection 'promotions' is not defined\. Next: make it"):
        PromotionsHook("promotions").target()


def test_secrets_show_neither_in_the_hook_nor_in_the_target_nor_in_a_log(
    connection: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hook = connection(extra={"signing_key": SIGNING_KEY, "max_in_flight": 2})
    target = hook.target()
    for shown in (repr(hook), str(vars(hook)), repr(target), caplog.text):
        assert TOKEN not in shown
        assert SIGNING_KEY not in shown


def test_airflow_masks_both_secrets_once_the_connection_was_read(connection: Any) -> None:
    """Of the extra, Airflow by itself masks only what it knows the name of; the signing key is not of those."""
    from airflow.sdk.log import redact

    token, signing_key = "token-of-this-test-only", "signing-key-of-this-test-only-0123456789"
    printed = f"before {token} between {signing_key} after"
    assert redact(printed) == printed
    connection(password=token, extra={"signing_key": signing_key}).target()
    assert redact(printed) == "before *** between *** after"
