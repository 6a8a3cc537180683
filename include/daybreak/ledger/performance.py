"""Performance: what was measured, read back over time for display."""

from typing import Any

import sqlalchemy as sa

from daybreak.ledger.runs import Ledger
from daybreak.ledger.tables import performance, publications

_BLOCKS = "▁▂▃▄▅▆▇█"


def list_performance(
    ledger: Ledger, pipeline: str, *, partitions: int, segment_by: str = "", metric: str | None = None
) -> list[dict[str, Any]]:
    """List what was measured of a pipeline's newest partitions: of each, the run that is current, else the last one."""
    current = sa.exists().where(publications.c.run_id == performance.c.run_id, publications.c.withdrawn_at.is_(None))
    chosen = (
        sa.select(performance.c.partition_key, performance.c.run_id)
        .where(performance.c.pipeline == pipeline)
        .distinct(performance.c.partition_key)
        .order_by(performance.c.partition_key.desc(), current.desc(), performance.c.run_id.desc())
        .limit(partitions)
        .subquery()
    )
    wanted = (
        sa.select(performance)
        .join(chosen, performance.c.run_id == chosen.c.run_id)
        .where(performance.c.segment_by == segment_by)
        .order_by(performance.c.partition_key, performance.c.role, performance.c.segment, performance.c.metric)
    )
    if metric:
        wanted = wanted.where(performance.c.metric == metric)
    with ledger.warehouse.begin() as connection:
        return [dict(row) for row in connection.execute(wanted).mappings()]


def over_partitions(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put the metrics of a partition and role beside each other."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = (row["partition_key"], row["role"], row["segment"])
        shared = {name: row[name] for name in ("partition_key", "role", "segment", "model_version", "predictions")}
        found.setdefault(key, shared | {"metrics": {}, "rows": row["rows"]})["metrics"][row["metric"]] = row["value"]
    return list(found.values())


def picture(values: list[float]) -> str:
    """Draw numbers as a line of blocks, the lowest as the lowest."""
    low, high = min(values), max(values)
    step = (high - low) / (len(_BLOCKS) - 1) or 1.0
    return "".join(_BLOCKS[round((value - low) / step)] for value in values)
