"""Run drift: every column of a run, held against the training of the model version that scored the rows."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from daybreak.batch.routing import routes_of
from daybreak.batch.snapshot import Snapshot
from daybreak.declaration.pipeline import Pipeline, Retrain
from daybreak.declaration.segments import OTHER, ModelRef
from daybreak.ledger.quarantine import Quarantine
from daybreak.ledger.segments import versions_of_run
from daybreak.models.version import ModelVersion
from daybreak.monitoring.drift import LEAST_ROWS, Drift, judge_drift
from daybreak.monitoring.rescore import Rescoring
from daybreak.tables.names import predictions_table
from daybreak.training.profiles import read_profiles
from daybreak.warehouse.identifiers import quoted
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

Versions = Mapping[str | None, ModelVersion]


def versions_of(workspace: Workspace, pipeline: Pipeline, run: dict[str, Any]) -> Versions:
    """Return the version that scored each segment of a run, or under None the one that scored all.

    The fallback's is left out: training does not know which rows will have to fall back, nor how they are spread.
    """
    found = versions_of_run(workspace.warehouse, run["run_id"])
    if pipeline.segments.column is not None:
        found.pop(OTHER, None)
    return {segment: workspace.registry.resolve(ModelRef(name), number) for segment, (name, number) in found.items()}


def judge_run(
    workspace: Workspace, pipeline: Pipeline, retrain: Retrain, run: dict[str, Any], versions: Versions
) -> list[Drift]:
    """Compare the features that are declared, and the prediction, with the profiles of the version that scored them.

    What was pushed is scored again, and only the divergences outlive it.
    """
    profiles = {
        segment: read_profiles(workspace.warehouse, version.name, version.version)
        for segment, version in versions.items()
    }
    value = pipeline.prediction.column
    features = [name for name in retrain.features if any(name in known for known in profiles.values())]
    if not any(profiles.values()):
        return []

    def judged(rows: "pa.Table") -> list[Drift]:
        return [
            replace(drift, segment=segment, model_version=versions[segment].version)
            for segment, part in _by_segment(pipeline, versions, rows)
            if part.num_rows >= LEAST_ROWS
            for drift in judge_drift(part.to_pandas(), profiles[segment], retrain)
        ]

    if pipeline.push:
        # The shares of the bins are too much to be told of what is kept nowhere.
        return [replace(one, shares=()) for one in Rescoring(workspace, pipeline).judged(run, features, judged)]
    found = judged(_features(workspace, pipeline, run, features)) if features else []
    if any(value in known for known in profiles.values()):
        found += judged(_predictions(workspace, pipeline, run["run_id"]))
    return found


def _by_segment(pipeline: Pipeline, versions: Versions, rows: "pa.Table") -> "Iterator[tuple[str | None, pa.Table]]":
    import pyarrow as pa

    column, segments = pipeline.segments.column, [str(segment) for segment in versions]
    if column is None:
        yield OTHER, rows
        return
    # A table of no rows has no batch.
    for batch in rows.combine_chunks().to_batches():
        routes = routes_of(batch, column, segments)
        for number, segment in enumerate(segments):
            part = batch.filter(pa.array(routes == number))
            yield segment, pa.Table.from_batches([part]).drop_columns([column])


def _features(workspace: Workspace, pipeline: Pipeline, run: dict[str, Any], features: list[str]) -> "pa.Table":
    import numpy as np
    import pyarrow as pa

    snapshot = Snapshot(run["snapshot_uri"], run["rows_extracted"], run["snapshot_digest"])
    snapshot.verify()
    rows = snapshot.columns(list(dict.fromkeys((*features, *pipeline.segments.columns))))
    scored = np.ones(rows.num_rows, dtype=bool)
    scored[Quarantine(workspace.warehouse, run["run_id"], pipeline.entity_key).numbers()] = False
    return rows.filter(pa.array(scored))


def _predictions(workspace: Workspace, pipeline: Pipeline, run_id: int) -> "pa.Table":
    names = ", ".join(quoted(name) for name in (pipeline.prediction.column, *pipeline.segments.columns))
    with workspace.warehouse.bulk() as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {names} FROM {predictions_table(pipeline)} WHERE run_id = {run_id:d}")
        return cursor.fetch_arrow_table()
