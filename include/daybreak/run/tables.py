"""Tables of predictions, as the commands and runs of a workspace see to them."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from daybreak.declaration.pipeline import Pipeline
from daybreak.run.plan import query_binds
from daybreak.sources.queries import EXTRACT
from daybreak.tables.pipeline_tables import PipelineTables
from daybreak.tables.statements import Change
from daybreak.warehouse.described import Described, as_batch
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa


def see_to_tables(
    workspace: Workspace, pipeline: Pipeline, binds: dict[str, Any] | None = None, *, anyway: bool = False
) -> list[Change]:
    """Bring a pipeline's tables to what it declares; return what was done.

    ``binds`` are the values of extract.sql, which is described with them and not run. ``anyway`` looks at the source
    and the tables also where nothing that they follow from has changed.
    """
    workspace.see_to_ledger()  # the tables refer to it
    return _tables(workspace, pipeline).see_to(binds or _any_binds(pipeline), anyway=anyway)


def foresee_tables(workspace: Workspace, pipeline: Pipeline) -> list[Change]:
    """Return what would be done to a pipeline's tables."""
    workspace.see_to_ledger()
    return _tables(workspace, pipeline).foresee(_any_binds(pipeline))


def describe_extract(workspace: Workspace, pipeline: Pipeline) -> list[Described]:
    """Return the columns of a pipeline's extract.sql; it is described, not run. Raises SourceRefused."""
    return workspace.queries(pipeline).describe(EXTRACT, _any_binds(pipeline))


def extract_schema(workspace: Workspace, pipeline: Pipeline) -> "pa.Schema":
    """Return the columns of a pipeline's extract.sql as a batch has them; it is checked, and not run.

    Raises ConfigurationError or SourceRefused.
    """
    workspace.queries(pipeline).check(EXTRACT, _any_binds(pipeline))
    return as_batch(describe_extract(workspace, pipeline))


def upstreams_first(pipelines: dict[str, Pipeline]) -> list[Pipeline]:
    """Return the pipelines that keep predictions, each after the one that it reads."""
    ordered: dict[str, Pipeline] = {}

    def add(pipeline: Pipeline, after: tuple[str, ...]) -> None:
        if pipeline.upstream in pipelines and pipeline.upstream not in after:
            add(pipelines[pipeline.upstream], (*after, pipeline.name))
        ordered.setdefault(pipeline.name, pipeline)

    for pipeline in pipelines.values():
        add(pipeline, (pipeline.name,))
    return [pipeline for pipeline in ordered.values() if pipeline.push is None]


def _tables(workspace: Workspace, pipeline: Pipeline) -> PipelineTables:
    folder, source = workspace.sql(pipeline, EXTRACT).parent, workspace.queries(pipeline).source
    return PipelineTables.of(workspace.warehouse, pipeline, folder, source)


def _any_binds(pipeline: Pipeline) -> dict[str, Any]:
    partition = pipeline.calendar.last_complete(datetime.now(UTC))
    return query_binds(partition, 0 if pipeline.upstream else None)
