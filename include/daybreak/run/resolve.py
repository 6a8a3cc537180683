"""Resolve: which model versions, and which upstream publication, a run uses; decided once, then written down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from daybreak.declaration.partition import Partition
from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.segments import ModelRef
from daybreak.errors import ConfigurationError, PartitionRefused
from daybreak.ledger.segments import versions_of_run
from daybreak.ledger.tables import publications, runs
from daybreak.models.registry import Registry
from daybreak.models.segment_models import SegmentModels
from daybreak.models.version import ModelVersion
from daybreak.warehouse.database import Warehouse

# Registered model and version by segment, as the ledger has them.
Recorded = Mapping[str | None, tuple[str, int]]


@dataclass(frozen=True)
class Upstream:
    """The publication of the upstream pipeline that a run reads."""

    run_id: int
    publication_id: int


def recorded_versions(warehouse: Warehouse, run_ids: tuple[int, ...]) -> Recorded:
    """Return the versions that the first of the runs wrote down that wrote any."""
    return next((found for run_id in run_ids if (found := versions_of_run(warehouse, run_id))), {})


def resolve_model(
    registry: Registry,
    pipeline: Pipeline,
    recorded: Recorded,
    version: int | None = None,
    by_policy: Callable[[ModelRef], int | None] = lambda model: None,
) -> SegmentModels:
    """Return of each segment the version that was recorded, else the one asked for, else the policy's or the alias's.

    ``recorded`` is what the run itself wrote down, which may be planned a second time, or one whose versions are to be
    used again.
    """
    segments = pipeline.segments
    if version is not None and segments.column is not None:
        raise ConfigurationError(
            f"{pipeline.name} has a model for each segment; one version cannot stand for all of them.",
            next_step="leave the version out, or move the alias of the segment's model.",
        )
    # One model may serve several segments: its alias is asked for once, or it could move between two of them.
    found: dict[tuple[ModelRef, int | None], ModelVersion] = {}

    def resolved(segment: str | None, ref: ModelRef) -> ModelVersion:
        if segment in recorded:
            name, number = recorded[segment]
            wanted: tuple[ModelRef, int | None] = (ModelRef(name, environment=ref.environment), number)
        else:
            wanted = (ref, version or by_policy(ref))
        if wanted not in found:
            found[wanted] = registry.resolve(*wanted)
        return found[wanted]

    return SegmentModels(
        segments.column, tuple((segment, resolved(segment, ref)) for segment, ref in segments.refs.items())
    )


def resolve_upstream(
    warehouse: Warehouse, pipeline: Pipeline, partition: Partition, run_ids: tuple[int, ...]
) -> Upstream | None:
    """Return the upstream publication that the first of the runs wrote down, else the current one.

    Raises PartitionRefused where the upstream has published nothing for the partition.
    """
    if pipeline.upstream is None:
        return None
    known = sa.select(runs.c.upstream_run_id, runs.c.upstream_publication_id)
    current = sa.select(publications.c.run_id, publications.c.publication_id).where(
        publications.c.pipeline == pipeline.upstream,
        publications.c.partition_key == partition.key,
        publications.c.withdrawn_at.is_(None),
    )
    with warehouse.begin() as connection:
        for run_id in run_ids:
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
