"""Channels: who is told what, by real mail and HTTP on loopback, and that no address is shown."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr

from collectors import collecting
from daybreak.errors import ConfigurationError
from daybreak.monitoring.channels import Channel, Sender, read_channels
from daybreak.settings import Settings
from ports import free_port
from receivers import receiving_mail


def channels(alerts: str = "", **alert: str) -> dict[str, Channel]:
    made = {name: SecretStr(url) for name, url in (alert or {"oncall": "json://a", "team": "json://b"}).items()}
    return {one.name: one for one in read_channels(Settings(alert=made, alerts=alerts))}


def channel(url: str) -> Channel:
    return channels(team=url)["team"]


def test_without_rules_every_channel_is_told_of_everything_and_gets_no_digest() -> None:
    for one in channels().values():
        assert (one.wants("critical", None), one.wants("warning", "depots"), one.wants_digest) == (True, True, False)


def test_rules_say_who_is_told_from_which_severity_on_and_of_whose_pipelines() -> None:
    found = channels("oncall=critical, team=warning@depots,TEAM=digest")
    assert [found["oncall"].wants(severity, None) for severity in ("critical", "warning")] == [True, False]
    assert [found["team"].wants("warning", owner) for owner in ("depots", "shops", None)] == [True, False, False]
    assert (found["oncall"].wants_digest, found["team"].wants_digest) == (False, True)
    # Who is not named where somebody is, is told nothing.
    assert not channels("oncall=critical")["team"].wants("critical", None)


@pytest.mark.parametrize("alerts", ["team", "team=loud", "team=digest@depots", "team=warning@", "=critical"])
def test_a_rule_that_says_nothing_is_refused(alerts: str) -> None:
    with pytest.raises(ConfigurationError, match=r"says nothing of a channel\. Next: write NAME=critical"):
        channels(alerts)


def test_a_channel_without_an_address_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'boss', which has no address\. Next: .*DAYBREAK_ALERT_BOSS"):
        channels("boss=critical")


def test_channels_are_variables_of_their_own_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBREAK_ALERT_ONCALL", "slack://T1/B2/SECRETSECRET")
    settings = Settings()
    assert settings.alert["oncall"].get_secret_value() == "slack://T1/B2/SECRETSECRET"
    assert "SECRET" not in repr(settings) + repr(read_channels(settings))


def test_a_mail_is_plain_text_with_nothing_taken_for_markup_or_a_header() -> None:
    with receiving_mail() as mailbox:
        assert (
            Sender().send(channel(mailbox.url), "late\nBcc: eve@example.com", "a <b>bold</b> & plain\nNext: see.")
            is None
        )
        [(subject, body)] = mailbox.mails
    assert "\n" not in subject
    assert body.splitlines() == ["a <b>bold</b> & plain", "Next: see."]


def test_a_server_that_refuses_and_one_that_is_away_are_told_without_the_address() -> None:
    away = f"json://user:SECRET@127.0.0.1:{free_port()}/path"
    with receiving_mail() as mailbox:
        mailbox.refuses = True
        problems = [Sender().send(channel(url), "a", "b") for url in (mailbox.url, away, "nosuch://SECRET")]
        assert mailbox.mails == []
    assert problems[:2] == ["it did not take the message"] * 2
    assert problems[2] == "its address is none that Apprise understands"


def test_neither_address_nor_message_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with collecting(status=500) as collector:
        url = f"{collector.url.replace('http://', 'json://login:PASSWORD@')}/PATHKEY?+X-Key=HEADERKEY"
        for address in (url, "nosuch://SECRET", f"{url}&retry=1&wait=0.1"):
            assert Sender().send(channel(address), "TITLE", "BODY") is not None
    assert not [word for word in ("PASSWORD", "PATHKEY", "HEADERKEY", "SECRET", "TITLE", "BODY") if word in caplog.text]


@contextmanager
def redirecting(to: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(307)
            self.send_header("Location", to)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_receiver_cannot_send_a_message_on_to_another_host() -> None:
    with collecting() as elsewhere, redirecting(elsewhere.url) as url:
        assert Sender().send(channel(url), "a", "b") == "it did not take the message"
        assert elsewhere.bodies == []
