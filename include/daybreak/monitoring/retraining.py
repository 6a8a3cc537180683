"""Retraining when it is needed: what was measured of a partition, held against what the pipeline declares."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from daybreak.declaration.pipeline import Pipeline, Retrain
from daybreak.ledger.tables import performance, retraining_requests, run_segments, runs
from daybreak.models.version import ModelVersion
from daybreak.monitoring.drift import record_drift
from daybreak.monitoring.measure import newest_runs
from daybreak.monitoring.run_drift import judge_run, versions_of
from daybreak.training.metrics import PRIMARY
from daybreak.training.scheduled import cooling_down
from daybreak.workspace import Workspace


@dataclass(frozen=True)
class Watched:
    """What a partition's measurements say of the model: why it is to be trained again, and why it is not yet."""

    pipeline: str
    partition: str
    reasons: tuple[str, ...]
    held_back: str | None = None

    @property
    def asked(self) -> bool:
        """Whether a training is asked for."""
        return bool(self.reasons) and self.held_back is None


def watch_newest(workspace: Workspace, pipeline: Pipeline) -> Watched | None:
    """Watch the newest partition that was measured, or of a pipeline that measures nothing the newest there is.

    None where there is no such partition.
    """
    newest = sa.select(sa.func.max(performance.c.partition_key)).where(
        performance.c.pipeline == pipeline.name, performance.c.role == "champion"
    )
    if pipeline.measures is None:
        newest = sa.select(sa.func.max(newest_runs(pipeline).subquery().c.partition_key))
    with workspace.ledger.warehouse.begin() as connection:
        key = connection.scalar(newest)
    return None if key is None else watch(workspace, pipeline, key)


def watch(workspace: Workspace, pipeline: Pipeline, partition: str, now: datetime | None = None) -> Watched:
    """Hold a partition against the thresholds that are declared, and write down what crossed one.

    Error and drift are those of the run that is current, or that was pushed; a partition without one has neither.
    """
    retrain = pipeline.retrain
    run = _run_of(workspace, pipeline, partition)
    if retrain is None or run is None:
        return Watched(pipeline.name, partition, ())
    versions = versions_of(workspace, pipeline, run)
    reasons = [
        reason
        for segment, version in versions.items()
        if (reason := _error(workspace, pipeline, retrain, segment, version, partition))
    ]
    drifts = judge_run(workspace, pipeline, retrain, run, versions)
    record_drift(workspace.warehouse, pipeline.name, run, drifts)
    kinds = ["error"] * len(reasons)
    reasons += [str(drift) for drift in drifts if drift.drifted]
    kinds += ["drift"] * (len(reasons) - len(kinds))
    held_back = cooling_down(workspace, pipeline, retrain, now or datetime.now(UTC)) if reasons else None
    watched = Watched(pipeline.name, partition, tuple(reasons), held_back)
    if reasons:
        _record(workspace, watched, kinds, run)
    else:
        _settle(workspace, watched)
    return watched


def _error(
    workspace: Workspace,
    pipeline: Pipeline,
    retrain: Retrain,
    segment: str | None,
    version: ModelVersion,
    partition: str,
) -> str | None:
    metric = PRIMARY[pipeline.measures] if pipeline.measures else None
    trained = version.metrics.get(metric) if metric else None
    if metric is None or not trained:
        return None
    recent = sa.select(sa.func.avg(performance.c.value), sa.func.count(performance.c.partition_key.distinct())).where(
        performance.c.pipeline == pipeline.name,
        performance.c.partition_key.between(_first_of(pipeline, partition, retrain.days), partition),
        performance.c.role == "champion",
        performance.c.metric == metric,
        *_scored_by(pipeline, segment, version),
    )
    with workspace.warehouse.begin() as connection:
        found, partitions = connection.execute(recent).one()
    # A single bad day is weather; what is declared is the mean of so many.
    if partitions < retrain.days:
        return None
    # How good lists are is better the higher it is.
    ratio = (trained / found if found else math.inf) if pipeline.measures == "ranking" else found / trained
    if ratio <= retrain.error_ratio:
        return None
    of = "" if segment is None else f" of segment '{segment}'"
    times = f"{found / trained:.2f} times the {trained:.4f} of training"
    return f"{metric}{of} was {found:.4f} over {partitions} partitions, {times}"


def _first_of(pipeline: Pipeline, last: str, count: int) -> str:
    """Return the key of the first of so many partitions that end with the last."""
    first = pipeline.calendar.partition(last)
    for _ in range(count - 1):
        first = pipeline.calendar.before(first)
    return first.key


def _scored_by(pipeline: Pipeline, segment: str | None, version: ModelVersion) -> "list[sa.ColumnElement[bool]]":
    """Choose what was measured of a version's rows: of all, or of those of its segment."""
    if pipeline.segments.column is None:
        return [performance.c.segment_by == "", performance.c.model_version == version.version]
    by_version = sa.exists().where(
        run_segments.c.run_id == performance.c.run_id,
        run_segments.c.segment == segment,
        run_segments.c.model_version == version.version,
    )
    return [performance.c.segment_by == pipeline.segments.column, performance.c.segment == segment, by_version]


def _run_of(workspace: Workspace, pipeline: Pipeline, partition: str) -> dict[str, Any] | None:
    found = newest_runs(pipeline).subquery()
    wanted = sa.select(runs).join(found, found.c.run_id == runs.c.run_id)
    with workspace.ledger.warehouse.begin() as connection:
        run = connection.execute(wanted.where(found.c.partition_key == partition)).mappings().first()
    return None if run is None else dict(run)


def _record(workspace: Workspace, watched: Watched, kinds: list[str], run: Mapping[str, Any]) -> None:
    values = {"reasons": list(watched.reasons), "kinds": kinds, "held_back": watched.held_back, "settled_at": None}
    statement = insert(retraining_requests).values(
        pipeline=watched.pipeline,
        partition_key=watched.partition,
        partition_date=run["partition_date"],
        model_version=run["model_version"],
        **values,
    )
    key = "one_request_per_partition_and_version"
    with workspace.warehouse.begin() as connection:
        connection.execute(statement.on_conflict_do_update(constraint=key, set_=values))


def _settle(workspace: Workspace, watched: Watched) -> None:
    """Say of what a partition has asked for that it was made anew since, and crosses nothing now."""
    request = retraining_requests.c
    of_partition = request.pipeline == watched.pipeline, request.partition_key == watched.partition
    asking = retraining_requests.update().where(*of_partition, request.settled_at.is_(None))
    with workspace.warehouse.begin() as connection:
        connection.execute(asking.values(settled_at=sa.func.clock_timestamp()))
