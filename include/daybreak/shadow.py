"""Shadow: a challenger scores the rows that a run has published, so that both can be held against the actuals.

What goes wrong here is written down and touches nothing else: the run is published by then. Shadow predictions are in
a table of their own and are never published or pushed.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from daybreak.errors import DaybreakError, ModelRefused
from daybreak.partition import Partition
from daybreak.pipeline import ModelRef, Pipeline
from daybreak.plan import Plan
from daybreak.registry import ModelVersion
from daybreak.segment_models import OTHER, SegmentModels
from daybreak.tables import shadow_runs
from daybreak.warehouse import Warehouse
from daybreak.workspace import Workspace

Model = ModelVersion | SegmentModels


@dataclass
class Shadowed:
    """What a challenger made of a run's rows; ``problem`` says why it made nothing of them."""

    version: str
    rows_failed: int = 0
    rows_scored: int = 0
    seconds: float = 0.0
    problem: str | None = None

    def __str__(self) -> str:
        if self.problem:
            return f"shadow (version {self.version}) failed: {self.problem}"
        return f"shadow (version {self.version}): {self.rows_scored:,} scored in {self.seconds:.1f} s"


def resolve_shadow(
    workspace: Workspace, pipeline: Pipeline, partition: Partition, champion: Model, run_id: int
) -> Model | None:
    """Return the challenger that is to score a run's rows too, and write it down; None where there is none.

    A challenger that must not score the partition is written down with the reason. One that is the champion by now is
    none.
    """
    if pipeline.shadow is None:
        return None
    found = _recorded(workspace, run_id) or _challengers(workspace, pipeline, champion)
    if not found:
        return None
    try:
        model = _resolved(workspace, champion, found)
        for version in _by_segment(model).values():
            workspace.registry.verify(version)
        if model.trained_through > partition.day:
            raise ModelRefused(
                f"The challenger has seen days through {model.trained_through}, after the partition.",
                next_step="nothing: later partitions are scored by it.",
            )
    except DaybreakError as error:
        _open(workspace.warehouse, run_id, state="refused", models=found, problem=str(error))
        return None
    _open(
        workspace.warehouse,
        run_id,
        state="planned",
        models=found,
        model_version=model.version,
        model_digest=model.digest,
        problem=None,
    )
    return model


@contextmanager
def shadowing(warehouse: Warehouse, plan: Plan) -> Iterator[Shadowed]:
    """Write down what came of the shadow, whatever it is; the body fills in the counts."""
    shadowed = Shadowed(plan.shadow.label if plan.shadow else "")
    started = time.monotonic()
    try:
        yield shadowed
    except Exception as error:
        shadowed.problem = str(error) if isinstance(error, DaybreakError) else f"{type(error).__name__}: {error}"
        shadowed.problem = " ".join(shadowed.problem.split())[:2000]
    shadowed.seconds = time.monotonic() - started
    ended = shadow_runs.update().where(shadow_runs.c.run_id == plan.run_id)
    with warehouse.begin() as connection:
        connection.execute(
            ended.values(
                state="failed" if shadowed.problem else "scored",
                rows_failed=shadowed.rows_failed,
                rows_scored=0 if shadowed.problem else shadowed.rows_scored,
                seconds=round(shadowed.seconds, 3),
                problem=shadowed.problem,
                finished_at=sa.func.clock_timestamp(),
            )
        )


def _challengers(workspace: Workspace, pipeline: Pipeline, champion: Model) -> list[list[Any]] | None:
    """Return segment, model and version of the challengers, or None where every one is the champion."""
    declared = pipeline.model
    refs: dict[str | None, ModelRef] = {OTHER: declared} if isinstance(declared, ModelRef) else dict(declared.refs)
    champions = _by_segment(champion)
    found: list[list[Any]] = []
    for segment, ref in refs.items():
        try:
            version = workspace.registry.resolve(replace(ref, alias=str(pipeline.shadow))).version
        except ModelRefused:  # this model has no challenger: its champion stands in for it
            version = champions[segment].version
        found.append([segment, ref.name, version])
    same = all(version == champions[segment].version for segment, _, version in found)
    return None if same else found


def _resolved(workspace: Workspace, champion: Model, found: list[list[Any]]) -> Model:
    versions: dict[str | None, ModelVersion] = {}
    for segment, name, version in found:
        versions[segment] = workspace.registry.resolve(ModelRef(name), version)
    if not isinstance(champion, SegmentModels):
        return versions[OTHER]
    named = tuple((segment, version) for segment, version in versions.items() if segment is not OTHER)
    return SegmentModels(champion.column, named, versions.get(OTHER))


def _by_segment(model: Model) -> dict[str | None, ModelVersion]:
    return model.by_segment if isinstance(model, SegmentModels) else {OTHER: model}


def _recorded(workspace: Workspace, run_id: int) -> list[list[Any]] | None:
    with workspace.warehouse.begin() as connection:
        found: list[list[Any]] | None = connection.scalar(
            sa.select(shadow_runs.c.models).where(shadow_runs.c.run_id == run_id)
        )
    return found


def _open(warehouse: Warehouse, run_id: int, **values: Any) -> None:
    from sqlalchemy.dialects.postgresql import insert

    statement = insert(shadow_runs).values(run_id=run_id, **values)
    with warehouse.begin() as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=["run_id"], set_=values))
