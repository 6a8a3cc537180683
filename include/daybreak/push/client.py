"""Deliver chunks to a receiver, each exactly once: the same key over all repetitions, a receipt for each.

What is sent is held in memory only: at most as many chunks as may be in flight. It is not logged, and no error
carries it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from daybreak.errors import DeliveryRefused, DeliveryUnavailable
from daybreak.push.records import PreparedChunk, Receipt, Trouble
from daybreak.push.sender import STOPPED, Sender
from daybreak.push.sending_thread import SendingThread
from daybreak.push.target import DeliveryTarget

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
        with SendingThread(sender) as thread:
            source = iter(chunks)
            while progress.well and (chunk := progress.take(source)) is not None:
                thread.send(chunk)
                progress.in_flight += 1
                while progress.well and progress.in_flight >= self.target.max_in_flight:
                    yield from progress.land(thread)
            if not progress.well:
                thread.stop()
            while progress.in_flight:
                yield from progress.land(thread)
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
    """How many chunks are under way, how many were delivered, and which were not."""

    in_flight: int = 0
    delivered: int = 0
    troubles: list[tuple[str, Trouble]] = field(default_factory=list)
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

    def land(self, thread: SendingThread) -> Iterator[Receipt]:
        """Wait until something has come to its end, and yield the receipts."""
        landed = list(thread.landed())
        self.in_flight -= len(landed)
        self.troubles += [(key, result) for key, result in landed if isinstance(result, Trouble)]
        for _, result in landed:
            if isinstance(result, Receipt):
                self.delivered += 1
                yield result
