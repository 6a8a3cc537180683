"""Deliveries: the receipts of what was pushed. They hold counts, keys and keyed digests, never a prediction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from daybreak.errors import WarehouseUnavailable
from daybreak.tables import deliveries
from daybreak.warehouse import Warehouse


@dataclass(frozen=True)
class Receipt:
    """One chunk as the ledger knows it."""

    idempotency_key: str
    kind: str
    position: int
    items: int
    digest: str


class Deliveries:
    """Read and write the receipts of one pipeline's partition."""

    def __init__(self, warehouse: Warehouse, pipeline: str, partition_date: date) -> None:
        self._warehouse = warehouse
        self._pipeline = pipeline
        self._partition_date = partition_date
        self._own = (deliveries.c.pipeline == pipeline) & (deliveries.c.partition_date == partition_date)

    @contextmanager
    def alone(self, seconds: float) -> Iterator[None]:
        """Keep other processes from pushing the partition while the body runs; wait at most ``seconds`` for them.

        The lock belongs to a connection, so it goes when the process dies.
        """
        name = sa.func.hashtextextended(f"push/{self._pipeline}/{self._partition_date}", 0)
        with self._warehouse.session() as connection:
            connection.execute(sa.select(sa.func.set_config("lock_timeout", f"{int(seconds * 1000)}ms", False)))
            try:
                connection.execute(sa.select(sa.func.pg_advisory_lock(name)))
            except sa.exc.OperationalError as error:
                raise WarehouseUnavailable(
                    "Another run is pushing this partition.", next_step="it is tried again when that one is through."
                ) from error
            connection.commit()
            yield
            # A connection that was lost took the lock with it: say so before the run is called done.
            connection.execute(sa.text("SELECT 1"))

    def newest_run(self) -> int | None:
        """Return the highest run that has sent anything."""
        sent = self._own & (deliveries.c.attempts > 0)
        with self._warehouse.begin() as connection:
            newest: int | None = connection.scalar(sa.select(sa.func.max(deliveries.c.run_id)).where(sent))
        return newest

    def generation(self, model_version: int, snapshot_digest: str) -> int:
        """Number the content: the last generation if it is the same content, else the next one.

        Going back to an earlier content is a new generation too: its chunks must not be taken for those sent before.
        """
        last = (
            sa.select(deliveries.c.generation, deliveries.c.model_version, deliveries.c.snapshot_digest)
            .where(self._own)
            .order_by(deliveries.c.generation.desc())
            .limit(1)
        )
        with self._warehouse.begin() as connection:
            found = connection.execute(last).one_or_none()
        if found is None:
            return 1
        same = found.model_version == model_version and found.snapshot_digest == snapshot_digest
        return int(found.generation) + (0 if same else 1)

    def open(
        self, run_id: int, generation: int, model_version: int, snapshot_digest: str, chunks: Sequence[Receipt]
    ) -> set[str]:
        """Write chunks down before they are sent; return the keys of those that were acknowledged already."""
        rows = [
            {
                "pipeline": self._pipeline,
                "partition_date": self._partition_date,
                "generation": generation,
                "run_id": run_id,
                "model_version": model_version,
                "snapshot_digest": snapshot_digest,
                **chunk.__dict__,
            }
            for chunk in chunks
        ]
        overtaken = self._own & (deliveries.c.generation < generation) & (deliveries.c.state == "open")
        with self._warehouse.begin() as connection:
            connection.execute(deliveries.update().where(overtaken).values(state="obsolete"))
            if rows:
                connection.execute(insert(deliveries).on_conflict_do_nothing(), rows)
            known = sa.select(deliveries.c.idempotency_key).where(self._own, deliveries.c.state == "acknowledged")
            return set(connection.scalars(known)).intersection(chunk.idempotency_key for chunk in chunks)

    def record(self, idempotency_key: str, *, state: str, attempts: int, rejected: int = 0) -> None:
        """Write down what became of a chunk; attempts add up over runs."""
        now = sa.func.clock_timestamp() if state == "acknowledged" else None
        with self._warehouse.begin() as connection:
            connection.execute(
                deliveries.update()
                .where(self._own, deliveries.c.idempotency_key == idempotency_key)
                .values(state=state, attempts=deliveries.c.attempts + attempts, rejected=rejected, acknowledged_at=now)
            )

    def list(self, *, only_open: bool = False) -> list[dict[str, Any]]:
        """List the partition's chunks, in the order in which they were opened."""
        wanted = sa.select(deliveries).where(self._own)
        if only_open:
            wanted = wanted.where(deliveries.c.state.in_(("open", "refused")))
        order = (deliveries.c.generation, deliveries.c.kind, deliveries.c.position)
        with self._warehouse.begin() as connection:
            return [dict(row) for row in connection.execute(wanted.order_by(*order)).mappings()]
