"""Which faults are to come, for tests. They are off unless settings allow them.

Faults are taken in order, one for each chunk that is posted; when none is left the service behaves.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["none", "delay", "answer", "cut_before", "cut_after", "drip", "garble", "flood"]


class Fault(BaseModel):
    """How the next chunks are treated. The kinds:

    none: as always. delay: waits ``seconds``, then as always. answer: takes nothing in and answers ``status``, with
    Retry-After where ``retry_after`` is set. cut_before: takes nothing in and cuts the connection. cut_after: takes the
    chunk in, then cuts the connection instead of answering. drip: takes it in and answers a byte every ``seconds``.
    garble: takes it in and answers ``text``. flood: takes it in and answers without an end.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    times: int | None = Field(default=1, ge=1, description="How many chunks; all of them if null.")
    seconds: float = Field(default=0, ge=0)
    status: int = Field(default=500, ge=200, le=599)
    retry_after: float | None = Field(default=None, ge=0, description="Seconds, rounded up.")
    retry_after_as: Literal["seconds", "date"] = "seconds"
    location: str | None = None
    text: str = '{"results": [{"offer_id": '


@dataclass(frozen=True)
class Seen:
    """A chunk that was posted: when it was there, its idempotency key, how it was treated, what came of it.

    ``status`` is what the service itself answered, whether or not the answer was let through.
    """

    at: float
    key: str
    kind: Kind
    status: int | None


class Faults:
    """The faults to come, how many posted chunks are being treated, and those that have been."""

    def __init__(self, *faults: Fault) -> None:
        self._coming = deque(faults)
        self.seen: deque[Seen] = deque(maxlen=100_000)
        self.under_way = 0

    def plan(self, *faults: Fault) -> None:
        """Replace the faults to come."""
        self._coming = deque(faults)

    def coming(self) -> list[Fault]:
        """List the faults to come."""
        return list(self._coming)

    def take(self) -> Fault:
        """Return how to treat the chunk that has just come."""
        if not self._coming:
            return Fault(kind="none")
        fault = self._coming[0]
        if fault.times == 1:
            self._coming.popleft()
        elif fault.times is not None:
            self._coming[0] = fault.model_copy(update={"times": fault.times - 1})
        return fault


def serve_faults(app: FastAPI, faults: Faults, verified: Callable[..., Awaitable[None]]) -> None:
    """Let whoever has the token plan faults, see what was posted and forget it, for tests across processes."""
    router = APIRouter(prefix="/v1/faults", dependencies=[Depends(verified)], include_in_schema=False)

    @router.put("")
    async def plan(planned: list[Fault]) -> dict[str, Any]:
        faults.plan(*planned)
        return {"coming": faults.coming()}

    @router.get("")
    async def report() -> dict[str, Any]:
        return {"coming": faults.coming(), "under_way": faults.under_way, "seen": list(faults.seen)}

    @router.delete("")
    async def forget() -> dict[str, Any]:
        forgotten = len(faults.seen)
        faults.seen.clear()
        return {"forgotten": forgotten}

    app.include_router(router)
