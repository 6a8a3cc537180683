"""Brought notices: what of a model that is registered would only show later, when it is run or compared."""

from typing import TYPE_CHECKING

from daybreak.batch.signature import Signature
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import DaybreakError
from daybreak.run.tables import extract_schema
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa


def notices(workspace: Workspace, pipeline: Pipeline, signature: Signature, sample: "pa.Table | None") -> list[str]:
    """Return what stands in the way of a run, and why nothing is measured; each says what to do.

    ``sample`` is what somebody gave in a file, None where the rows come from somewhere else.
    """
    return [*_unlike_extract(workspace, pipeline, signature), *_not_measured(pipeline, signature, sample)]


def _unlike_extract(workspace: Workspace, pipeline: Pipeline, signature: Signature) -> list[str]:
    try:
        unlike = signature.unlike(extract_schema(workspace, pipeline), "extract.sql")
    except DaybreakError as error:
        # What is wrong with the source is no reason not to register a model.
        return [f"extract.sql was not compared with what the model takes: {error}"]
    if not unlike:
        return []
    return [
        f"The model {'; '.join(unlike)}. A run will refuse it. Next: mend sql/{pipeline.name}/extract.sql, or fit it "
        "on the columns that are there."
    ]


def _not_measured(pipeline: Pipeline, signature: Signature, sample: "pa.Table | None") -> list[str]:
    if sample is None or pipeline.target is None or pipeline.measures in (None, "ranking"):
        return []
    if pipeline.target in sample.column_names:
        return []
    known = {*signature.names, *pipeline.entity_key, *pipeline.carries}
    others = [name for name in sample.column_names if name not in known]
    besides = f" It has {', '.join(others)} besides what the model takes." if others else ""
    return [
        f"The sample has no column {pipeline.target}, so nothing was measured.{besides} Next: give the outcome under "
        "that name to see how good the model is."
    ]
