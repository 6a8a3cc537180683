"""Run segments: which version scored which rows of a run, and what came of them. One model has one segment."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

import sqlalchemy as sa

from daybreak.ledger.runs import lock
from daybreak.ledger.tables import run_segments
from daybreak.warehouse.database import Warehouse


@dataclass
class SegmentCounts:
    """What came of the rows of one segment."""

    rows_extracted: int = 0
    rows_quarantined: int = 0
    rows_failed: int = 0
    rows_scored: int = 0


@dataclass(frozen=True)
class RunSegment:
    """One segment of a run and the version that scores it; ``segment`` is None for the rows that are in no other.

    Where there is no model, its rows are quarantined. ``counts`` are known once the run is scored. ``environment`` is
    what is installed where the model has an environment of its own.
    """

    segment: str | None
    model_name: str | None = None
    model_version: int | None = None
    model_digest: str | None = None
    trained_through: date | None = None
    counts: SegmentCounts | None = None
    environment: list[str] | None = None


def record_segments(warehouse: Warehouse, run_id: int, segments: Sequence[RunSegment]) -> None:
    """Write down a run's segments in their order, in the place of what an earlier try wrote."""
    rows = []
    for position, segment in enumerate(segments, start=1):
        known = asdict(segment) | {"run_id": run_id, "position": position}
        rows.append(known | (known.pop("counts") or {}))
    with warehouse.begin() as connection:
        lock(connection, f"segments/{run_id}")  # of two tries at once the second one replaces what the first wrote
        connection.execute(run_segments.delete().where(run_segments.c.run_id == run_id))
        connection.execute(run_segments.insert(), rows)


def versions_of_run(warehouse: Warehouse, run_id: int) -> dict[str | None, tuple[str, int]]:
    """Return registered model and version by segment, where there is a model; nothing of a run that is not planned."""
    wanted = (
        sa.select(run_segments.c.segment, run_segments.c.model_name, run_segments.c.model_version)
        .where(run_segments.c.run_id == run_id, run_segments.c.model_name.is_not(None))
        .order_by(run_segments.c.position)
    )
    with warehouse.begin() as connection:
        return {segment: (name, version) for segment, name, version in connection.execute(wanted)}


def environments_of_run(warehouse: Warehouse, run_id: int) -> dict[str | None, list[str]]:
    """Return what was installed by segment, where its model had an environment of its own."""
    wanted = sa.select(run_segments.c.segment, run_segments.c.environment).where(
        run_segments.c.run_id == run_id, run_segments.c.environment.is_not(None)
    )
    with warehouse.begin() as connection:
        return {row.segment: row.environment for row in connection.execute(wanted)}
