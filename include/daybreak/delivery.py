"""Deliver chunks to a receiver, each exactly once: the same key over all repetitions, a receipt for each.

What is sent is held in memory only: at most as many chunks as may be in flight. It is not logged, and no error
carries it.
"""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import NoReturn

from daybreak.delivery_records import PreparedChunk, Receipt, Trouble
from daybreak.delivery_target import DeliveryTarget
from daybreak.errors import DeliveryRefused, DeliveryUnavailable
from daybreak.sender import STOPPED, Sender

__all__ = ["DeliveryClient", "DeliveryTarget", "PreparedChunk", "Receipt"]

_RESUME = (
    "see the open chunks with `daybreak deliveries`; when the receiver is well, send them: `daybreak push --resume`."
)


class DeliveryClient:
    """Deliver to one target. Chunks are taken, and receipts given, in the caller's thread."""

    def __init__(self, target: DeliveryTarget) -> None:
        self.target = target

    def deliver(self, chunks: Iterable[PreparedChunk]) -> Iterator[Receipt]:
        """Send chunks and yield each one's receipt as it comes, in no particular order.

        At the first chunk that cannot be delivered no further one is taken or sent. What is under way comes to its
        end and its receipts are yielded; then ``DeliveryRefused`` or ``DeliveryUnavailable`` is raised with the keys
        that are open. An error of ``chunks`` itself is raised in the same way. Items that the receiver rejects are in
        the receipt and do not stop the delivery.
        """
        sender = Sender(self.target)
        progress = _Progress()
        with _Line(sender) as line:
            source = iter(chunks)
            while progress.well and (chunk := progress.take(source)) is not None:
                progress.flying[line.send(chunk)] = chunk.key
                while progress.well and len(progress.flying) >= self.target.max_in_flight:
                    yield from progress.land()
            if not progress.well:
                line.stop()
            while progress.flying:
                yield from progress.land()
        if progress.source_error is not None:
            raise progress.source_error
        if progress.troubles:
            self._raise(progress, sender.reason)

    def _raise(self, progress: "_Progress", reason: str) -> NoReturn:
        told = [trouble for _, trouble in progress.troubles if trouble is not STOPPED] or [STOPPED]
        worst = next((trouble for trouble in told if trouble.terminal), told[-1])
        keys = tuple(key for key, _ in progress.troubles)
        kind = DeliveryRefused if worst.terminal else DeliveryUnavailable
        sentences = (
            f"The receiver at {self.target.host} {worst.problem}.",
            reason,
            f"Delivered: {progress.delivered:,} chunks. Open: {len(keys):,}, the first with key {keys[0][:12]}….",
        )
        raise kind(
            " ".join(filter(None, sentences)),
            next_step=worst.next_step or _RESUME,
            status=worst.status,
            open_keys=keys,
            delivered=progress.delivered,
        )


@dataclass
class _Progress:
    """What is under way, what was delivered and what was not."""

    flying: "dict[Future[Receipt | Trouble], str]" = field(default_factory=dict)
    troubles: list[tuple[str, Trouble]] = field(default_factory=list)
    delivered: int = 0
    source_error: Exception | None = None

    @property
    def well(self) -> bool:
        """Tell whether nothing has gone wrong."""
        return not self.troubles and self.source_error is None

    def take(self, source: Iterator[PreparedChunk]) -> PreparedChunk | None:
        """Take the next chunk; none where the source has ended or failed."""
        try:
            return next(source, None)
        except Exception as error:
            self.source_error = error
            return None

    def land(self) -> Iterator[Receipt]:
        """Wait until something has come to its end, and yield the receipts."""
        done, _ = wait(self.flying, return_when=FIRST_COMPLETED)
        landed = [(self.flying.pop(future), future.result()) for future in done]
        self.troubles += [(key, result) for key, result in landed if isinstance(result, Trouble)]
        for _, result in landed:
            if isinstance(result, Receipt):
                self.delivered += 1
                yield result


class _Line:
    """An event loop in a thread of its own: answers are read and times kept whatever the caller is busy with."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._ready: Future[asyncio.Event] = Future()
        self._thread = threading.Thread(target=self._serve, name="daybreak-delivery", daemon=True)

    def __enter__(self) -> "_Line":
        self._thread.start()
        self._ended = self._ready.result()
        return self

    def __exit__(self, *_: object) -> None:
        # The loop that ends cancels what is under way and closes the connections.
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    def send(self, chunk: PreparedChunk) -> "Future[Receipt | Trouble]":
        """Begin to send a chunk."""
        return asyncio.run_coroutine_threadsafe(self._sender.send(chunk), self._loop)

    def stop(self) -> None:
        """Make no further request."""
        self._loop.call_soon_threadsafe(self._sender.stop)

    def _serve(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        async with self._sender:
            self._ready.set_result(ended)
            await ended.wait()
