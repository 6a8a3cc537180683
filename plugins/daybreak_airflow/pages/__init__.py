"""Pages: how the pipelines stand, inside Airflow, for people who know no Airflow.

The application is made at the first request: of Airflow's processes only the API server shows pages.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from threading import Lock
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Pages:
    """The application, as a server calls it."""

    def __init__(self) -> None:
        self._made: Any = None
        self._making = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if self._made is None:
            from starlette.concurrency import run_in_threadpool

            await run_in_threadpool(self._make)
        await self._made(scope, receive, send)

    def _make(self) -> None:
        with self._making:
            if self._made is None:
                from daybreak_airflow.pages.application import make_application

                self._made = make_application()
