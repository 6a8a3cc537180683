"""Push: predictions go from memory to the receiver, each offer once, and nowhere else.

Chunks are written down by key and keyed digest before the first request, so that whatever happens between two lines,
the next try knows what is open. What the receiver still lists of the partition, and this run does not offer, is
withdrawn.

Of the chunks only keys and digests are held: their bodies are made twice, to be digested and to be sent.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec
import numpy as np
from pydantic import SecretStr

from daybreak.declaration.pipeline import Push
from daybreak.errors import DeliveryRefused, DeliveryUnavailable, ScoringFailed
from daybreak.ledger.deliveries import Acknowledged, Deliveries, Opened
from daybreak.push.client import DeliveryClient, DeliveryTarget, PreparedChunk, Receipt
from daybreak.push.keys import chunk_key, content_digest
from daybreak.push.listing import active_offers
from daybreak.run.plan import Plan
from daybreak.warehouse.database import Warehouse

_JSON = msgspec.json.Encoder(order="sorted")

Part = TypeVar("Part")
Item = dict[str, Any]
Prepared = tuple[bytes, tuple[str, ...]]


class Items(Protocol):
    """What a run offers, in memory; whoever goes through it again gets the same items in the same order."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Item]: ...


@dataclass(frozen=True)
class Pushed:
    """What came of a push, in numbers. ``superseded`` is the newer run that had begun to push before, if any."""

    offers: int
    sent: int
    withdrawn: int
    rejected: int
    superseded: int | None = None


class Pusher:
    """Push the offers of one run to one receiver."""

    def __init__(self, warehouse: Warehouse, plan: Plan, push: Push, target: DeliveryTarget) -> None:
        self._plan = plan
        self._push = push
        self._target = target
        self._client = DeliveryClient(target)
        self._secret: SecretStr = target.signing_key
        self._deliveries = Deliveries(warehouse, plan.pipeline, plan.partition.first_day)

    def push(self, snapshot_digest: str, offers: Items) -> Pushed:
        """Send what was not acknowledged before, then withdraw what is no longer offered.

        Raises DeliveryRefused or DeliveryUnavailable where chunks stay open; a later try sends only those.
        """
        with self._deliveries.alone():
            newest = self._deliveries.newest_run()
            if newest is not None and newest > self._plan.run_id:
                return Pushed(len(offers), 0, 0, 0, superseded=newest)
            read, offered = self._read(offers)
            generation, scored_from = self._deliveries.generation([digest for _, digest in read], snapshot_digest)
            chunks = [
                self._opened("offers", generation, scored_from, position, items, digest)
                for position, (items, digest) in enumerate(read)
            ]
            sent, rejected = self._send(generation, scored_from, chunks, self._parts(offers), self._of_offers)
            withdrawn, refused = self._withdraw(generation, scored_from, offered)
            return Pushed(len(offers), sent, withdrawn, rejected + refused)

    def _read(self, offers: Items) -> "tuple[list[tuple[int, str]], np.ndarray]":
        """Return of each chunk how many items it has and its digest, and the offers' ids."""
        read: list[tuple[int, str]] = []
        ids = bytearray()
        for part in self._parts(offers):
            body, names = self._of_offers(part)
            read.append((len(names), content_digest(self._secret, body)))
            ids += bytes.fromhex("".join(names).replace("-", ""))
        return read, np.sort(np.frombuffer(ids, dtype="S16"))

    def _withdraw(self, generation: int, scored_from: str, offered: np.ndarray) -> tuple[int, int]:
        gone: list[str] = []
        arrived = self._deliveries.arrived(generation)
        for page, active in active_offers(self._target, self._plan.pipeline, self._plan.partition.key):
            gone += [str(offer) for offer, still in zip(page, _among(page, offered), strict=True) if not still]
            # What has arrived stands: where the receiver counts no more than that, there is nothing else.
            if not gone and active == arrived:
                break
        self._deliveries.close_withdrawals()
        gone.sort()
        first = self._deliveries.next_position(generation, "withdrawals")
        chunks = []
        for position, part in enumerate(self._parts(gone), start=first):
            body, names = self._of_withdrawals(part)
            digest = content_digest(self._secret, body)
            chunks.append(self._opened("withdrawals", generation, scored_from, position, len(names), digest))
        return self._send(generation, scored_from, chunks, self._parts(gone), self._of_withdrawals)

    def _send(
        self,
        generation: int,
        scored_from: str,
        chunks: Sequence[Opened],
        parts: Iterable[Part],
        prepare: Callable[[Part], Prepared],
    ) -> tuple[int, int]:
        """Send chunks that are not acknowledged yet; return how many items were sent, and how many of them rejected."""
        acknowledged = self._deliveries.open(
            self._plan.run_id, generation, self._plan.single_model.version, scored_from, chunks
        )

        def left() -> Iterator[PreparedChunk]:
            for opened, part in zip(chunks, parts, strict=True):
                if opened.idempotency_key not in acknowledged:
                    body, names = prepare(part)
                    self._refuse_change(opened, body)
                    yield PreparedChunk(key=opened.idempotency_key, items=names, body=body)

        sent = rejected = 0
        unwritten: list[Receipt] = []
        written_at = time.monotonic()
        try:
            for receipt in self._client.deliver(left()):
                unwritten.append(receipt)
                sent += len(receipt.acknowledged)
                rejected += len(receipt.rejected)
                if time.monotonic() - written_at >= self._target.receipt_seconds:
                    self._write(unwritten)
                    unwritten.clear()
                    written_at = time.monotonic()
        except (DeliveryRefused, DeliveryUnavailable) as error:
            self._write(unwritten)
            self._deliveries.tried(error.open_keys)
            raise
        self._write(unwritten)
        return sent, rejected

    def _write(self, receipts: Sequence[Receipt]) -> None:
        self._deliveries.acknowledge(
            [Acknowledged(receipt.key, receipt.attempts, len(receipt.rejected)) for receipt in receipts]
        )

    def _refuse_change(self, opened: Opened, body: bytes) -> None:
        if content_digest(self._secret, body) != opened.digest:
            raise ScoringFailed(
                f"Chunk {opened.position} is not what was written down: the offers differ when gone through again.",
                next_step=f"make {self._push.offers} give the same items each time.",
            )

    def _of_offers(self, offers: Sequence[Item]) -> Prepared:
        return self._body(offers, []), tuple(str(offer["offer_id"]) for offer in offers)

    def _of_withdrawals(self, withdrawn: Sequence[str]) -> Prepared:
        return self._body([], withdrawn), tuple(withdrawn)

    def _body(self, offers: Sequence[Item], withdrawn: Sequence[str]) -> bytes:
        # The same content has the same bytes, and with them the same key: nothing here depends on the clock.
        plan = self._plan
        document: dict[str, Any] = {
            "pipeline": plan.pipeline,
            "partition": plan.partition.key,
            "model_version": plan.single_model.version,
            "valid_until": (plan.partition.end + self._push.valid_for).isoformat(),
            "offers": offers,
            "withdrawn": withdrawn,
        }
        body = _JSON.encode(document)
        if b"null" in body:
            # The encoder's word for a number that is none, which the slow one refuses.
            json.dumps(document, allow_nan=False, default=str)
        return body

    def _opened(self, kind: str, generation: int, scored_from: str, position: int, items: int, digest: str) -> Opened:
        plan = self._plan
        content = f"{kind} {generation} {digest}".encode()
        key = chunk_key(
            self._secret, plan.pipeline, plan.partition.key, plan.single_model.version, scored_from, position, content
        )
        return Opened(kind, position, key, items, digest)

    def _parts(self, items: Iterable[Any]) -> Iterator[list[Any]]:
        iterator = iter(items)
        while part := list(islice(iterator, self._push.chunk_items)):
            yield part


def _among(page: Sequence[UUID], offered: np.ndarray) -> np.ndarray:
    listed = np.array([offer.bytes for offer in page], dtype="S16")
    found: np.ndarray = np.append(offered, b"")[np.searchsorted(offered, listed)] == listed
    return found
