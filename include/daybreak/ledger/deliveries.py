"""Deliveries: the receipts of what was pushed. They hold counts, keys and keyed digests, never a prediction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from daybreak.ledger.tables import deliveries, runs
from daybreak.warehouse.database import Warehouse


@dataclass(frozen=True)
class Opened:
    """One chunk as it is written down before it is sent."""

    kind: str
    position: int
    idempotency_key: str
    items: int
    digest: str


@dataclass(frozen=True)
class Acknowledged:
    """One chunk that the receiver has: after how many attempts, and how many of its items were rejected."""

    idempotency_key: str
    attempts: int
    rejected: int


_UNHURRIED = sa.text("SET LOCAL synchronous_commit = off")


class Deliveries:
    """Read and write the receipts of one pipeline's partition."""

    def __init__(self, warehouse: Warehouse, pipeline: str, partition_date: date) -> None:
        self._warehouse = warehouse
        self._pipeline = pipeline
        self._partition_date = partition_date
        self._own = (deliveries.c.pipeline == pipeline) & (deliveries.c.partition_date == partition_date)
        self._alone: sa.Connection | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from pushing the partition while the body runs, and wait for them.

        The lock belongs to a connection, so it goes when the process dies. Everything is written over that connection:
        whoever has lost it can write nothing, and so sends no further chunk.
        """
        name = sa.func.hashtextextended(f"push/{self._pipeline}/{self._partition_date}", 0)
        with self._warehouse.session() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_lock(name)))
            connection.commit()
            self._alone = connection
            try:
                yield
                # A connection that was lost took the lock with it: say so before the run is called done.
                connection.execute(sa.text("SELECT 1"))
            finally:
                self._alone = None

    @contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        if self._alone is None:
            with self._warehouse.begin() as connection:
                yield connection
        else:
            with self._alone.begin():
                yield self._alone

    def newest_run(self) -> int | None:
        """Return the highest run that has begun to push, or has found that all of its chunks had arrived.

        Whether a run that was killed had sent its first chunk is not known, so to have written it down is enough.
        """
        began = sa.select(sa.func.max(deliveries.c.run_id)).where(self._own).scalar_subquery()
        pushed = (
            sa.select(sa.func.max(runs.c.run_id))
            .where(
                runs.c.pipeline == self._pipeline,
                runs.c.partition_date == self._partition_date,
                runs.c.state == "pushed",
            )
            .scalar_subquery()
        )
        with self._begin() as connection:
            newest: int | None = connection.scalar(sa.select(sa.func.greatest(began, pushed)))
        return newest

    def generation(self, digests: Sequence[str], snapshot: str) -> tuple[int, str]:
        """Number the content with these digests: the last generation if it is the same content, else the next one.

        Going back to an earlier content is a new generation too: its chunks must not be taken for those sent before.
        With the number comes the digest of the snapshot that its keys are made of: the first one that led to the
        content, since another one may lead to the same.
        """
        offers = self._own & (deliveries.c.kind == "offers")
        last = sa.select(sa.func.max(deliveries.c.generation)).where(self._own).scalar_subquery()
        content = sa.select(deliveries.c.digest, deliveries.c.snapshot_digest).where(
            offers, deliveries.c.generation == last
        )
        with self._begin() as connection:
            number: int = connection.scalar(sa.select(sa.func.coalesce(last, 0))) or 0
            known = connection.execute(content.order_by(deliveries.c.position)).all()
        if number and [row.digest for row in known] == list(digests):
            return number, known[0].snapshot_digest if known else snapshot
        return number + 1, snapshot

    def open(
        self, run_id: int, generation: int, model_version: int, snapshot: str, chunks: Sequence[Opened]
    ) -> set[str]:
        """Write chunks down before they are sent; return the keys of those that were acknowledged already.

        Open chunks of earlier generations are obsolete from here on, and those of this one are the given run's.
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
        with self._begin() as connection:
            connection.execute(deliveries.update().where(overtaken).values(state="obsolete"))
            if chunks:
                connection.execute(_opening(common, chunks))
            known = sa.select(deliveries.c.idempotency_key).where(self._own, deliveries.c.state == "acknowledged")
            return set(connection.scalars(known)).intersection(chunk.idempotency_key for chunk in chunks)

    def arrived(self, generation: int) -> int:
        """Count the offers of a generation that the receiver has taken."""
        taken = self._own & (deliveries.c.generation == generation) & (deliveries.c.state == "acknowledged")
        items = sa.func.coalesce(sa.func.sum(deliveries.c["items"] - deliveries.c.rejected), 0)
        with self._begin() as connection:
            return int(connection.scalar(sa.select(items).where(taken, deliveries.c.kind == "offers")) or 0)

    def next_position(self, generation: int, kind: str) -> int:
        """Return the first free place among the chunks of a generation and kind."""
        of_kind = self._own & (deliveries.c.generation == generation) & (deliveries.c.kind == kind)
        with self._begin() as connection:
            last: int | None = connection.scalar(sa.select(sa.func.max(deliveries.c.position)).where(of_kind))
        return 0 if last is None else last + 1

    def close_withdrawals(self) -> None:
        """Close withdrawals whose answer was lost, once the receiver no longer lists what they were to withdraw."""
        lost = self._own & (deliveries.c.kind == "withdrawals") & (deliveries.c.state == "open")
        with self._begin() as connection:
            connection.execute(deliveries.update().where(lost).values(state="obsolete"))

    def tried(self, keys: Sequence[str]) -> None:
        """Count a try of chunks that were not acknowledged."""
        with self._begin() as connection:
            connection.execute(
                deliveries.update()
                .where(self._own, deliveries.c.idempotency_key.in_(keys))
                .values(attempts=deliveries.c.attempts + 1)
            )

    def acknowledge(self, chunks: Sequence[Acknowledged]) -> None:
        """Write down that chunks have arrived; attempts add up over runs."""
        # Nearly all are alike: one attempt, nothing rejected.
        alike: dict[tuple[int, int], list[str]] = {}
        for chunk in chunks:
            alike.setdefault((chunk.attempts, chunk.rejected), []).append(chunk.idempotency_key)
        with self._begin() as connection:
            # A server that dies may forget the last of these: their chunks are sent again under the same key, and
            # answered with the first answer. Waiting for its disk would hold up the sending.
            connection.execute(_UNHURRIED)
            for (attempts, rejected), keys in alike.items():
                connection.execute(
                    deliveries.update()
                    .where(self._own, deliveries.c.idempotency_key.in_(keys))
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
        with self._begin() as connection:
            return [dict(row) for row in connection.execute(wanted.order_by(*order)).mappings()]


def _opening(common: dict[str, Any], chunks: Sequence[Opened]) -> sa.Insert:
    # A thousand chunks as one array a column: as rows of VALUES they take ten times as long.
    own = [field.name for field in fields(Opened)]
    arrays = [sa.literal([getattr(chunk, name) for chunk in chunks], ARRAY(deliveries.c[name].type)) for name in own]
    opened = sa.func.unnest(*arrays).table_valued(*own).render_derived()
    values = [sa.literal(value, deliveries.c[name].type) for name, value in common.items()]
    statement = insert(deliveries).from_select([*common, *own], sa.select(*values, *(opened.c[name] for name in own)))
    return statement.on_conflict_do_update(
        index_elements=[deliveries.c.idempotency_key],
        set_={"run_id": statement.excluded.run_id, "state": "open"},
        where=deliveries.c.state != "acknowledged",
    )
