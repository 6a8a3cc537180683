"""Measure: hold what was predicted for a partition against what really happened, and keep the metrics."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from daybreak.declaration.partition import Partition
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError
from daybreak.ledger.runs import lock
from daybreak.ledger.tables import performance, publications, runs, shadow_runs
from daybreak.models.measured_models import BY_MODEL, each_model, predicting
from daybreak.monitoring.actuals import Joined, join_actuals, read_actuals, same_rows
from daybreak.monitoring.target_periods import TargetPeriods
from daybreak.tables.names import copied_columns, copied_to_shadow, predictions_table, shadow_table
from daybreak.training.metrics import PRIMARY, Units, measured, numbered, of_quantiles, reliability
from daybreak.warehouse.frames import key_frame
from daybreak.warehouse.identifiers import quoted
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

    from daybreak.monitoring.rescore import Rescoring

# Fewer rows say little of a model; and of predictions that are kept nowhere, a mean over one row would be one.
LEAST_ROWS = 30
# Actuals may come late: partitions of the last days, and in any case the last two, are measured again, older ones
# only if they never were, and those of long ago if they were run lately, as a backfill does.
AGAIN_DAYS, LOOK_BACK_DAYS = 14, 90
_AT_ONCE = 3


@dataclass(frozen=True)
class Measured:
    """What came of measuring one partition: its primary metric by role, or why there is none."""

    partition: str
    run_id: int
    rows: int = 0
    predictions: int = 0
    metrics: dict[str, float] | None = None
    problem: str | None = None


class Measuring:
    """Measure partitions of one pipeline."""

    def __init__(self, workspace: Workspace, pipeline: Pipeline) -> None:
        if pipeline.measures is None:
            raise ConfigurationError(
                f"{pipeline.name} does not say what it measures.",
                next_step="declare `measures` and write actuals.sql.",
                pipeline=pipeline.name,
            )
        self._workspace = workspace
        self._warehouse = workspace.ledger.warehouse
        self._pipeline = pipeline
        self._kind = pipeline.measures
        self._targets = TargetPeriods(workspace, pipeline)
        self._rescoring = _rescoring(workspace, pipeline) if pipeline.push else None

    def due(self, first: Partition | None = None, last: Partition | None = None) -> list[tuple[str, int]]:
        """List partitions to be measured, each with its run: those of a range, or what is new or may have changed."""
        with self._warehouse.begin() as connection:
            found = connection.execute(newest_runs(self._pipeline)).tuples().all()
            of_pipeline = performance.c.pipeline == self._pipeline.name
            known = set(connection.scalars(sa.select(performance.c.run_id).where(of_pipeline)))
            since = sa.func.clock_timestamp() - timedelta(days=AGAIN_DAYS)
            lately = sa.select(runs.c.run_id).where(runs.c.pipeline == self._pipeline.name, runs.c.started_at > since)
            recent = set(connection.scalars(lately))
        if first or last:
            begins, ends = (one.key if one else None for one in (first, last))
            return [(key, run) for key, run, _ in found if (begins or key) <= key <= (ends or key)]
        if not found:
            return []
        newest = found[-1][2]
        again, oldest = newest - timedelta(days=AGAIN_DAYS), newest - timedelta(days=LOOK_BACK_DAYS)
        again = min(again, found[-2:][0][2] - timedelta(days=1))
        return [
            (key, run)
            for key, run, day in found
            if day > again or (run not in known and (day > oldest or run in recent))
        ]

    def each(self, due: list[tuple[str, int]]) -> Iterator[Measured]:
        """Measure partitions, in their order; while one is read from the database, another one is reckoned."""
        if self._rescoring:
            yield from (self.measure(key, run_id) for key, run_id in due)
            return
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="daybreak-measure") as pool:
            yield from pool.map(lambda wanted: self.measure(*wanted), due)

    def measure(self, key: str, run_id: int) -> Measured:
        """Measure one partition and write its metrics down, in the place of what was measured of the run before."""
        run = self._workspace.ledger.get(run_id)
        partition = self._pipeline.calendar.partition(key)
        if problem := self._targets.not_over(partition):
            return Measured(key, run_id, problem=problem)
        actuals = read_actuals(self._workspace.queries(self._pipeline), self._pipeline, partition)
        if not actuals.num_rows:
            return Measured(key, run_id, problem="no actuals yet")
        if self._rescoring:
            sides = {"champion": self._rescoring.joined(dict(run), actuals)}
        else:
            sides = self._sides(run_id, actuals)
        joined = sides["champion"]
        if joined is None or (self._rescoring and len(joined.actual) < LEAST_ROWS):
            return Measured(key, run_id, problem="no prediction has an actual" if joined is None else "too few rows")
        rows = [row for role, side in sides.items() if side for row in self._performance(role, side, dict(run))]
        with self._warehouse.begin() as connection:
            lock(connection, f"measure/{run_id}")
            connection.execute(performance.delete().where(performance.c.run_id == run_id))
            now = connection.scalar(sa.select(sa.func.clock_timestamp()))
            connection.execute(performance.insert(), [row | {"measured_at": now} for row in rows])
        primary = PRIMARY[self._kind]
        metrics = {r["role"]: r["value"] for r in rows if (r["segment_by"], r["metric"]) == ("", primary)}
        return Measured(key, run_id, len(joined.actual), joined.predictions, metrics)

    def _sides(self, run_id: int, actuals: "pa.Table") -> dict[str, Joined | None]:
        """Join what the champion published, and what a challenger predicted for the same rows, with the actuals."""
        pipeline, columns = self._pipeline, self._pipeline.prediction.columns
        predicted = self._read(predictions_table(pipeline), [*copied_columns(pipeline), *columns], run_id)
        with self._warehouse.begin() as connection:
            state = connection.scalar(sa.select(shadow_runs.c.state).where(shadow_runs.c.run_id == run_id))
        if state != "scored":
            return {"champion": join_actuals(pipeline, predicted, actuals)}
        shadow = self._read(shadow_table(pipeline), [*copied_to_shadow(pipeline), *columns], run_id)
        both = dict(zip(("champion", "shadow"), same_rows(pipeline, predicted, shadow), strict=True))
        sides = {role: join_actuals(pipeline, rows, actuals) for role, rows in both.items()}
        return {role: side and replace(side, predictions=predicted.num_rows) for role, side in sides.items()}

    def _read(self, table: str, columns: list[str], run_id: int) -> "pa.Table":
        with self._warehouse.bulk() as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(map(quoted, columns))} FROM {table} WHERE run_id = {run_id:d}")
            return cursor.fetch_arrow_table()

    def _performance(self, role: str, joined: Joined, run: dict[str, Any]) -> list[dict[str, Any]]:
        version = run["model_version"]
        if role == "shadow":
            with self._warehouse.begin() as connection:
                version = connection.scalar(
                    sa.select(shadow_runs.c.model_version).where(shadow_runs.c.run_id == run["run_id"])
                )
        shared = {
            "pipeline": self._pipeline.name,
            "partition_key": run["partition_key"],
            "partition_date": run["partition_date"],
            "run_id": run["run_id"],
            "role": role,
            "model_name": run["model_name"],
            "model_version": version,
            "predictions": joined.predictions,
        }
        return [shared | row for row in self._averaged(role, joined, run["run_id"])]

    def _averaged(self, role: str, joined: Joined, run_id: int) -> list[dict[str, Any]]:
        pipeline, by = self._pipeline, self._pipeline.measured_by
        within = key_frame(joined.rows.select(list(pipeline.entity_key[:-1] or pipeline.entity_key)))
        units = measured(self._kind, joined.actual, joined.answers, within)
        if pipeline.prediction.quantiles:
            units = units.with_values(of_quantiles(joined.actual, joined.answers[:, 1:], pipeline.prediction))
        found = _averages(units, "", *_together(units, "(all)"))
        if by:
            column = joined.rows[by].combine_chunks().cast("string").to_pandas()
            codes, names = numbered(column.iloc[units.positions])
            found += _averages(units, by, *_pooled(codes, names, hidden=pipeline.push is not None))
        column = pipeline.segments.column
        if column is not None and column in joined.rows.column_names:
            models = predicting(self._warehouse, run_id, role)
            for name, version, rows in each_model(joined.rows, column, models):
                own = units.where(rows[units.positions])
                of_model = {"model_name": name, "model_version": version}
                found += [row | of_model for row in _averages(own, BY_MODEL, *_together(own, name))]
        if self._kind == "probability":
            gap, bins = reliability(joined.actual, joined.predicted, LEAST_ROWS)
            found.append(_row("", "(all)", "reliability", gap, len(joined.actual), bins))
        return found


def newest_runs(pipeline: Pipeline) -> sa.Select[Any]:
    """Select each partition that has predictions: its key, the run whose they are, and the day that it begins in."""
    if pipeline.push is None:
        columns = publications.c
        current = sa.select(columns.partition_key, columns.run_id, columns.partition_date).where(
            columns.withdrawn_at.is_(None)
        )
        return current.where(columns.pipeline == pipeline.name).order_by(columns.partition_key)
    # What a backfill or a dry run scored was not sent, but it was scored: its calibration can be measured.
    of_pipeline = (runs.c.pipeline == pipeline.name, runs.c.state.in_(("pushed", "not pushed")))
    chosen = (runs.c.partition_key, runs.c.run_id, runs.c.partition_date)
    last = sa.select(*chosen).where(*of_pipeline).distinct(runs.c.partition_key)
    return last.order_by(runs.c.partition_key, runs.c.state.desc(), runs.c.run_id.desc())


def measure(
    workspace: Workspace, pipeline: Pipeline, first: Partition | None = None, last: Partition | None = None
) -> list[Measured]:
    """Measure the partitions of a range, or those that are new or may have changed."""
    measuring = Measuring(workspace, pipeline)
    return list(measuring.each(measuring.due(first, last)))


def _rescoring(workspace: Workspace, pipeline: Pipeline) -> "Rescoring":
    # What pushes and loads models takes half of the time that the rest of this command takes to be imported.
    from daybreak.monitoring.rescore import Rescoring

    return Rescoring(workspace, pipeline)


def _together(units: Units, name: str) -> tuple[np.ndarray, list[str]]:
    return np.zeros(len(units.positions), dtype=np.int64), [name]


def _averages(units: Units, by: str, codes: np.ndarray, names: list[str]) -> list[dict[str, Any]]:
    rows = np.bincount(codes, minlength=len(names))
    return [
        _row(by, name, metric, float(value), int(count))
        for metric in units.values
        for name, value, count in zip(names, units.mean(metric, codes, len(names)), rows, strict=True)
    ]


def _row(by: str, segment: str, metric: str, value: float, rows: int, detail: Any = None) -> dict[str, Any]:
    return {"segment_by": by, "segment": segment, "metric": metric, "value": value, "rows": rows, "detail": detail}


def _pooled(codes: np.ndarray, names: list[str], *, hidden: bool) -> tuple[np.ndarray, list[str]]:
    """Take small segments together; where predictions are kept nowhere, what is left over must not be small either."""
    rows = np.bincount(codes, minlength=len(names))
    pooled = rows < LEAST_ROWS
    while hidden and 0 < rows[pooled].sum() < LEAST_ROWS and not pooled.all():
        pooled[np.flatnonzero(~pooled)[np.argmin(rows[~pooled])]] = True
    if not pooled.any():
        return codes, names
    kept = np.flatnonzero(~pooled)
    renumbered = np.full(len(names), len(kept))
    renumbered[kept] = np.arange(len(kept))
    return renumbered[codes], [*(names[at] for at in kept), "(other)"]
