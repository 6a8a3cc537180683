"""Resolve: which model versions, and which upstream publication, a run uses; decided once, then written down."""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from daybreak.declaration.partition import Partition
from daybreak.declaration.pipeline import ModelRef, PerSegment, Pipeline
from daybreak.errors import ConfigurationError, PartitionRefused
from daybreak.ledger.tables import publications, run_segments, runs
from daybreak.models.registry import ModelVersion
from daybreak.models.segment_models import OTHER, SegmentModels
from daybreak.workspace import Workspace


@dataclass(frozen=True)
class Upstream:
    """The publication of the upstream pipeline that a run reads."""

    run_id: int
    publication_id: int


def resolve_model(
    workspace: Workspace,
    pipeline: Pipeline,
    recorded: tuple[int, ...],
    version: int | None = None,
    by_policy: Callable[[ModelRef], int | None] = lambda model: None,
) -> ModelVersion | SegmentModels:
    """Return the versions that the first of the recorded runs wrote down, else the one asked for, else the policy's.

    Where the policy names none it is the alias's. ``recorded`` are the run itself, which may be planned a second time,
    and one whose versions are to be used again.
    """
    if isinstance(pipeline.model, ModelRef):
        if known := _recorded_version(workspace, recorded):
            return workspace.registry.resolve(*known)
        return workspace.registry.resolve(pipeline.model, version or by_policy(pipeline.model))
    if version is not None:
        raise ConfigurationError(
            f"{pipeline.name} has a model for each segment; one version cannot stand for all of them.",
            next_step="leave the version out, or move the alias of the segment's model.",
        )
    return _resolve_segments(workspace, pipeline.model, _recorded_segments(workspace, recorded), by_policy)


def resolve_upstream(
    workspace: Workspace, pipeline: Pipeline, partition: Partition, recorded: tuple[int, ...]
) -> Upstream | None:
    """Return the upstream publication that the first of the recorded runs wrote down, else the current one.

    Raises PartitionRefused where the upstream has published nothing for the partition.
    """
    if pipeline.upstream is None:
        return None
    known = sa.select(runs.c.upstream_run_id, runs.c.upstream_publication_id)
    current = sa.select(publications.c.run_id, publications.c.publication_id).where(
        publications.c.pipeline == pipeline.upstream,
        publications.c.partition_date == partition.day,
        publications.c.withdrawn_at.is_(None),
    )
    with workspace.warehouse.begin() as connection:
        for run_id in recorded:
            found = connection.execute(known.where(runs.c.run_id == run_id)).one()
            if found[0] is not None:
                return Upstream(*found)
        found_now = connection.execute(current).first()
    if found_now is None:
        raise PartitionRefused(
            f"{pipeline.upstream} has published nothing for {partition.key}, and {pipeline.name} is made from it.",
            next_step=f"run it first: `daybreak run {pipeline.upstream} --partition {partition.key}`.",
        )
    return Upstream(*found_now)


def _resolve_segments(
    workspace: Workspace,
    declared: PerSegment,
    recorded: dict[str | None, tuple[ModelRef, int]],
    by_policy: Callable[[ModelRef], int | None],
) -> SegmentModels:
    # One model may serve several segments: its alias is asked for once, or it could move between two of them.
    versions: dict[tuple[ModelRef, int | None], ModelVersion] = {}

    def resolved(segment: str | None, ref: ModelRef) -> ModelVersion:
        wanted = recorded.get(segment) or (ref, by_policy(ref))
        if wanted not in versions:
            versions[wanted] = workspace.registry.resolve(*wanted)
        return versions[wanted]

    return SegmentModels(
        declared.column,
        tuple((segment, resolved(segment, ref)) for segment, ref in declared.models.items()),
        None if declared.fallback is None else resolved(OTHER, declared.fallback),
    )


def _recorded_version(workspace: Workspace, recorded: tuple[int, ...]) -> tuple[ModelRef, int] | None:
    for run_id in recorded:
        run = workspace.ledger.get(run_id)
        if run["model_version"] is not None:
            return ModelRef(run["model_name"]), run["model_version"]
    return None


def _recorded_segments(workspace: Workspace, recorded: tuple[int, ...]) -> dict[str | None, tuple[ModelRef, int]]:
    columns = run_segments.c
    wanted = sa.select(columns.segment, columns.model_name, columns.model_version).where(
        columns.model_name.is_not(None)
    )
    with workspace.warehouse.begin() as connection:
        for run_id in recorded:
            if found := connection.execute(wanted.where(columns.run_id == run_id)).all():
                return {segment: (ModelRef(name), version) for segment, name, version in found}
    return {}
