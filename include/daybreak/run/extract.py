"""Extract: the query's rows, from the database into a snapshot, as record batches that are never held all at once."""

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

from daybreak.batch.snapshot import Snapshot, SnapshotWriter
from daybreak.errors import DaybreakError, SourceRefused
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.faults import refused_by_source
from daybreak.warehouse.sql_file import SqlFile

if TYPE_CHECKING:
    import pyarrow as pa


class Extraction:
    """One pass over the source's rows that writes the snapshot as it goes.

    ``rows`` is the source's own count, known before the first batch, and ``segments`` that of each value of the column
    ``by``, if one is given; ``snapshot`` is there when the last batch was taken.
    Both come from one state of the database, and a difference between them is refused.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        sql: SqlFile,
        binds: dict[str, Any],
        folder: str,
        chunk_rows: int,
        by: str | None = None,
    ) -> None:
        self._warehouse = warehouse
        self._sql = sql
        self._binds = binds
        self._folder = folder
        self._chunk_rows = chunk_rows
        self._by = by
        self.rows = 0
        self.segments: dict[str | None, int] = {}
        self._snapshot: Snapshot | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The rows as they were written, once all of them are."""
        if self._snapshot is None:
            raise SourceRefused("The batch was not read to its end.", next_step="run the partition again.")
        return self._snapshot

    def batches(self) -> "Generator[pa.RecordBatch]":
        """Read the source; yield its rows in chunks, each already written to the snapshot.

        Raises SourceRefused where the query cannot be run, gives no row, or fewer or more than the source counted.
        """
        try:
            with self._warehouse.stream(self._sql, self._binds, by=self._by) as (self.segments, reader):
                self.rows = sum(self.segments.values())
                if self.rows == 0:
                    raise SourceRefused(
                        "The batch is empty: extract.sql gives no row for this partition.",
                        next_step="check that the source has loaded it, then run the partition again.",
                    )
                yield from self._written(reader)
        except DaybreakError:
            raise
        except _database_errors() as error:
            raise refused_by_source(error, "The source") from error

    def _written(self, reader: "pa.RecordBatchReader") -> "Generator[pa.RecordBatch]":
        writer: SnapshotWriter | None = None
        read = 0
        try:
            for batch in rechunk(reader, self._chunk_rows):
                writer = writer or SnapshotWriter(self._folder, batch.schema)
                writer.write(batch)
                read += batch.num_rows
                if read > self.rows:
                    raise self._miscounted("more")
                yield batch
            if writer is None:
                raise SourceRefused(f"The source counted {self.rows} rows and gave none.", next_step="run it again.")
            snapshot, writer = writer.close(), None
        finally:
            if writer:
                writer.abandon()
        if read != self.rows:
            raise self._miscounted(f"{read:,}")
        self._snapshot = snapshot

    def _miscounted(self, gave: str) -> SourceRefused:
        return SourceRefused(
            f"The source counted {self.rows:,} rows and gave {gave}.",
            next_step="make extract.sql deterministic (no random(), no clock), then run the partition again.",
        )


def rechunk(batches: "Iterable[pa.RecordBatch]", chunk_rows: int) -> "Generator[pa.RecordBatch]":
    """Regroup record batches into ones of chunk_rows rows; the last may be shorter."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        while rows + batch.num_rows >= chunk_rows:
            take = chunk_rows - rows
            held.append(batch.slice(0, take))
            yield pa.concat_batches(held)
            batch, held, rows = batch.slice(take), [], 0
        if batch.num_rows:
            held.append(batch)
            rows += batch.num_rows
    if held:
        yield pa.concat_batches(held)


def _database_errors() -> tuple[type[Exception], ...]:
    from adbc_driver_manager import Error
    from pyarrow import ArrowException

    return (Error, ArrowException)
