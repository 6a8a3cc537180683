"""What goes into a delivery and what comes of it: a prepared chunk, then a receipt or the trouble there was."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class PreparedChunk:
    """A chunk ready to be sent: its idempotency key, the ids of its items, and its body, which is never shown."""

    key: str
    items: tuple[str, ...]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Receipt:
    """What the receiver answered about a chunk: the items it has, and those it rejected with its reasons.

    ``repeated`` says that the receiver had processed the chunk before, and gave the answer of that time.
    """

    key: str
    acknowledged: tuple[str, ...]
    rejected: Mapping[str, str]
    attempts: int
    sent_at: datetime
    answered_at: datetime
    repeated: bool


@dataclass(frozen=True)
class Trouble:
    """Why a chunk was not acknowledged, and whether the same request may succeed later.

    ``pause`` is how many seconds the receiver asked to wait. ``next_step`` is set where nothing is tried again.
    """

    problem: str
    status: int | None = None
    pause: float | None = None
    next_step: str | None = None

    @property
    def terminal(self) -> bool:
        """Tell whether the same request fails again."""
        return self.next_step is not None
