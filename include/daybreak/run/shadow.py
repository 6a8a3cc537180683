"""Shadow: a challenger scores the rows that a run has published, so that both can be held against the actuals.

What goes wrong here is written down and touches nothing else: the run is published by then. Shadow predictions are in
a table of their own and are never published or pushed.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.segments import ModelRef
from daybreak.errors import DaybreakError, ModelRefused
from daybreak.ledger.tables import shadow_runs
from daybreak.models.registry import Registry
from daybreak.models.segment_models import SegmentModels
from daybreak.models.served import Store
from daybreak.run.plan import Plan
from daybreak.warehouse.database import Warehouse

# Segment, registered model and version, for each segment.
Found = list[list[Any]]


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
    warehouse: Warehouse, registry: Registry, aliases: Store, pipeline: Pipeline, plan: Plan
) -> SegmentModels | None:
    """Return the challenger that is to score a run's rows too, and write it down; None where there is none.

    A challenger that cannot or must not score the partition is written down with the reason; nothing is raised. One
    that is the champion by now is none.
    """
    if pipeline.shadow is None:
        return None
    found: Found = []
    try:
        found = _recorded(warehouse, plan.run_id) or _challengers(aliases, pipeline, plan.model)
        if not found:
            return None
        where = {segment: ref.environment for segment, ref in pipeline.segments.refs.items()}
        versions = tuple(
            (segment, registry.resolve(ModelRef(name, environment=where[segment]), number))
            for segment, name, number in found
        )
        model = SegmentModels(plan.model.column, versions).each(registry.verify)
        if model.trained_through > plan.partition.last_complete_day:
            raise ModelRefused(
                f"The challenger has seen days through {model.trained_through}, after the partition.",
                next_step="nothing: later partitions are scored by it.",
            )
        planned = {"model_version": model.version, "model_digest": model.digest}
        _open(warehouse, plan.run_id, state="planned", models=found, problem=None, **planned)
    except Exception as error:  # whatever a registry or a storage raises, the champion's run is not to hear of it
        with suppress(Exception):
            _open(warehouse, plan.run_id, state="refused", models=found, problem=_told(error))
        return None
    return model


@contextmanager
def shadowing(warehouse: Warehouse, plan: Plan) -> Iterator[Shadowed]:
    """Write down what came of the shadow, whatever it is; the body fills in the counts."""
    shadowed = Shadowed(plan.shadow.label if plan.shadow else "")
    started = time.monotonic()
    try:
        yield shadowed
    except Exception as error:
        shadowed.problem = _told(error)
    shadowed.seconds = time.monotonic() - started
    ended = {
        "state": "failed" if shadowed.problem else "scored",
        "rows_failed": shadowed.rows_failed,
        "rows_scored": 0 if shadowed.problem else shadowed.rows_scored,
        "seconds": round(shadowed.seconds, 3),
        "problem": shadowed.problem,
        "finished_at": sa.func.clock_timestamp(),
    }
    try:
        with warehouse.begin() as connection:
            connection.execute(shadow_runs.update().where(shadow_runs.c.run_id == plan.run_id).values(ended))
    except Exception as error:  # it stays planned, which nobody takes for scored
        shadowed.problem = shadowed.problem or _told(error)


def _told(error: Exception) -> str:
    text = str(error) if isinstance(error, DaybreakError) else f"{type(error).__name__}: {error}"
    # What a model or a storage says may hold what no text column takes.
    return " ".join(text.replace("\0", " ").encode(errors="replace").decode().split())[:2000]


def _challengers(aliases: Store, pipeline: Pipeline, champion: SegmentModels) -> Found:
    """Return segment, model and version of the challengers; nothing where every one is the champion."""
    refs = pipeline.segments.refs
    # One model may serve several segments: its alias is asked for once, or it could move between two of them.
    aliased = {ref.name: aliases.get(replace(ref, alias=str(pipeline.shadow))) for ref in refs.values()}
    champions = champion.by_segment
    # For a model without a challenger its champion stands in.
    versions = {segment: aliased[ref.name] or champions[segment].version for segment, ref in refs.items()}
    if all(version == champions[segment].version for segment, version in versions.items()):
        return []
    return [[segment, ref.name, versions[segment]] for segment, ref in refs.items()]


def _recorded(warehouse: Warehouse, run_id: int) -> Found | None:
    with warehouse.begin() as connection:
        found: Found | None = connection.scalar(sa.select(shadow_runs.c.models).where(shadow_runs.c.run_id == run_id))
    return found


def _open(warehouse: Warehouse, run_id: int, **values: Any) -> None:
    from sqlalchemy.dialects.postgresql import insert

    statement = insert(shadow_runs).values(run_id=run_id, **values)
    with warehouse.begin() as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=["run_id"], set_=values))
