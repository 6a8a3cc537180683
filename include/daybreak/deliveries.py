"""Deliveries: the receipts of what was pushed. They hold counts, keys and keyed digests, never a prediction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from daybreak.errors import WarehouseUnavailable
from daybreak.tables import deliveries
from daybreak.warehouse import Warehouse


@dataclass(frozen=True)
class Opened:
    """One chunk as it is written down before it is sent."""

    kind: str
    position: int
    idempotency_key: str
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

    def generation(self, digests: Sequence[str]) -> int:
        """Number the content with these digests: the last generation if it is the same content, else the next one.

        Going back to an earlier content is a new generation too: its chunks must not be taken for those sent before.
        """
        offers = self._own & (deliveries.c.kind == "offers")
        last = sa.select(sa.func.max(deliveries.c.generation)).where(self._own).scalar_subquery()
        content = sa.select(deliveries.c.digest).where(offers, deliveries.c.generation == last)
        with self._warehouse.begin() as connection:
            number: int = connection.scalar(sa.select(sa.func.coalesce(last, 0))) or 0
            known = list(connection.scalars(content.order_by(deliveries.c.position)))
        return number if number and known == list(digests) else number + 1

    def open(
        self, run_id: int, generation: int, model_version: int, snapshot: str, chunks: Sequence[Opened]
    ) -> set[str]:
        """Write chunks down before they are sent; return the keys of those that were acknowledged already.

        Open chunks of earlier generations are obsolete from here on.
        """
        common = {
            "pipeline": self._pipeline,
            "partition_date": self._partition_date,
            "generation": generation,
            "run_id": run_id,
            "model_version": model_version,
            "snapshot_digest": snapshot,
        }
        overtaken = self._own & (deliveries.c.generation < generation) & (deliveries.c.state == "open")
        with self._warehouse.begin() as connection:
            connection.execute(deliveries.update().where(overtaken).values(state="obsolete"))
            if chunks:
                rows = [common | asdict(chunk) for chunk in chunks]
                connection.execute(insert(deliveries).on_conflict_do_nothing(), rows)
            known = sa.select(deliveries.c.idempotency_key).where(self._own, deliveries.c.state == "acknowledged")
            return set(connection.scalars(known)).intersection(chunk.idempotency_key for chunk in chunks)

    def next_position(self, generation: int, kind: str) -> int:
        """Return the first free place among the chunks of a generation and kind."""
        of_kind = self._own & (deliveries.c.generation == generation) & (deliveries.c.kind == kind)
        with self._warehouse.begin() as connection:
            last: int | None = connection.scalar(sa.select(sa.func.max(deliveries.c.position)).where(of_kind))
        return 0 if last is None else last + 1

    def close_withdrawals(self) -> None:
        """Close withdrawals whose answer was lost, once the receiver no longer lists what they were to withdraw."""
        lost = self._own & (deliveries.c.kind == "withdrawals") & (deliveries.c.state == "open")
        with self._warehouse.begin() as connection:
            connection.execute(deliveries.update().where(lost).values(state="obsolete"))

    def tried(self, keys: Sequence[str]) -> None:
        """Count a try of chunks that were not acknowledged."""
        with self._warehouse.begin() as connection:
            connection.execute(
                deliveries.update()
                .where(self._own, deliveries.c.idempotency_key.in_(keys))
                .values(attempts=deliveries.c.attempts + 1)
            )

    def acknowledge(self, idempotency_key: str, *, attempts: int, rejected: int) -> None:
        """Write down that a chunk has arrived; attempts add up over runs."""
        with self._warehouse.begin() as connection:
            connection.execute(
                deliveries.update()
                .where(self._own, deliveries.c.idempotency_key == idempotency_key)
                .values(
                    state="acknowledged",
                    attempts=deliveries.c.attempts + attempts,
                    rejected=rejected,
                    acknowledged_at=sa.func.clock_timestamp(),
                )
            )

    def list(self, *, only_open: bool = False) -> list[dict[str, Any]]:
        """List the partition's chunks, in the order in which they were opened."""
        wanted = sa.select(deliveries).where(self._own)
        if only_open:
            wanted = wanted.where(deliveries.c.state == "open")
        order = (deliveries.c.generation, deliveries.c.kind, deliveries.c.position)
        with self._warehouse.begin() as connection:
            return [dict(row) for row in connection.execute(wanted.order_by(*order)).mappings()]
