"""Diff: what publishing a partition again has changed, or what a dry run would change."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from daybreak.batch.chunk import Scored
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError, PublicationRefused
from daybreak.ledger.tables import publications
from daybreak.run.plan import Plan
from daybreak.run.publish import FINISHED
from daybreak.run.runner import Runner
from daybreak.tables.column_types import widened
from daybreak.tables.layout import segment_column
from daybreak.tables.names import SCHEMA, copied_columns, runs_name
from daybreak.warehouse.identifiers import quoted

LARGEST = 10
_AGAIN = "dry_run"
# One row per entity key of either run, which the questions below are asked of. The key's columns are numbered: they may
# be called anything.
_PAIRED = """
CREATE TEMP TABLE paired ON COMMIT DROP AS
WITH earlier AS (SELECT * FROM {earlier}),
later AS (SELECT * FROM {later})
SELECT {numbered}, earlier.{value} AS before, later.{value} AS after, {segment} AS segment,
    CASE WHEN later.run_id IS NULL THEN 'left' WHEN earlier.run_id IS NULL THEN 'came'
        WHEN {different} THEN 'differ' ELSE 'same' END AS state
FROM earlier FULL JOIN later USING ({key})
"""
_COUNTS = """
SELECT segment, count(*) FILTER (WHERE state = 'left'), count(*) FILTER (WHERE state = 'came'),
    count(*) FILTER (WHERE state = 'differ'), count(*) FILTER (WHERE state = 'same'), {mean}
FROM paired GROUP BY segment ORDER BY 4 DESC, 1
"""
_SPREAD = """
SELECT min(after - before), percentile_cont(0.05) WITHIN GROUP (ORDER BY after - before),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY after - before),
    percentile_cont(0.95) WITHIN GROUP (ORDER BY after - before), max(after - before)
FROM paired WHERE state IN ('differ', 'same')
"""
_MOVED = """
SELECT before, after, count(*) FROM paired WHERE state = 'differ' AND before IS DISTINCT FROM after
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT {largest}
"""
_LARGEST = """
SELECT {shown}, before, after FROM paired WHERE state = 'differ' ORDER BY {order} {numbers} LIMIT {largest}
"""


@dataclass(frozen=True)
class Segment:
    """The rows of one segment: how many left, came, differ and are the same, and the mean absolute difference."""

    segment: str | None
    left: int
    came: int
    differ: int
    same: int
    mean_difference: float | None


@dataclass(frozen=True)
class Difference:
    """What two runs of a partition predict; differences are later minus earlier, over the rows of both.

    ``later_run`` is None for a dry run. ``spread`` are the least, the 5 %, 50 % and 95 % quantile and the greatest
    difference, where numbers are predicted; ``moved`` counts pairs of labels where labels are. ``largest`` are the rows
    that differ most: key, before, after. Where a prediction is of several numbers, a row differs that has another one
    anywhere; what is shown of it is the main value.
    """

    earlier_run: int
    later_run: int | None
    segments: list[Segment]
    spread: tuple[float, ...] | None
    moved: list[tuple[str, str, int]]
    key: tuple[str, ...]
    largest: list[tuple[Any, ...]]

    @property
    def total(self) -> Segment:
        """All segments together."""
        counts = {name: sum(getattr(s, name) for s in self.segments) for name in ("left", "came", "differ", "same")}
        both = [(s.mean_difference, s.differ + s.same) for s in self.segments if s.mean_difference is not None]
        rows = sum(count for _, count in both)
        mean = sum(value * count for value, count in both) / rows if rows else None
        return Segment(None, **counts, mean_difference=mean)


def diff_publications(
    runner: Runner, partition: str, runs: tuple[int, int] | None, by: str | None = None
) -> Difference:
    """Compare two finished runs of a partition; by default the current one with the one that was current before it.

    ``by`` is a kept column whose values the rows are counted by, by default that of the segments.
    """
    earlier, later = runs or _last_two(runner, partition)
    for run_id in (earlier, later):
        _refuse_other(runner, run_id, partition)
    with runner.workspace.warehouse.bulk() as connection, connection.cursor() as cursor:
        table = runner.publisher.table
        relations = [f"{table} WHERE run_id = {run_id:d}" for run_id in (earlier, later)]
        return replace(_compared(cursor, runner.pipeline, relations, by), earlier_run=earlier, later_run=later)


def diff_dry_run(
    runner: Runner, plan: Plan, progress: Callable[[int, int], None] | None = None, by: str | None = None
) -> Difference:
    """Compare what a dry run predicts with what is current; nothing of it stays in the warehouse but its run."""
    current = runner.publisher.current(plan.partition.key)
    pipeline, table = runner.pipeline, runner.publisher.table
    with runner.workspace.warehouse.bulk() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE {_AGAIN} (LIKE {table})")
        kept = connection.adbc_get_table_schema(runs_name(pipeline), db_schema_filter=SCHEMA)

        def keep(predictions: Iterator[Scored]) -> None:
            import pyarrow as pa

            for scored in predictions:
                rows: pa.RecordBatch = widened(runner.publisher.rows(plan.run_id, scored), kept)
                reader = pa.RecordBatchReader.from_batches(rows.schema, [rows])
                cursor.adbc_ingest(_AGAIN, reader, mode="append", temporary=True)

        Runner(runner.workspace, pipeline, unpublished=keep).run(plan, progress)
        found = _compared(cursor, pipeline, [f"{table} WHERE run_id = {current:d}", _AGAIN], by)
    return replace(found, earlier_run=current, later_run=None)


def _compared(cursor: Any, pipeline: Pipeline, relations: list[str], by: str | None) -> Difference:
    labels, value = bool(pipeline.prediction.texts), quoted(pipeline.prediction.column)
    segment = _segment(pipeline, by)
    numbers = [f"key_{number}" for number in range(len(pipeline.entity_key))]
    pair = _PAIRED.format(
        earlier=relations[0],
        later=relations[1],
        key=", ".join(map(quoted, pipeline.entity_key)),
        numbered=", ".join(
            f"{quoted(name)} AS {number}" for name, number in zip(pipeline.entity_key, numbers, strict=True)
        ),
        value=value,
        segment=_of_either(pipeline, segment),
        different=" OR ".join(
            f"earlier.{name} IS DISTINCT FROM later.{name}" for name in map(quoted, pipeline.prediction.columns)
        ),
    )
    mean = "NULL::float8" if labels else "avg(abs(after - before)) FILTER (WHERE state IN ('differ', 'same'))"

    cursor.execute(pair)

    def ask(query: str) -> list[tuple[Any, ...]]:
        cursor.execute(query)
        return list(map(tuple, cursor.fetchall()))

    shown = ", ".join(f"{number}::text" for number in numbers)
    order = "before IS DISTINCT FROM after DESC," if labels else "abs(after - before) DESC,"
    spread = None if labels else ask(_SPREAD)[0]
    return Difference(
        0,
        0,
        [Segment(*row) for row in ask(_COUNTS.format(mean=mean))],
        None if spread is None or spread[0] is None else spread,
        ask(_MOVED.format(largest=LARGEST)) if labels else [],
        pipeline.entity_key,
        ask(_LARGEST.format(shown=shown, order=order, numbers=", ".join(numbers), largest=LARGEST)),
    )


def _of_either(pipeline: Pipeline, column: str | None) -> str:
    if column is None:
        return "NULL::text"
    # A column of the key is one of both after the join.
    name = quoted(column)
    return f"{name}::text" if column in pipeline.entity_key else f"coalesce(later.{name}, earlier.{name})::text"


def _segment(pipeline: Pipeline, by: str | None) -> str | None:
    kept = copied_columns(pipeline)
    if by is not None and by not in kept:
        raise ConfigurationError(
            f"{pipeline.name} keeps no column '{by}' beside its predictions.",
            next_step=f"choose from {', '.join(kept)}.",
            pipeline=pipeline.name,
        )
    return by or segment_column(pipeline)


def _last_two(runner: Runner, partition: str) -> tuple[int, int]:
    current = runner.publisher.current(partition)
    own = publications.c.pipeline == runner.pipeline.name, publications.c.partition_key == partition
    newest = sa.select(sa.func.max(publications.c.publication_id)).where(*own, publications.c.run_id != current)
    before = sa.select(publications.c.run_id).where(publications.c.publication_id == newest.scalar_subquery())
    with runner.workspace.warehouse.begin() as connection:
        found = connection.scalar(before)
    if found is None:
        raise PublicationRefused(
            "It was published once only: there is nothing to compare with.",
            next_step="compare it with what would be published now: --dry-run.",
            pipeline=runner.pipeline.name,
            partition=partition,
        )
    return int(found), current


def _refuse_other(runner: Runner, run_id: int, partition: str) -> None:
    run = runner.workspace.ledger.get(run_id)
    if (run["pipeline"], run["partition_key"]) != (runner.pipeline.name, partition) or run["state"] not in FINISHED:
        what = f"of {run['pipeline']} {run['partition_key']}, and {run['state']}"
        raise PublicationRefused(
            f"Run {run_id} is {what}.",
            next_step=f"choose two that were published: `daybreak runs {runner.pipeline.name}`.",
            pipeline=runner.pipeline.name,
            partition=partition,
        )
