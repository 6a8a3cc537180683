"""Misbehave for real: late, refused, slow, garbled and endless answers, and connections cut at their socket."""

import asyncio
import math
import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retail.promotions_system.faults import Fault, Faults, Seen

_PIECE = b" " * 65_536


class Misbehaving:
    """Stand between the server and the service, and do to posted chunks what was asked for."""

    def __init__(self, service: ASGIApp, faults: Faults) -> None:
        self._service = service
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", "/v1/offers"):
            await self._service(scope, receive, send)
            return
        exchange = _Exchange(self._service, scope, receive, send)
        at, fault = time.time(), self._faults.take()
        self._faults.under_way += 1
        try:
            await exchange.read()
            await getattr(exchange, fault.kind)(fault)
        finally:
            self._faults.under_way -= 1
            self._faults.seen.append(Seen(at, exchange.header(b"idempotency-key"), fault.kind, exchange.status))


class _Exchange:
    """One posted chunk and its answer; a method for each kind of fault."""

    def __init__(self, service: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._service, self._scope, self._receive, self._send = service, scope, receive, send
        # uvicorn's send is a method of the object that holds the connection.
        self._connection: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
        self._sent: list[Message] = []
        self._body = b""
        self.status: int | None = None

    def header(self, name: bytes) -> str:
        found: bytes = dict(self._scope["headers"]).get(name, b"")
        return found.decode("latin-1")

    async def read(self) -> None:
        more = True
        while more:
            message = await self._receive()
            self._body += message.get("body", b"")
            more = message.get("more_body", False)

    async def none(self, _: Fault) -> None:
        await self._serve(self._send)

    async def delay(self, fault: Fault) -> None:
        await asyncio.sleep(fault.seconds)
        await self._serve(self._send)

    async def answer(self, fault: Fault) -> None:
        headers = {"location": fault.location} if fault.location else {}
        if fault.retry_after is not None:
            whole = math.ceil(fault.retry_after)
            by_date = fault.retry_after_as == "date"
            headers["retry-after"] = formatdate(math.ceil(time.time()) + whole, usegmt=True) if by_date else str(whole)
        await self._answer(fault.status, fault.text.encode(), headers)

    async def cut_before(self, _: Fault) -> None:
        await self._cut()

    async def cut_after(self, _: Fault) -> None:
        await self._serve(self._keep)
        await self._cut()

    async def drip(self, fault: Fault) -> None:
        await self._serve(self._keep)
        for byte in self._raw_answer():
            if self._connection.is_closing():
                break
            self._connection.write(bytes([byte]))
            await asyncio.sleep(fault.seconds)
        await self._cut()

    async def garble(self, fault: Fault) -> None:
        await self._serve(self._keep)
        await self._answer(200, fault.text.encode(), {})

    async def flood(self, _: Fault) -> None:
        await self._serve(self._keep)
        await self._send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        while not self._connection.is_closing():
            await self._send({"type": "http.response.body", "body": _PIECE, "more_body": True})
            await asyncio.sleep(0)

    async def _serve(self, send: Send) -> None:
        body = iter([{"type": "http.request", "body": self._body, "more_body": False}])

        async def receive() -> Message:
            return next(body, None) or await self._receive()

        async def noticed(message: Message) -> None:
            self.status = message.get("status", self.status)
            await send(message)

        await self._service(self._scope, receive, noticed)

    async def _keep(self, message: Message) -> None:
        self._sent.append(message)

    async def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        every = {"content-type": "application/json", "content-length": str(len(body)), **headers}
        pairs = [(name.encode(), value.encode()) for name, value in every.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})
        await self._send({"type": "http.response.body", "body": body})

    async def _cut(self) -> None:
        self._connection.abort()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _raw_answer(self) -> bytes:
        start, *rest = self._sent
        lines = [f"HTTP/1.1 {start['status']} {HTTPStatus(start['status']).phrase}".encode()]
        lines += [name + b": " + value for name, value in start["headers"]]
        return b"\r\n".join(lines) + b"\r\n\r\n" + b"".join(message.get("body", b"") for message in rest)
