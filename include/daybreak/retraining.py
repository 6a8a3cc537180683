"""Retraining when it is needed: what was measured of a partition, held against what the pipeline declares."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from daybreak.drift import Drift, judge_drift, record_drift
from daybreak.metrics import PRIMARY
from daybreak.pipeline import Pipeline, Retrain
from daybreak.profiles import read_profiles
from daybreak.quarantine import Quarantine
from daybreak.registry import ModelVersion
from daybreak.snapshot import Snapshot
from daybreak.tables import performance, publications, retraining_requests, runs
from daybreak.workspace import Workspace


@dataclass(frozen=True)
class Watched:
    """What a partition's measurements say of the model: why it is to be trained again, and why it is not yet."""

    pipeline: str
    partition_date: date
    reasons: tuple[str, ...]
    held_back: str | None = None

    @property
    def asked(self) -> bool:
        """Whether a training is asked for."""
        return bool(self.reasons) and self.held_back is None


def watch_newest(workspace: Workspace, pipeline: Pipeline) -> Watched | None:
    """Watch the newest partition that was measured; None where none was."""
    newest = sa.select(sa.func.max(performance.c.partition_date)).where(
        performance.c.pipeline == pipeline.name, performance.c.role == "champion"
    )
    with workspace.ledger.warehouse.begin() as connection:
        day = connection.scalar(newest)
    return None if day is None else watch(workspace, pipeline, day)


def watch(workspace: Workspace, pipeline: Pipeline, partition_date: date, now: datetime | None = None) -> Watched:
    """Hold a published partition against the thresholds that are declared, and write down what crossed one.

    Error and drift are those of the run that is current; a partition of which nothing is published has neither.
    """
    retrain = pipeline.retrain
    run = _current_run(workspace, pipeline, partition_date)
    if retrain is None or run is None:
        return Watched(pipeline.name, partition_date, ())
    version = workspace.registry.resolve(pipeline.single_ref, run["model_version"])
    reasons = _error(workspace, pipeline, retrain, version, partition_date)
    reasons += [str(drift) for drift in _drift(workspace, pipeline, retrain, run, version) if drift.drifted]
    held_back = cooling_down(workspace, pipeline, retrain, now or datetime.now(UTC)) if reasons else None
    watched = Watched(pipeline.name, partition_date, tuple(reasons), held_back)
    if reasons:
        _record(workspace, watched, version.version)
    return watched


def _error(
    workspace: Workspace, pipeline: Pipeline, retrain: Retrain, version: ModelVersion, partition_date: date
) -> list[str]:
    metric = PRIMARY[pipeline.measures] if pipeline.measures else None
    trained = version.metrics.get(metric) if metric else None
    if metric is None or not trained:
        return []
    recent = sa.select(sa.func.avg(performance.c.value), sa.func.count()).where(
        performance.c.pipeline == pipeline.name,
        performance.c.partition_date.between(partition_date - timedelta(days=retrain.days - 1), partition_date),
        performance.c.role == "champion",
        performance.c.segment_by == "",
        performance.c.metric == metric,
        performance.c.model_version == version.version,
    )
    with workspace.warehouse.begin() as connection:
        found, partitions = connection.execute(recent).one()
    # A single bad day is weather; what is declared is the mean of so many.
    if partitions < retrain.days or found <= retrain.error_ratio * trained:
        return []
    times = f"{found / trained:.2f} times the {trained:.4f} of training"
    return [f"{metric} was {found:.4f} over {partitions} partitions, {times}"]


def _drift(
    workspace: Workspace, pipeline: Pipeline, retrain: Retrain, run: sa.RowMapping, version: ModelVersion
) -> list[Drift]:
    profiles = read_profiles(workspace.warehouse, version.name, version.version)
    if pipeline.push or not profiles:
        return []
    snapshot = Snapshot(run["snapshot_uri"], run["rows_extracted"], run["snapshot_digest"])
    snapshot.verify()
    features = [name for name in retrain.features if name in profiles]
    aside = Quarantine(workspace.warehouse, run["run_id"], pipeline.entity_key).numbers()
    columns = snapshot.columns(features).to_pandas().drop(index=aside)
    found = judge_drift(columns, profiles, retrain)
    value = pipeline.prediction.column
    if value in profiles:
        found += judge_drift(_predicted(workspace, pipeline, run["run_id"]), profiles, retrain)
    record_drift(workspace.warehouse, pipeline.name, run["partition_date"], run["run_id"], version.version, found)
    return found


def _predicted(workspace: Workspace, pipeline: Pipeline, run_id: int) -> Any:
    value = pipeline.prediction.column
    with workspace.warehouse.bulk() as connection, connection.cursor() as cursor:
        cursor.execute(f'SELECT "{value}" FROM predictions.{pipeline.name}_runs WHERE run_id = {run_id:d}')
        return cursor.fetch_arrow_table().to_pandas()


def _current_run(workspace: Workspace, pipeline: Pipeline, partition_date: date) -> sa.RowMapping | None:
    current = (
        sa.select(runs)
        .join(publications, publications.c.run_id == runs.c.run_id)
        .where(
            publications.c.pipeline == pipeline.name,
            publications.c.partition_date == partition_date,
            publications.c.withdrawn_at.is_(None),
        )
    )
    with workspace.ledger.warehouse.begin() as connection:
        return connection.execute(current).mappings().first()


def cooling_down(workspace: Workspace, pipeline: Pipeline, retrain: Retrain, now: datetime) -> str | None:
    """Say that the model's newest version is younger than the cool-down, or return None."""
    registered = workspace.registry.last_registered(pipeline.single_ref.name)
    if registered is None or now - registered >= retrain.cool_down:
        return None
    return f"the last version was registered {registered:%Y-%m-%d %H:%M} UTC, within {retrain.cool_down.days} days"


def _record(workspace: Workspace, watched: Watched, version: int) -> None:
    values = {"reasons": list(watched.reasons), "held_back": watched.held_back}
    statement = insert(retraining_requests).values(
        pipeline=watched.pipeline, partition_date=watched.partition_date, model_version=version, **values
    )
    key = ["pipeline", "partition_date", "model_version"]
    with workspace.warehouse.begin() as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=key, set_=values))
