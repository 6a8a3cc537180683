"""Stale: publications that were made from predictions which are not the current ones any more."""

from typing import Any

import sqlalchemy as sa

from daybreak.ledger.runs import Ledger
from daybreak.ledger.tables import publications, runs


def list_stale(ledger: Ledger, upstream: str | None = None, partition: str | None = None) -> list[dict[str, Any]]:
    """List current publications whose upstream partition has been published anew, or rolled back, since.

    ``upstream`` and ``partition``, a key, narrow it to what became stale with that upstream partition.
    """
    consumed = runs.alias("consumed")
    now = publications.alias("now")
    upstream_is_current = sa.and_(
        now.c.pipeline == consumed.c.pipeline,
        now.c.partition_key == consumed.c.partition_key,
        now.c.withdrawn_at.is_(None),
    )
    statement = (
        sa.select(
            publications.c.pipeline,
            publications.c.partition_key,
            publications.c.run_id,
            publications.c.published_at,
            consumed.c.pipeline.label("upstream"),
            runs.c.upstream_run_id,
            now.c.run_id.label("upstream_current_run_id"),
            now.c.published_at.label("stale_since"),
        )
        .join(runs, runs.c.run_id == publications.c.run_id)
        .join(consumed, consumed.c.run_id == runs.c.upstream_run_id)
        .outerjoin(now, upstream_is_current)
        .where(
            publications.c.withdrawn_at.is_(None),
            now.c.run_id.is_distinct_from(runs.c.upstream_run_id),
        )
        .order_by(publications.c.pipeline, publications.c.partition_key)
    )
    if upstream is not None:
        statement = statement.where(consumed.c.pipeline == upstream)
    if partition is not None:
        statement = statement.where(publications.c.partition_key == partition)
    with ledger.warehouse.begin() as connection:
        return [dict(row) for row in connection.execute(statement).mappings()]
