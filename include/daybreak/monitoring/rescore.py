"""Rescore: derive pushed predictions again, in memory, to be measured. They are kept nowhere."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import sqlalchemy as sa

from daybreak.batch.chunk import Chunk, Scored, published_columns
from daybreak.batch.json_rows import as_texts
from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.segments import ModelRef
from daybreak.errors import ModelRefused
from daybreak.ledger.tables import quarantine
from daybreak.models.version import ModelVersion
from daybreak.monitoring.actuals import Joined, join_actuals
from daybreak.push.runner import frames_emptied, without_values
from daybreak.run.plan import query_binds
from daybreak.sources.queries import EXTRACT
from daybreak.training.comparison import predictions
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

Found = TypeVar("Found")


class Rescoring:
    """Score partitions of a pipeline that pushes again, each with the version that its run planned.

    The snapshot was removed with the run: the rows are read again, as the source has them now.
    """

    def __init__(self, workspace: Workspace, pipeline: Pipeline) -> None:
        self._workspace = workspace
        self._pipeline = pipeline
        self._models: dict[int, tuple[ModelVersion, Any]] = {}

    def joined(self, run: dict[str, Any], actuals: "pa.Table") -> Joined | None:
        """Return the predictions beside the actuals; nothing of them outlives the caller."""
        with frames_emptied(), without_values():
            return join_actuals(self._pipeline, self._predicted(run, self._pipeline.entity_key), actuals)

    def judged(self, run: dict[str, Any], columns: list[str], judge: "Callable[[pa.Table], Found]") -> Found:
        """Return what a judge makes of some columns and the prediction; it must keep neither."""
        with frames_emptied(), without_values():
            return judge(self._predicted(run, columns))

    def _predicted(self, run: dict[str, Any], columns: Iterable[str]) -> "pa.Table":
        import pyarrow as pa

        version, model = self._model(run)
        keys, prediction = list(self._pipeline.entity_key), self._pipeline.prediction
        partition = self._pipeline.calendar.partition(run["partition_key"])
        left_out = self._quarantined(run["run_id"])
        parts = []
        with self._workspace.queries(self._pipeline).stream(EXTRACT, query_binds(partition)) as (_, reader):
            for batch in reader:
                values = predictions(model, version, self._pipeline, batch)
                scored = ~np.isnan(values[:, 0]) & ~np.isin(_texts(batch.select(keys).columns), left_out)
                kept = Chunk(batch.select(list(columns)), np.arange(batch.num_rows))
                further = dict(zip(prediction.further, values.T[1:], strict=True))
                answers = Scored(kept, values[:, 0], further=further).keep(scored)
                part = pa.Table.from_batches([answers.chunk.rows])
                for name, column in published_columns(prediction, answers).items():
                    part = part.append_column(name, column)
                parts.append(part)
        return pa.concat_tables(parts)

    def _model(self, run: dict[str, Any]) -> tuple[ModelVersion, Any]:
        number = run["model_version"]
        if number not in self._models:
            registry = self._workspace.registry
            version = registry.resolve(ModelRef(run["model_name"]), number)
            if version.digest != run["model_digest"]:
                raise ModelRefused(
                    f"{version.name} version {number} has another digest than run {run['run_id']} used.",
                    next_step="restore the artifact that was registered.",
                    pipeline=self._pipeline.name,
                    partition=run["partition_key"],
                )
            self._models = {number: (version, registry.load(version))}
        return self._models[number]

    def _quarantined(self, run_id: int) -> np.ndarray:
        with self._workspace.warehouse.begin() as connection:
            found = connection.scalars(sa.select(quarantine.c.entity_key).where(quarantine.c.run_id == run_id))
            keys = ["\x1f".join(_text(key[name]) for name in self._pipeline.entity_key) for key in found]
        return np.array(keys, dtype=object)


def _text(value: Any) -> str:
    """Write a value of an entity key as ``as_texts`` does, out of the ledger's JSON."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _texts(columns: "list[pa.Array]") -> np.ndarray:
    """Write each row's entity key as one text."""
    import pyarrow.compute as pc

    texts = [as_texts(column) for column in columns]
    return np.asarray(
        pc.binary_join_element_wise(*texts, "\x1f", null_handling="replace").to_numpy(zero_copy_only=False)
    )
