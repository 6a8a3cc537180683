"""The quarantine: rows that have no prediction, kept with their key, their reasons and their payload."""

from typing import TYPE_CHECKING

import sqlalchemy as sa

from daybreak.batch.chunk import Rejected
from daybreak.batch.json_rows import json_rows
from daybreak.ledger.tables import quarantine
from daybreak.warehouse.database import Warehouse

if TYPE_CHECKING:
    import numpy as np

_STAGED = sa.text(
    "INSERT INTO ledger.quarantine (run_id, row_number, stage, entity_key, reasons, payload) "
    "SELECT run_id, row_number, stage, entity_key::jsonb, "
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

    def clear(self, stage: str | None = None) -> None:
        """Forget what an earlier try set aside, in one stage or in all."""
        earlier = quarantine.delete().where(quarantine.c.run_id == self._run_id)
        with self._warehouse.begin() as connection:
            connection.execute(earlier.where(quarantine.c.stage == stage) if stage else earlier)

    def add(self, rejected: Rejected) -> None:
        """Keep rows; a row that is there already is replaced."""
        import json

        import pyarrow as pa

        payload = rejected.chunk.rows
        rows = pa.table(
            {
                "run_id": pa.repeat(pa.scalar(self._run_id, pa.int64()), payload.num_rows),
                "row_number": pa.array(rejected.chunk.numbers, pa.int64()),
                "stage": pa.repeat(rejected.stage, payload.num_rows),
                "entity_key": pa.array(json_rows(payload.select(self._entity_key)), pa.string()),
                "reasons": pa.array([json.dumps(reasons) for reasons in rejected.reasons], pa.string()),
                "payload": pa.array(json_rows(payload), pa.string()),
            }
        )
        with self._warehouse.bulk() as connection:
            with connection.cursor() as cursor:
                cursor.adbc_ingest("staged_quarantine", rows, mode="create", temporary=True)
                cursor.execute(_STAGED.text)
            connection.commit()

    def numbers(self, stage: str | None = None) -> "np.ndarray":
        """Return the positions of the rows that a stage, or any, set aside, ascending."""
        import numpy as np

        aside = sa.select(quarantine.c.row_number).where(quarantine.c.run_id == self._run_id)
        aside = aside.where(quarantine.c.stage == stage) if stage else aside
        with self._warehouse.begin() as connection:
            return np.fromiter(connection.scalars(aside.order_by(quarantine.c.row_number)), dtype=np.int64)
