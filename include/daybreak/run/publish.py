"""Publish: predictions are written under their run; then one row changes, and they are the current ones."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from daybreak.batch.chunk import Scored, published_columns
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError, DaybreakError, PublicationRefused, SourceRefused
from daybreak.ledger.runs import Counts, Ledger, lock
from daybreak.ledger.tables import publications, runs
from daybreak.tables.column_types import widened
from daybreak.tables.names import SCHEMA, copied_columns, copied_to_shadow, predictions_table, runs_name, shadow_name
from daybreak.warehouse.bulk_connections import lock_bulk
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.faults import sqlstate
from daybreak.warehouse.identifiers import quoted

if TYPE_CHECKING:
    import pyarrow as pa

UNIQUE_VIOLATION = "23505"
# States of a run that is through, and has predictions under it.
FINISHED = ("published", "superseded")
# Whoever writes has taken the run up: if it is closed as failed now, another try of the same task did that as it ended.
UNFINISHED = ("running", "failed")


@dataclass(frozen=True)
class Publication:
    """Which run is current, and since when; ``published`` is False where a newer run was there first."""

    pipeline: str
    partition: str
    run_id: int
    published: bool
    published_at: datetime | None


class Publisher:
    """Write one pipeline's predictions and say which run is current."""

    def __init__(self, warehouse: Warehouse, pipeline: Pipeline) -> None:
        self._warehouse = warehouse
        self._pipeline = pipeline
        self._ledger = Ledger(warehouse)
        self.table = predictions_table(pipeline)

    @property
    def key_types(self) -> "dict[str, pa.DataType]":
        """The types that entity keys, and columns that are carried, have where predictions are kept.

        Rows are copied in binary: one of another type would not be converted but read as if it were of this one.
        """
        name, copied = runs_name(self._pipeline), copied_columns(self._pipeline)
        columns = self._warehouse.table_schema(SCHEMA, name)
        lacks = copied if columns is None else [column for column in copied if column not in columns.names]
        if columns is None or lacks:
            raise ConfigurationError(
                f"There is no table {SCHEMA}.{name}."
                if columns is None
                else f"{SCHEMA}.{name} has no column {', '.join(lacks)}.",
                next_step=f"make it: `daybreak tables {self._pipeline.name}`.",
            )
        return {name: columns.field(name).type for name in copied}

    def write(self, run_id: int, predictions: Iterable[Scored]) -> int:
        """Put predictions under their run, in the place of what an earlier try put there; return how many.

        One transaction: a process that dies leaves nothing. Nobody sees them before ``flip``.
        """
        rows = (self.rows(run_id, scored) for scored in predictions)
        return self._write(runs_name(self._pipeline), run_id, rows, UNFINISHED)

    def write_shadow(self, run_id: int, predictions: Iterable[Scored]) -> int:
        """Put a challenger's predictions under the run whose rows they are for, where nobody takes them for published.

        The same way as ``write``, and also after the run was published.
        """
        copied = copied_to_shadow(self._pipeline)
        rows = (self.rows(run_id, scored, copied) for scored in predictions)
        return self._write(shadow_name(self._pipeline), run_id, rows, FINISHED)

    def _write(self, table: str, run_id: int, rows: "Iterable[pa.RecordBatch]", states: tuple[str, ...]) -> int:
        failure: list[BaseException] = []
        with self._warehouse.bulk() as connection:
            with connection.cursor() as cursor:
                # Two tries of one run wait for each other; the second one then replaces what the first one wrote.
                lock_bulk(cursor, f"run/{run_id}")
                cursor.execute(f"SELECT state FROM ledger.runs WHERE run_id = {run_id:d}")
                if (state := cursor.fetchone()[0]) not in states:
                    raise PublicationRefused(f"Run {run_id} is {state}.", next_step="start a new run.")
                cursor.execute(f"DELETE FROM {SCHEMA}.{quoted(table)} WHERE run_id = {run_id:d}")
                # Nobody changes the table any more, which the deletion has locked.
                kept = connection.adbc_get_table_schema(table, db_schema_filter=SCHEMA)
                try:
                    written = self._copy(cursor, table, (widened(batch, kept) for batch in rows), failure)
                except Exception as error:
                    raise self._explained(error, failure) from error
            connection.commit()
        return written

    def flip(self, run_id: int, counts: Counts, reason: str = "run") -> Publication:
        """Make a run the current one of its partition, in one transaction.

        Does nothing where it was already published, and gives way where a newer run was published first.
        """
        with self._warehouse.begin() as connection:
            run = connection.execute(sa.select(runs).where(runs.c.run_id == run_id)).mappings().one()
            lock(connection, f"run/{run_id}")
            lock(connection, f"{self._pipeline.name}/{run['partition_key']}")
            key = run["partition_key"]
            of_partition = self._of(key)
            earlier = connection.scalar(
                sa.select(sa.func.max(publications.c.published_at)).where(
                    *of_partition, publications.c.run_id == run_id
                )
            )
            if earlier:
                return self._publication(run_id, key, earlier)
            self._refuse_other_count(connection, run_id, counts)
            newest = connection.scalar(sa.select(sa.func.max(publications.c.run_id)).where(*of_partition))
            if newest is not None and newest > run_id:
                self._ledger.finish(connection, run_id, "superseded", counts)
                return self._publication(newest, key, None)
            self._ledger.finish(connection, run_id, "published", counts)
            return self._point_to(connection, run_id, key, reason)

    def current(self, partition: str) -> int:
        """Return the run that is current for a partition, or say that there is none."""
        with self._warehouse.begin() as connection:
            found = connection.scalar(
                sa.select(publications.c.run_id).where(*self._of(partition), publications.c.withdrawn_at.is_(None))
            )
        if found is None:
            pushed = self._pipeline.push is not None
            raise PublicationRefused(
                "It pushes, and keeps no predictions." if pushed else "Nothing is published.",
                next_step=f"run it{' again' if pushed else ''}: "
                f"`daybreak run {self._pipeline.name} --partition {partition}`.",
                pipeline=self._pipeline.name,
                partition=partition,
            )
        return int(found)

    def roll_back(self, partition: str, *, asked_by: str | None = None, seen: int | None = None) -> Publication:
        """Make the run current again that was current before the current one was published.

        A run that was itself rolled back is not come back to. ``asked_by`` is the person who asked, where one is known;
        what that person was ``seen`` to be current has to be it still.
        """
        with self._warehouse.begin() as connection:
            lock(connection, f"{self._pipeline.name}/{partition}")
            of_partition = self._of(partition)
            current = sa.select(publications.c.run_id).where(*of_partition, publications.c.withdrawn_at.is_(None))
            published = sa.select(sa.func.min(publications.c.publication_id)).where(
                *of_partition, publications.c.run_id == current.scalar_subquery()
            )
            previous = connection.scalar(
                sa.select(publications.c.run_id)
                .where(*of_partition, publications.c.publication_id < published.scalar_subquery())
                .order_by(publications.c.publication_id.desc())
                .limit(1)
            )
            now = connection.scalar(current)
            if seen is not None and seen != now:
                raise PublicationRefused(
                    f"Run {now} is current by now, it was run {seen} when this was decided.",
                    next_step="look at the partition again.",
                    pipeline=self._pipeline.name,
                    partition=partition,
                )
            if previous is None:
                raise PublicationRefused(
                    "There is no earlier publication to go back to.",
                    next_step=f"see what there is with `daybreak show {self._pipeline.name} {partition}`.",
                    pipeline=self._pipeline.name,
                    partition=partition,
                )
            return self._point_to(connection, previous, partition, "rollback", asked_by)

    def _of(self, partition: str) -> tuple[sa.ColumnElement[bool], ...]:
        return publications.c.pipeline == self._pipeline.name, publications.c.partition_key == partition

    def _copy(self, cursor: object, table: str, rows: "Iterable[pa.RecordBatch]", failure: list[BaseException]) -> int:
        import pyarrow as pa

        def batches() -> "Generator[pa.RecordBatch]":
            try:
                yield from rows
            except BaseException as error:
                # The driver would pass on no more than its text.
                failure.append(error)
                raise

        stream = batches()
        first = next(stream, None)
        if first is None:
            return 0
        reader = pa.RecordBatchReader.from_batches(first.schema, _chained(first, stream))
        return int(cursor.adbc_ingest(table, reader, mode="append", db_schema_name=SCHEMA))  # type: ignore[attr-defined]

    def rows(self, run_id: int, scored: Scored, copied: tuple[str, ...] | None = None) -> "pa.RecordBatch":
        """Lay predictions out as rows of the pipeline's table, or of another one that has less ``copied`` into it."""
        import pyarrow as pa

        rows = scored.chunk.rows
        columns = {"run_id": pa.repeat(pa.scalar(run_id, pa.int64()), rows.num_rows)}
        columns |= {name: rows.column(name) for name in copied or copied_columns(self._pipeline)}
        if scored.ranks is not None:
            columns["rank"] = pa.array(scored.ranks, pa.int32())
        return pa.RecordBatch.from_pydict(columns | published_columns(self._pipeline.prediction, scored))

    def _explained(self, error: Exception, failure: list[BaseException]) -> BaseException:
        if failure:
            return failure[0]
        if not isinstance(error, DaybreakError) and sqlstate(error) == UNIQUE_VIOLATION:
            return SourceRefused(
                "Entity keys occur more than once.", next_step="make extract.sql give one row for each entity key."
            )
        return error

    def _refuse_other_count(self, connection: Connection, run_id: int, counts: Counts) -> None:
        found = connection.exec_driver_sql(
            f"SELECT count(*) FROM {self.table} WHERE run_id = %(run_id)s", {"run_id": run_id}
        ).scalar_one()
        if found != counts.stored:
            raise PublicationRefused(
                f"{found:,} predictions are stored under run {run_id}, {counts.stored:,} were to be.",
                next_step="run the partition again from score.",
            )

    def _point_to(
        self, connection: Connection, run_id: int, partition: str, reason: str, asked_by: str | None = None
    ) -> Publication:
        # The clock is read after the lock was had: the publications of a partition follow each other without overlap.
        # Of a clock that was set back they follow each other by as little as there is.
        last = sa.func.max(sa.func.greatest(publications.c.published_at, publications.c.withdrawn_at))
        after_last = sa.select(last + sa.text("interval '1 microsecond'")).where(*self._of(partition))
        now = connection.scalar(sa.select(sa.func.greatest(sa.func.clock_timestamp(), after_last.scalar_subquery())))
        connection.execute(
            publications.update()
            .where(*self._of(partition), publications.c.withdrawn_at.is_(None))
            .values(withdrawn_at=now)
        )
        connection.execute(
            publications.insert().values(
                pipeline=self._pipeline.name,
                partition_key=partition,
                partition_date=sa.select(runs.c.partition_date).where(runs.c.run_id == run_id).scalar_subquery(),
                run_id=run_id,
                reason=reason,
                published_at=now,
                asked_by=asked_by,
            )
        )
        return self._publication(run_id, partition, now)

    def _publication(self, run_id: int, partition: str, published_at: datetime | None) -> Publication:
        return Publication(self._pipeline.name, partition, run_id, published_at is not None, published_at)


def _chained(first: "pa.RecordBatch", rest: "Generator[pa.RecordBatch]") -> "Generator[pa.RecordBatch]":
    yield first
    yield from rest
