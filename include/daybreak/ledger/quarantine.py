"""The quarantine: rows that have no prediction, kept with their key, their reasons and their payload."""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

import sqlalchemy as sa

from daybreak.batch.chunk import Rejected
from daybreak.batch.json_rows import json_rows
from daybreak.ledger.runs import lock
from daybreak.ledger.tables import quarantine, runs
from daybreak.warehouse.bulk_connections import lock_bulk
from daybreak.warehouse.database import Warehouse

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

# Bytes of what is set aside until a file is made for it.
_IN_MEMORY = 8 << 20
_EARLIER = "DELETE FROM ledger.quarantine WHERE run_id = $1 AND stage = $2"
_STAGED = (
    "INSERT INTO ledger.quarantine (run_id, row_number, stage, entity_key, reasons, payload) "
    "SELECT $1, row_number, $2, entity_key::jsonb, "
    "ARRAY(SELECT jsonb_array_elements_text(reasons::jsonb)), payload::jsonb FROM staged_quarantine "
    "ON CONFLICT (run_id, row_number) DO UPDATE "
    "SET stage = excluded.stage, reasons = excluded.reasons, payload = excluded.payload"
)


class Quarantine:
    """Write and read the rows that one run set aside."""

    def __init__(self, warehouse: Warehouse, run_id: int, entity_key: tuple[str, ...]) -> None:
        self._warehouse = warehouse
        self._run_id = run_id
        self._entity_key = list(entity_key)

    @contextmanager
    def replacing(self, stage: str) -> Iterator[Callable[[Rejected], None]]:
        """Give a function that sets rows aside; at the end they take the place of what an earlier try of the stage had.

        All at once, so that nobody ever sees a part of them: two tries of one task may be at work, and the next one.
        Until then they are in memory, and where there are many in a file without a name. They are kept where the body
        raises, for they say what is wrong, and not where it is interrupted or dies.
        """
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
            aside = _Aside(file, self._entity_key)
            try:
                yield aside.add
            except Exception:
                with suppress(Exception):  # what was raised says more
                    self._replace(stage, aside.read())
                raise
            self._replace(stage, aside.read())

    def forget_other_snapshot(self, digest: str) -> None:
        """Forget what was set aside of another snapshot than the one with this digest, which is about to be recorded.

        A position says which row it is in its own snapshot alone.
        """
        with self._warehouse.begin() as connection:
            recorded = connection.scalar(sa.select(runs.c.snapshot_digest).where(runs.c.run_id == self._run_id))
            if recorded not in (None, digest):
                lock(connection, self._lock)
                connection.execute(quarantine.delete().where(quarantine.c.run_id == self._run_id))

    def _replace(self, stage: str, rows: "pa.RecordBatchReader | None") -> None:
        of_stage = quarantine.delete().where(quarantine.c.run_id == self._run_id, quarantine.c.stage == stage)
        if rows is None:
            with self._warehouse.begin() as connection:
                lock(connection, self._lock)
                connection.execute(of_stage)
            return
        with self._warehouse.bulk() as connection:
            with connection.cursor() as cursor:
                lock_bulk(cursor, self._lock)
                cursor.adbc_ingest("staged_quarantine", rows, mode="create", temporary=True)
                for statement in (_EARLIER, _STAGED):
                    cursor.execute(statement, (self._run_id, stage))
            connection.commit()

    @property
    def _lock(self) -> str:
        # Of its own: in a stream a stage ends while the transaction that writes predictions holds the run's.
        return f"quarantine/{self._run_id:d}"

    def numbers(self, stage: str | None = None) -> "np.ndarray":
        """Return the positions of the rows that a stage, or any, set aside, ascending."""
        import numpy as np

        aside = sa.select(quarantine.c.row_number).where(quarantine.c.run_id == self._run_id)
        aside = aside.where(quarantine.c.stage == stage) if stage else aside
        with self._warehouse.begin() as connection:
            return np.fromiter(connection.scalars(aside.order_by(quarantine.c.row_number)), dtype=np.int64)


class _Aside:
    """Rows on their way into the quarantine, in a file."""

    def __init__(self, file: IO[bytes], entity_key: list[str]) -> None:
        self._file = file
        self._entity_key = entity_key
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None

    def add(self, rejected: Rejected) -> None:
        """Put rows behind those that are there."""
        import pyarrow as pa

        payload = rejected.chunk.rows
        rows = pa.record_batch(
            {
                "row_number": pa.array(rejected.chunk.numbers, pa.int64()),
                "entity_key": pa.array(json_rows(payload.select(self._entity_key)), pa.string()),
                "reasons": pa.array([json.dumps(reasons) for reasons in rejected.reasons], pa.string()),
                "payload": pa.array(json_rows(payload), pa.string()),
            }
        )
        self._writer = self._writer or pa.ipc.new_stream(self._file, rows.schema)
        self._writer.write_batch(rows)

    def read(self) -> "pa.RecordBatchReader | None":
        """Return the rows that were put there, None where there are none."""
        import pyarrow as pa

        if self._writer is None:
            return None
        self._writer.close()
        self._file.seek(0)
        return pa.ipc.open_stream(self._file)
