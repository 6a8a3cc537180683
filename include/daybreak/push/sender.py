"""Send chunks over HTTP from one event loop: repetitions, pauses, and the circuit that ends them all."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import Any

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, wait_random_exponential

from daybreak.push.answer import Results
from daybreak.push.policy import judge_answer, judge_failure
from daybreak.push.records import PreparedChunk, Receipt, Trouble
from daybreak.push.signing import signed_headers
from daybreak.push.target import DeliveryTarget

STOPPED = Trouble("was not asked, because the delivery had stopped")


class Sender:
    """Send chunks to one target; everything happens in the event loop that entered it."""

    def __init__(self, target: DeliveryTarget) -> None:
        self._target = target
        self._secrets = (target.token.get_secret_value(), target.signing_key.get_secret_value())
        self._url = target.url
        self._tls = target.tls()
        self._deadline = time.monotonic() + target.deadline_seconds
        self._not_before = 0.0
        self._failures = 0
        self.reason = ""
        self._backoff = wait_random_exponential(multiplier=target.first_pause_seconds, max=target.longest_pause_seconds)

    async def __aenter__(self) -> "Sender":
        """Make the connection pool; proxies of the environment have no part in it."""
        target = self._target
        # When debugging, it would log the headers of an answer, which may repeat what was sent.
        logging.getLogger("httpcore").setLevel(logging.INFO)
        self._stopped = asyncio.Event()
        self._http = httpx.AsyncClient(
            verify=self._tls,
            trust_env=False,
            follow_redirects=False,
            headers={
                "Authorization": f"Bearer {self._secrets[0]}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Content-Type": "application/json",
                "User-Agent": "daybreak",
            },
            timeout=httpx.Timeout(target.read_seconds, connect=target.connect_seconds),
            # Less than servers keep an idle connection: one that is just being closed would cost a repetition.
            limits=httpx.Limits(
                max_connections=target.max_in_flight,
                max_keepalive_connections=target.max_in_flight,
                keepalive_expiry=3,
            ),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections, also those in use."""
        self.stop()
        await self._http.aclose()

    def stop(self, reason: str = "") -> None:
        """Make no further request; those under way come to their end. The first reason is kept."""
        self.reason = self.reason or reason
        self._stopped.set()

    async def send(self, chunk: PreparedChunk) -> Receipt | Trouble:
        """Send a chunk until it is settled, the deadline comes too near, or the delivery stops."""
        attempts = _Attempts()
        settled: tuple[Results, bool] | Trouble = await AsyncRetrying(
            retry=retry_if_result(_may_succeed_later),
            wait=self._pause,
            stop=self._must_end,
            sleep=self._sleep,
            retry_error_callback=_last_result,
        )(self._attempt, chunk, attempts)
        if isinstance(settled, Trouble):
            return settled
        results, repeated = settled
        return Receipt(
            key=chunk.key,
            acknowledged=results.acknowledged,
            rejected=dict(results.rejected),
            attempts=attempts.number,
            sent_at=attempts.first_at or datetime.now(UTC),
            answered_at=datetime.now(UTC),
            repeated=repeated,
        )

    async def _attempt(self, chunk: PreparedChunk, attempts: "_Attempts") -> tuple[Results, bool] | Trouble:
        # Whoever was asked to wait was asked for all of us.
        while (wait := self._not_before - time.monotonic()) > 0 and not self._stopped.is_set():
            await self._sleep(wait)
        left = self._deadline - time.monotonic()
        if left <= 0:
            self._stop_late()
        if self._stopped.is_set():
            return attempts.trouble or STOPPED
        attempts.begin()
        try:
            async with asyncio.timeout(min(self._target.request_seconds, left)):
                judged = await self._exchange(chunk)
        except Exception as error:
            judged = judge_failure(error)
        if isinstance(judged, Trouble):
            attempts.trouble = judged
            self._heed(judged)
        else:
            self._failures = 0
        return judged

    async def _exchange(self, chunk: PreparedChunk) -> tuple[Results, bool] | Trouble:
        headers = signed_headers(self._target.signing_key, int(time.time()), chunk.key, chunk.body)
        async with self._http.stream("POST", self._url, content=chunk.body, headers=headers) as response:
            body = await self._read(response)
        judged = judge_answer(response, body, chunk.items, self._secrets)
        if isinstance(judged, Trouble):
            return judged
        return judged, response.headers.get("idempotent-replayed") == "true"

    async def _read(self, response: httpx.Response) -> bytes | None:
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > self._target.max_answer_bytes:
                return None
        return bytes(body)

    def _heed(self, trouble: Trouble) -> None:
        if trouble.terminal:
            self._failures = 0
        elif trouble.pause is not None:
            self._not_before = max(self._not_before, time.monotonic() + trouble.pause)
        else:
            self._failures += 1
        if trouble.terminal:
            self.stop()
        elif self._failures >= self._target.open_circuit_after:
            self.stop(f"Given up after {self._failures} failures in a row.")

    def _pause(self, state: RetryCallState) -> float:
        backoff = self._backoff(state)
        trouble = state.outcome.result() if state.outcome else STOPPED
        # Never earlier than asked; a little later, so that not all come back at once.
        return backoff if trouble.pause is None else trouble.pause + min(backoff, self._target.first_pause_seconds)

    def _must_end(self, state: RetryCallState) -> bool:
        if time.monotonic() + state.upcoming_sleep >= self._deadline:
            self._stop_late()
        return self._stopped.is_set()

    def _stop_late(self) -> None:
        self.stop(f"The deadline of {self._target.deadline_seconds:,g} s leaves no time to try again.")

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopped.wait()
        except TimeoutError:
            pass


class _Attempts:
    """How often a chunk was sent, since when, and what came of it last."""

    def __init__(self) -> None:
        self.number = 0
        self.first_at: datetime | None = None
        self.trouble: Trouble | None = None

    def begin(self) -> None:
        self.number += 1
        self.first_at = self.first_at or datetime.now(UTC)


def _may_succeed_later(settled: object) -> bool:
    return isinstance(settled, Trouble) and not settled.terminal


def _last_result(state: RetryCallState) -> Any:
    return state.outcome.result() if state.outcome else STOPPED
