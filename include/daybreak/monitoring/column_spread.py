"""Column spread: how a column of one partition was spread beside its training, as it was kept with its drift."""

from dataclasses import dataclass

from daybreak.declaration.pipeline import Pipeline
from daybreak.monitoring.model_account import Row
from daybreak.monitoring.reading import reading, rows_of
from daybreak.monitoring.spread import Spread, spread_of
from daybreak.warehouse.database import Warehouse


@dataclass(frozen=True)
class ColumnSpread:
    """One column of a partition: how far it is off, and both spreads where they were kept."""

    column: str
    segment: str | None
    partition: str
    found: Row
    spread: Spread | None


def read_column_spread(
    warehouse: Warehouse, pipeline: Pipeline, drift: tuple[Row, ...], column: str | None, partition: str | None
) -> ColumnSpread | None:
    """Read the spread of what is asked for among what was measured; else of the newest partition's most distant column.

    ``column`` is named as ``named`` does it.
    """
    keys = sorted({row["partition_key"] for row in drift})
    if not keys:
        return None
    key = partition if partition is not None and partition in keys else keys[-1]
    rows = {named(row): row for row in drift if row["partition_key"] == key}
    row = rows.get(column or "") or max(rows.values(), key=_far)
    asked = {"key": key, "column": row["column_name"], "segment": row["segment"]}
    with reading(warehouse) as connection:
        [found] = rows_of(connection, "column_spread", pipeline=pipeline.name, **asked)
    profile, shares = found["profile"], found["shares"]
    both = profile is not None and shares is not None and len(shares) == len(profile["weights"])
    spread = spread_of(profile, shares, found["rows"]) if both else None
    return ColumnSpread(row["column_name"], row["segment"], key, found, spread)


def named(row: Row) -> str:
    """Name what was held against its training: the column, and the segment where each has a model."""
    return f"{row['column_name']} ({row['segment']})" if row["segment"] else str(row["column_name"])


def _far(row: Row) -> float:
    # Without a divergence it is infinite.
    return float("inf") if row["divergence"] is None else row["divergence"] / (row["threshold"] or 1.0)
