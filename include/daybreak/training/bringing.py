"""Bringing: a model that was fitted elsewhere becomes a version, after it was opened, tried and measured here."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from daybreak.declaration.pipeline import Measures, Pipeline
from daybreak.declaration.segments import ModelRef
from daybreak.errors import ConfigurationError, ModelRefused
from daybreak.models.aliases import COMMAND_LINE, Decision
from daybreak.models.answering import Answering
from daybreak.models.training_record import ORIGIN, TrainingRecord
from daybreak.models.version import ModelVersion
from daybreak.training.metrics import measured, of_quantiles
from daybreak.training.offered import TRIED, Offered, open_offered
from daybreak.training.outcomes import outcomes, positions
from daybreak.training.profiles import keep_watched, refuse_unknown_features
from daybreak.training.trained import Unseen
from daybreak.training.trial import Trial, try_in_fresh_process
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def bring(
    workspace: Workspace,
    pipeline: Pipeline,
    ref: ModelRef,
    offered: Offered,
    *,
    decided_by: str = COMMAND_LINE,
    progress: Callable[[str], None] = lambda step: None,
) -> tuple[ModelVersion, dict[str, float]]:
    """Register a model that was fitted elsewhere and point ``ref``'s alias to it; return what was measured of it.

    It is measured where the sample has the pipeline's target. Raises as ``open_offered`` does, and ModelRefused where
    what was registered cannot be used by a fresh process: it gets no alias.
    """
    progress("opening")
    opened = open_offered(workspace, pipeline, ref, offered)
    actual = _actual(pipeline, offered.sample)
    metrics = {}
    if actual is not None and pipeline.measures:
        metrics = _metrics(pipeline, pipeline.measures, actual, opened.predicted)
    unseen = Unseen(opened.rows.to_pandas(), actual, opened.predicted[:, 0])
    refuse_unknown_features(pipeline, unseen)
    origin = f"brought from {offered.brought.place}"
    progress("registering")
    version = workspace.registry.register(
        ref.name,
        opened.model,
        opened.rows.slice(0, TRIED).to_pandas(),
        trained_through=offered.trained_through,
        record=TrainingRecord(metrics, {"sample_rows": opened.rows.num_rows}, tags={ORIGIN: origin}),
        method=pipeline.prediction.method,
    )
    keep_watched(workspace.warehouse, pipeline, version, unseen)
    progress("scoring the sample in a fresh process")
    rows = version.signature.conform(opened.rows.slice(0, TRIED))
    trial = Trial(version, rows, opened.tried)
    if problem := try_in_fresh_process(workspace.registry.artifacts, Answering.of(pipeline), [trial]):
        raise ModelRefused(
            f"{version.name} version {version.version} cannot be used by a fresh process: {problem}.",
            next_step="what was registered got no alias; bring another one.",
            pipeline=pipeline.name,
        )
    workspace.aliases(ref).move(version.version, Decision(origin, decided_by=decided_by))
    return version, metrics


def _actual(pipeline: Pipeline, sample: "pa.Table") -> "np.ndarray | None":
    """Return the target of each row of the sample, None where it is not there."""
    if pipeline.measures in (None, "ranking") or pipeline.target not in sample.column_names:
        return None
    column = sample[pipeline.target]
    if column.null_count:
        raise ConfigurationError(
            f"{pipeline.target} is null in {column.null_count:,} of {len(column):,} rows of the sample.",
            next_step="give rows whose outcome is known, or leave the column out: nothing is measured then.",
            pipeline=pipeline.name,
        )
    classes = tuple(pipeline.prediction.classes)
    return positions(column, classes) if classes else outcomes(column, pipeline.positive)


def _metrics(pipeline: Pipeline, kind: Measures, actual: "np.ndarray", answers: "np.ndarray") -> dict[str, float]:
    import numpy as np
    import pandas as pd

    units = measured(kind, actual, answers, pd.DataFrame(index=range(len(actual))))
    if pipeline.prediction.quantiles:
        units = units.with_values(of_quantiles(actual, answers[:, 1:], pipeline.prediction))
    one = np.zeros(len(units.positions), dtype=np.int64)
    return {metric: float(units.mean(metric, one, 1)[0]) for metric in units.values}
