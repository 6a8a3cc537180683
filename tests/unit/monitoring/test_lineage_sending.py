"""A collector in trouble costs a bounded time and one line, and what is told of it holds no secret."""

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

import pytest
from pydantic import SecretStr

from collectors import collecting
from daybreak.monitoring.lineage_sending import PATIENCE, LineageSender
from daybreak.settings import Settings

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

RUN = "01234567-89ab-4cde-8f01-23456789abcd"


def event() -> "RunEvent":
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

    return RunEvent(eventType=RunState.START, eventTime=datetime.now(UTC).isoformat(), run=Run(RUN), job=Job("a", "b"))


def settings(url: str) -> Settings:
    return Settings(lineage_url=url.replace("://", "://me:hush@"), lineage_token=SecretStr("hush"))


@pytest.mark.parametrize("how", ["away", "answers 500", "hangs"])
def test_a_collector_in_trouble_costs_a_bounded_time_and_one_line(how: str, caplog: pytest.LogCaptureFixture) -> None:
    with collecting(500 if how == "answers 500" else 200, hangs=5 if how == "hangs" else 0) as collector:
        sender = LineageSender(settings("http://127.0.0.1:9" if how == "away" else collector.url))
        started = time.monotonic()
        for _ in range(3):
            sender.send(event)
        handed_over = time.monotonic() - started
        sender.close()
        took = time.monotonic() - started
        sent = len(collector.bodies)
    assert handed_over < 0.5
    assert took < PATIENCE + 1
    [line] = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert line.startswith("Lineage was not sent: ")
    assert "hush" not in line
    assert ("500" in line) == (how == "answers 500")
    assert sent == (0 if how == "away" else 1)


def test_an_event_that_cannot_be_made_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> NoReturn:
        raise KeyError("41.5")

    sender = LineageSender(settings("http://127.0.0.1:9"))
    sender.send(broken)
    sender.close()
    assert "KeyError" in caplog.text
    assert "41.5" not in caplog.text


def test_events_come_in_order() -> None:
    with collecting() as collector:
        sender = LineageSender(settings(collector.url))
        for _ in range(3):
            sender.send(event)
        sender.close()
    assert [path for path, _ in collector.bodies] == ["/api/v1/lineage"] * 3
