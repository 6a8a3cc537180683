"""Push: predictions go from memory to the receiver, each offer once, and nowhere else.

Chunks are written down by key and keyed digest before the first request, so that whatever happens between two lines,
the next try knows what is open. What the receiver still lists of the partition, and this run does not offer, is
withdrawn.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from daybreak.deliveries import Deliveries, Opened
from daybreak.delivery import DeliveryClient, DeliveryTarget, PreparedChunk
from daybreak.delivery_listing import active_offers
from daybreak.errors import DeliveryRefused, DeliveryUnavailable
from daybreak.keys import chunk_key, content_digest
from daybreak.pipeline import Push
from daybreak.plan import Plan
from daybreak.warehouse import Warehouse

Items = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Pushed:
    """What came of a push, in numbers. ``superseded`` is the newer run that had pushed before, if any."""

    offers: int
    sent: int
    withdrawn: int
    rejected: int
    superseded: int | None = None


class Pusher:
    """Push the offers of one run to one receiver."""

    def __init__(
        self, warehouse: Warehouse, plan: Plan, push: Push, target: DeliveryTarget, lock_seconds: float
    ) -> None:
        self._plan = plan
        self._push = push
        self._target = target
        self._client = DeliveryClient(target)
        self._secret: SecretStr = target.signing_key
        self._lock_seconds = lock_seconds
        self._deliveries = Deliveries(warehouse, plan.pipeline, plan.partition.day)

    def push(self, snapshot_digest: str, offers: Items) -> Pushed:
        """Send what was not acknowledged before, then withdraw what is no longer offered.

        Raises DeliveryRefused or DeliveryUnavailable where chunks stay open; a later try sends only those.
        """
        with self._deliveries.alone(self._lock_seconds):
            newest = self._deliveries.newest_run()
            if newest is not None and newest > self._plan.run_id:
                return Pushed(len(offers), 0, 0, 0, superseded=newest)
            bodies = [self._body(offers=part) for part in _parts(offers, self._push.chunk_items)]
            generation = self._deliveries.generation([content_digest(self._secret, body) for body, _ in bodies])
            chunks = [
                self._prepared("offers", generation, snapshot_digest, position, body, ids)
                for position, (body, ids) in enumerate(bodies)
            ]
            sent, rejected = self._send(generation, snapshot_digest, chunks)
            withdrawn, refused = self._withdraw(generation, snapshot_digest, {str(o["offer_id"]) for o in offers})
            return Pushed(len(offers), sent, withdrawn, rejected + refused)

    def _withdraw(self, generation: int, snapshot_digest: str, offered: set[str]) -> tuple[int, int]:
        listed = active_offers(self._target, self._plan.pipeline, self._plan.partition.key)
        self._deliveries.close_withdrawals()
        gone = sorted(listed - offered)
        first = self._deliveries.next_position(generation, "withdrawals")
        chunks = [
            self._prepared("withdrawals", generation, snapshot_digest, position, *self._body(withdrawn=part))
            for position, part in enumerate(_parts(gone, self._push.chunk_items), start=first)
        ]
        return self._send(generation, snapshot_digest, chunks)

    def _send(
        self, generation: int, snapshot_digest: str, chunks: "list[tuple[Opened, PreparedChunk]]"
    ) -> tuple[int, int]:
        """Send chunks that are not acknowledged yet; return how many items were sent, and how many of them rejected."""
        acknowledged = self._deliveries.open(
            self._plan.run_id,
            generation,
            self._plan.model.version,
            snapshot_digest,
            [opened for opened, _ in chunks],
        )
        left = [prepared for opened, prepared in chunks if opened.idempotency_key not in acknowledged]
        sent = rejected = 0
        try:
            for receipt in self._client.deliver(left):
                self._deliveries.acknowledge(receipt.key, attempts=receipt.attempts, rejected=len(receipt.rejected))
                sent += len(receipt.acknowledged)
                rejected += len(receipt.rejected)
        except (DeliveryRefused, DeliveryUnavailable) as error:
            self._deliveries.tried(error.open_keys)
            raise
        return sent, rejected

    def _body(self, *, offers: Items = (), withdrawn: Sequence[str] = ()) -> tuple[bytes, tuple[str, ...]]:
        # The same content has the same bytes, and with them the same key: nothing here depends on the clock.
        plan = self._plan
        document: dict[str, Any] = {
            "pipeline": plan.pipeline,
            "partition": plan.partition.key,
            "model_version": plan.model.version,
            "valid_until": (plan.partition.end + self._push.valid_for).isoformat(),
            "offers": list(offers),
            "withdrawn": list(withdrawn),
        }
        body = json.dumps(document, separators=(",", ":"), sort_keys=True, allow_nan=False).encode()
        return body, (*(str(offer["offer_id"]) for offer in offers), *withdrawn)

    def _prepared(
        self, kind: str, generation: int, snapshot_digest: str, position: int, body: bytes, ids: tuple[str, ...]
    ) -> tuple[Opened, PreparedChunk]:
        plan = self._plan
        key = chunk_key(
            self._secret,
            plan.pipeline,
            plan.partition.key,
            plan.model.version,
            snapshot_digest,
            position,
            f"{kind} {generation}\n".encode() + body,
        )
        opened = Opened(kind, position, key, len(ids), content_digest(self._secret, body))
        return opened, PreparedChunk(key=key, items=ids, body=body)


def _parts(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
