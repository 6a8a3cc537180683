"""Channels: who is told what, as the settings say it; sending is Apprise's, which is loaded where a message is sent."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr

from daybreak.errors import ConfigurationError
from daybreak.monitoring.need_kinds import Severity
from daybreak.settings import Settings

if TYPE_CHECKING:
    from apprise import Apprise

# What Apprise may wait for in a connection, and then for an answer, where the address does not say.
_SECONDS = {"cto": "5", "rto": "10"}
_RULE = re.compile(r"(?P<name>\w+)=(?P<what>critical|warning|digest)(?:@(?P<owner>[^@,=]+))?")
_LEAST: dict[str, Severity | None] = {"critical": "critical", "warning": "warning", "digest": None}
_INSTALL = "install requirements/alerts.txt, or the extra `alerts`."


@dataclass(frozen=True)
class Rule:
    """What a channel is told: incidents from a severity on, of one owner or of all; or the digest, where it is None."""

    least: Severity | None
    owner: str | None = None


@dataclass(frozen=True)
class Channel:
    """One address of the settings, by its name; the address itself is shown nowhere."""

    name: str
    url: SecretStr
    rules: tuple[Rule, ...]

    @property
    def wants_digest(self) -> bool:
        """Whether it gets the digest."""
        return any(rule.least is None for rule in self.rules)

    def wants(self, severity: str, owner: str | None) -> bool:
        """Whether it is told of such an incident."""
        return any(
            rule.least == "warning" or rule.least == severity
            for rule in self.rules
            if rule.least is not None and rule.owner in (None, owner)
        )


def read_channels(settings: Settings) -> tuple[Channel, ...]:
    """Read who is told what. Raises ConfigurationError where that is not said in the way it has to be."""
    rules: dict[str, list[Rule]] = {name: [] for name in settings.alert}
    for text in filter(None, (part.strip() for part in settings.alerts.split(","))):
        found = _RULE.fullmatch(text)
        if not found or (found["what"] == "digest" and found["owner"]):
            raise ConfigurationError(
                f"DAYBREAK_ALERTS has '{text}', which says nothing of a channel.",
                next_step="write NAME=critical, NAME=warning, NAME=warning@OWNER or NAME=digest, separated by commas.",
            )
        name = found["name"].lower()
        if name not in rules:
            raise ConfigurationError(
                f"DAYBREAK_ALERTS names the channel '{name}', which has no address.",
                next_step=f"give its Apprise URL in DAYBREAK_ALERT_{name.upper()}, or take it out.",
            )
        rules[name].append(Rule(_LEAST[found["what"]], found["owner"]))
    every = (Rule("warning"),) if not any(rules.values()) else ()
    return tuple(Channel(name, url, tuple(rules[name]) or every) for name, url in settings.alert.items())


class Sender:
    """Send messages; an address is read once."""

    def __init__(self) -> None:
        self._opened: dict[str, Apprise | str] = {}

    def send(self, channel: Channel, title: str, body: str) -> str | None:
        """Send one message as text; return what went wrong, without the address, or None."""
        if channel.name not in self._opened:
            self._opened[channel.name] = _open(channel)
        opened = self._opened[channel.name]
        if isinstance(opened, str):
            return opened
        from apprise import NotifyFormat

        with _quiet():
            try:
                taken = bool(opened.notify(title=title, body=body, body_format=NotifyFormat.TEXT))
            except Exception as error:
                return f"it failed ({type(error).__name__})"
        return None if taken else "it did not take the message"


def _open(channel: Channel) -> "Apprise | str":
    try:
        from apprise import Apprise, AppriseAsset
    except ImportError:
        return f"Apprise is not installed: {_INSTALL}"
    # A receiver must not send a message on to a host that nobody has named.
    asset = AppriseAsset(http_redirects=False, app_id="Daybreak", app_desc="Daybreak")
    with _quiet():
        found = Apprise(asset=asset)
        understood = found.add(_bounded(channel.url.get_secret_value()))
    return found if understood and len(found) else "its address is none that Apprise understands"


def _bounded(url: str) -> str:
    bounds = "&".join(f"{name}={value}" for name, value in _SECONDS.items() if f"{name}=" not in url)
    return f"{url}{'&' if '?' in url else '?'}{bounds}" if bounds else url


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Apprise's lines out of the log: addresses, keys in headers and the message itself would be in them."""
    loggers = [logging.getLogger(name) for name in ("apprise", "urllib3.connectionpool")]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled
