"""However a delivery fails, no log, message, representation or traceback shows a secret or what was sent."""

import io
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from rich.console import Console
from rich.traceback import Traceback

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.errors import DaybreakError
from daybreak.push.client import DeliveryClient, Receipt
from promotions import PROBABILITY, SIGNING_KEY, TOKEN, Promotions, chunks, promotions_database, serve
from retail.promotions_system.faults import Fault

OTHER = "secret-of-the-wrong-kind-0123456789"
SHOWN_NEVER = (TOKEN, SIGNING_KEY, OTHER, str(PROBABILITY), str(PROBABILITY)[2:])
ECHO = f'{{"you sent": {PROBABILITY}, "with": "Bearer {TOKEN}", "signed by": "{SIGNING_KEY}"}}'


@pytest.fixture(scope="module")
def running(postgres: EmbeddedPostgres) -> Iterator[Promotions]:
    with serve(promotions_database(postgres, "promotions_secrets")) as promotions:
        yield promotions


@pytest.fixture
def promotions(running: Promotions) -> Promotions:
    running.empty()
    return running


def attempt(promotions: Promotions, target: dict[str, Any]) -> list[Receipt]:
    return list(DeliveryClient(promotions.target(**target)).deliver(chunks(5)))


def everything_rendered(error: BaseException) -> Iterator[str]:
    yield from (str(error), repr(error), repr(vars(error)))
    assert error.__context__ is None, "a second traceback would be rendered too"
    assert error.__traceback__ is not None
    frames = error.__traceback__.tb_next  # without the test's own, which knows what it made the receiver say
    rendering = traceback.TracebackException(type(error), error, frames, capture_locals=True)
    yield "".join(rendering.format())
    console = Console(file=io.StringIO(), width=10_000)
    console.print(
        Traceback.from_exception(
            type(error),
            error,
            frames,
            show_locals=True,
            locals_max_length=None,
            locals_max_string=None,
        )
    )
    yield console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("faults", "target"),
    [
        ([], {"token": SecretStr(OTHER)}),
        ([], {"signing_key": SecretStr(OTHER)}),
        ([Fault(kind="answer", status=400, text=ECHO)], {"token": SecretStr(TOKEN)}),
        ([Fault(kind="answer", status=500, text=ECHO, times=None)], {"open_circuit_after": 3}),
        ([Fault(kind="answer", status=302, location=f"https://{TOKEN}@{TOKEN}.example/{PROBABILITY}")], {}),
        ([Fault(kind="garble", text=ECHO, times=None)], {"open_circuit_after": 3}),
        ([Fault(kind="cut_after", times=None)], {"open_circuit_after": 3}),
        ([Fault(kind="drip", seconds=0.1, times=None)], {"open_circuit_after": 3, "request_seconds": 0.2}),
        ([Fault(kind="delay", seconds=1, times=None)], {"deadline_seconds": 0.3}),
        ([], {"base_url": "http://127.0.0.1:1", "open_circuit_after": 3}),
        ([], {"base_url": "https://elsewhere.example"}),
        ([], {"token": SecretStr(f"{TOKEN}\n{TOKEN}")}),
        ([], {"signing_key": SecretStr(SIGNING_KEY[:20])}),
        ([], {"path": f"/v1/offers?token={TOKEN}"}),
    ],
    ids=[
        "token wrong",
        "signing key wrong",
        "refused with an echo",
        "failed with an echo",
        "redirected with secrets",
        "echoed instead of answered",
        "cut",
        "dripping",
        "late",
        "nobody there",
        "host not allowed",
        "token broken",
        "signing key short",
        "token in the path",
    ],
)
def test_a_failed_delivery_shows_no_secret_and_nothing_that_was_sent(
    promotions: Promotions, faults: list[Fault], target: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    promotions.faults.plan(*faults)
    with pytest.raises(DaybreakError) as raised:
        attempt(promotions, target)
    rendered = list(everything_rendered(raised.value))
    assert any("deliver" in text or "_refuse" in text for text in rendered[-2:]), "no frames were rendered"
    for text in (*rendered, caplog.text):
        for secret in SHOWN_NEVER:
            # Where the path itself holds the token, those who wrote it there see it in their own frame.
            if "path" not in target or text in rendered[:3]:
                assert secret not in text


def test_a_good_delivery_logs_no_secret_and_nothing_that_was_sent(
    promotions: Promotions, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receipts = attempt(promotions, {})
    assert len(receipts) == 5
    assert "/v1/offers" in caplog.text, "the HTTP library's own lines were not captured"
    for secret in SHOWN_NEVER:
        assert secret not in caplog.text + repr(receipts)


def test_what_is_about_to_be_sent_does_not_show_itself(promotions: Promotions) -> None:
    client = DeliveryClient(promotions.target())
    for secret in SHOWN_NEVER:
        assert secret not in repr(chunks(2)) + repr(client) + repr(vars(client))
