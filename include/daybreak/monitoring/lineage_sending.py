"""Lineage sending: events on their way to a collector, beside the run, which they neither fail nor hold up.

A collector that does not answer costs what ``PATIENCE`` says, once in a process, and one line in the log.
"""

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING

from daybreak.settings import Settings
from daybreak.telemetry.run_context import carried

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

log = logging.getLogger("daybreak")

# Seconds: of a request, and of waiting at the end for what is under way.
REQUEST, PATIENCE = 1.0, 3.0
_NEXT = "Next: check DAYBREAK_LINEAGE_URL and what answers there; the run itself is not concerned."


class LineageSender:
    """Make and send events in a thread of its own, in their order; after the first that fails no more are tried."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._events: SimpleQueue[Callable[[], RunEvent] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._problem: str | None = None

    def send(self, make: "Callable[[], RunEvent]") -> None:
        """Have an event made and sent; return at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="daybreak-lineage", daemon=True)
            self._thread.start()
        self._events.put(carried(make))

    def close(self) -> None:
        """Wait for what is under way, as long as ``PATIENCE`` says, and write down what was not sent."""
        if self._thread is None:
            return
        self._events.put(None)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            self._problem = f"no answer within {PATIENCE:g} s"
        if self._problem:
            log.warning("Lineage was not sent: %s. %s", self._problem, _NEXT)

    def _serve(self) -> None:
        while (make := self._events.get()) is not None:
            if self._problem:
                continue
            try:
                self._emit(make())
            except ImportError:
                self._problem = "openlineage-python is not installed, which requirements/lineage.txt has"
            except Exception as error:
                self._problem = _shown(error)

    def _emit(self, event: "RunEvent") -> None:
        from openlineage.client import OpenLineageClient
        from openlineage.client.transport.http import HttpConfig, HttpTransport

        token = self._settings.lineage_token
        auth = {"type": "api_key", "apiKey": token.get_secret_value()} if token else {}
        config = HttpConfig.from_dict(
            {
                "url": self._settings.lineage_url,
                "timeout": REQUEST,
                "retry": {"total": 0, "status_forcelist": []},
                "auth": auth,
            }
        )
        OpenLineageClient(transport=HttpTransport(config)).emit(event)


def _shown(error: Exception) -> str:
    # Its text may repeat the address, which may hold a login, and what was sent.
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"the collector answered {status}" if status else type(error).__name__
