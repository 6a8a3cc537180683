"""Source state: what a pipeline's changed.sql said of a partition's source when it was run, and whether it still does.

It is read before the rows are: what changes in between makes the run look outdated, and never the other way round.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from daybreak.declaration.partition import Partition
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError
from daybreak.ledger.known import Known
from daybreak.ledger.source_looks import record_looks
from daybreak.ledger.tables import publications, runs
from daybreak.run.plan import query_binds
from daybreak.sources.queries import CHANGED, Queries
from daybreak.workspace import Workspace

# Values by column, as texts.
State = dict[str, str | None]


def source_state(queries: Queries, pipeline: Pipeline, partition: Partition) -> State | None:
    """Return what changed.sql says of a partition now; None where there is no such query."""
    if not queries.has(CHANGED):
        return None
    binds = query_binds(partition)
    queries.check(CHANGED, binds)
    columns, rows = queries.rows(CHANGED, binds, 2)
    if len(rows) != 1:
        raise ConfigurationError(
            f"changed.sql of {pipeline.name} gives {len(rows) or 'no'} rows{' or more' if rows else ''}, not one.",
            next_step="give one row, for example the count and the latest load time of the window's rows.",
            pipeline=pipeline.name,
            partition=partition.key,
        )
    return {name: _text(value) for name, value in zip(columns, rows[0], strict=True)}


def see_outdated(workspace: Workspace, pipeline: Pipeline, known: Sequence[Known]) -> list[Known]:
    """Return the partitions, each with whether its source says something else than when its current run was planned.

    A run from before there was a changed.sql is not said to be outdated: what it saw is not known. What was found is
    written down, for who shows it without asking the source.
    """
    queries = workspace.queries(pipeline)
    if not queries.has(CHANGED):
        raise ConfigurationError(
            f"{pipeline.name} does not say how its source tells that it changed.",
            next_step=f"write sql/{pipeline.name}/changed.sql: one row, for example the count and the latest load time "
            "of the window's rows.",
            pipeline=pipeline.name,
        )
    current = [one.current_run for one in known if one.current_run is not None]
    wanted = sa.select(runs.c.run_id, runs.c.source_state).where(runs.c.run_id.in_(current))
    with workspace.ledger.warehouse.begin() as connection:
        saw: dict[int, State | None] = dict(connection.execute(wanted).tuples().all())

    looked_at, changed = datetime.now(UTC), dict[int, bool]()
    for one in known:
        before = None if one.current_run is None else saw.get(one.current_run)
        if one.current_run is not None and before is not None:
            changed[one.current_run] = before != source_state(queries, pipeline, one.partition)
    record_looks(workspace.warehouse, changed, looked_at)
    return [replace(one, outdated=changed.get(one.current_run or 0, False)) for one in known]


def count_untold(workspace: Workspace, pipeline: Pipeline) -> int:
    """Count the current publications whose runs are from before there was a changed.sql: nobody knows what they saw."""
    current = (
        sa.select(sa.func.count())
        .select_from(publications.join(runs, runs.c.run_id == publications.c.run_id))
        .where(publications.c.pipeline == pipeline.name, publications.c.withdrawn_at.is_(None))
        .where(runs.c.source_state.is_(None))
    )
    with workspace.ledger.warehouse.begin() as connection:
        return int(connection.scalar(current) or 0)


def _text(value: Any) -> str | None:
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).isoformat()
    return None if value is None else str(value)
