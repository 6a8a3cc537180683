"""How it listens: with bounds on connections, and on how long a request may take to arrive."""

import asyncio
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from retail.promotions_system.settings import PromotionsSettings

_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def server_config(settings: PromotionsSettings, app: ASGIApp, **more: Any) -> uvicorn.Config:
    """Configure the server as the settings say."""
    given = {
        "host": settings.host,
        "port": settings.port,
        "access_log": False,
        "ssl_certfile": settings.certificate_file,
        "ssl_keyfile": settings.key_file,
        "http": type("Impatient", (_Impatient,), {"settings": settings}),
        **more,
    }
    return uvicorn.Config(app, **given)


class _Impatient(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # which one it is, is decided at run time
    """A connection that is closed when its request's head does not arrive, or when there are too many others.

    The server itself waits for ever for a head. The clock runs from the first byte on, or from the connection: who
    sends a byte now and then does not set it back.
    """

    settings: PromotionsSettings

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._giving_up: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        if len(self.connections) > self.settings.max_connections:
            transport.write(_FULL)
            transport.close()
        else:
            self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()  # the head is here; whoever reads the body has a clock of their own
        elif self._giving_up is None:
            self._giving_up = self.loop.call_later(self.settings.header_seconds, self._give_up)

    def _stop(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_SLOW)
            self.transport.close()
