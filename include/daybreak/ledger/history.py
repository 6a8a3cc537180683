"""History: what the ledger says of runs, publications, expectations and quarantine, as plain rows for display."""

from typing import Any

import sqlalchemy as sa

from daybreak.ledger.runs import Ledger
from daybreak.ledger.tables import expectation_results, publications, quarantine, run_segments, runs


def list_runs(ledger: Ledger, pipeline: str | None = None, limit: int = 30) -> list[dict[str, Any]]:
    """List runs, the newest first, each with whether it is the current one of its partition."""
    current = sa.exists().where(publications.c.run_id == runs.c.run_id, publications.c.withdrawn_at.is_(None))
    wanted = sa.select(runs, current.label("current")).order_by(runs.c.run_id.desc()).limit(limit)
    if pipeline:
        wanted = wanted.where(runs.c.pipeline == pipeline)
    with ledger.warehouse.begin() as connection:
        return [dict(row) for row in connection.execute(wanted).mappings()]


def show_partition(ledger: Ledger, pipeline: str, partition: str, run_id: int | None = None) -> dict[str, Any] | None:
    """Return everything about one run of a partition: the given one, else the current one, else the last one."""
    of_partition = sa.select(runs).where(runs.c.pipeline == pipeline, runs.c.partition_key == partition)
    published = (publications.c.pipeline == pipeline) & (publications.c.partition_key == partition)
    with ledger.warehouse.begin() as connection:
        if run_id is None:
            run_id = connection.scalar(
                sa.select(publications.c.run_id).where(published, publications.c.withdrawn_at.is_(None))
            )
        chosen = of_partition.where(runs.c.run_id == run_id) if run_id else of_partition
        run = connection.execute(chosen.order_by(runs.c.run_id.desc())).mappings().first()
        if run is None:
            return None
        reasons = sa.func.unnest(quarantine.c.reasons).label("reason")
        grouped = (
            sa.select(quarantine.c.stage, reasons, sa.func.count().label("rows"))
            .where(quarantine.c.run_id == run["run_id"])
            .group_by(quarantine.c.stage, reasons)
            .order_by(sa.desc("rows"))
        )
        of_run = expectation_results.c.run_id == run["run_id"]
        return {
            "run": dict(run),
            "publications": _rows(
                connection, sa.select(publications).where(published).order_by(publications.c.publication_id)
            ),
            "attempts": _rows(connection, of_partition.order_by(runs.c.run_id)),
            "expectations": _rows(
                connection, sa.select(expectation_results).where(of_run).order_by(expectation_results.c.position)
            ),
            "quarantine": _rows(connection, grouped),
            "segments": _rows(
                connection,
                sa.select(run_segments).where(run_segments.c.run_id == run["run_id"]).order_by(run_segments.c.position),
            ),
        }


def _rows(connection: sa.Connection, statement: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(statement).mappings()]
