"""A promotions system that is starved, crowded or given new secrets: it goes on, and says what is wrong."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from daybreak.push.signing import signed_headers
from loopback import loopback
from promotions import DAY, KEY, OTHER_KEY, SIGNING_KEY, TOKEN, Promotions, body, offer, promotions_database, serve
from waiting import LONG

NEW_TOKEN, NEW_KEY = "new-token-of-the-tests-0815", "new-signing-key-of-the-tests-9876543210"
CONNECTIONS = 5


@pytest.fixture(scope="module")
def impatient(postgres: Any) -> Iterator[Promotions]:
    with serve(
        promotions_database(postgres, "promotions_impatient"),
        misbehaves=False,
        header_seconds=0.3,
        body_seconds=0.3,
        max_connections=CONNECTIONS,
        previous_token=SecretStr(NEW_TOKEN),
        previous_signing_key=SecretStr(NEW_KEY),
    ) as running:
        yield running


def connected(promotions: Promotions) -> socket.socket:
    url = httpx.URL(promotions.url)
    return socket.create_connection((url.host, url.port or 0), timeout=LONG)


def answered(connection: socket.socket) -> bytes:
    """Read until the other side closes, which it has to."""
    told = b""
    while piece := connection.recv(1000):
        told += piece
    return told


HEAD = f"POST /v1/offers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nIdempotency-Key: {KEY}\r\n"


@pytest.mark.parametrize("sent", ["", "POST /v1/offers HT", HEAD], ids=["nothing", "half a line", "half a head"])
def test_a_head_that_does_not_come_is_not_waited_for(impatient: Promotions, sent: str) -> None:
    with connected(impatient) as connection:
        connection.sendall(sent.encode())
        assert answered(connection).startswith(b"HTTP/1.1 408")


def test_a_head_that_comes_drop_by_drop_is_not_waited_for(impatient: Promotions) -> None:
    with connected(impatient) as connection:
        for drop in HEAD:  # twice it would be no head any more, and refused as such
            try:
                connection.sendall(drop.encode())
            except OSError:
                break
            time.sleep(0.02)
        else:
            pytest.fail("it was waited for")


def test_a_head_that_does_not_come_after_an_answer_is_not_waited_for_either(impatient: Promotions) -> None:
    with connected(impatient) as connection:
        connection.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /v1/hea")
        assert b"HTTP/1.1 408" in answered(connection)


def test_a_body_that_does_not_come_is_not_waited_for(impatient: Promotions) -> None:
    with connected(impatient) as connection:
        connection.sendall(f'{HEAD}Content-Length: 1000\r\n\r\n{{"pipeline"'.encode())
        told = answered(connection)
    assert told.startswith(b"HTTP/1.1 408")
    assert b"chunk_slow" in told


def test_more_connections_than_it_takes_are_told_to_come_again(impatient: Promotions) -> None:
    with ExitStack() as crowd:
        for _ in range(CONNECTIONS):
            crowd.enter_context(connected(impatient))
        with connected(impatient) as one_more:
            assert b"HTTP/1.1 503" in answered(one_more)
    assert impatient.post(body([offer(1)]), KEY).status_code == 200


@pytest.mark.parametrize("token", [TOKEN, NEW_TOKEN])
@pytest.mark.parametrize("key", [SIGNING_KEY, NEW_KEY])
def test_old_and_new_secrets_are_accepted_side_by_side(impatient: Promotions, token: str, key: str) -> None:
    content = body([offer(1)])
    signed = signed_headers(SecretStr(key), int(time.time()), OTHER_KEY, content)
    answer = loopback().post(
        f"{impatient.url}/v1/offers", content=content, headers={**signed, "Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200
    listed = loopback().get(f"{impatient.url}/v1/offers?date={DAY}", headers={"Authorization": f"Bearer {token}"})
    assert listed.status_code == 200
