"""The scorer makes the pass of rows through a pipeline's models; what is loaded is kept, so one serves a backfill."""

import sys
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from daybreak.batch.chunk import Chunk, Rejected, passed
from daybreak.batch.routing import count_segments
from daybreak.batch.snapshot import Snapshot
from daybreak.batch.top import AllRows, chosen_by
from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.segments import OTHER
from daybreak.ledger.segments import RunSegment, SegmentCounts
from daybreak.models.answering import Answering, AsksElsewhere
from daybreak.models.segment_models import SegmentModels
from daybreak.models.version import ModelVersion
from daybreak.run.score import ModelScoring
from daybreak.run.segments import Scoring

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class ValidRows:
    """The rows of a snapshot but those that validation has quarantined, given by position."""

    snapshot: Snapshot
    quarantined: "np.ndarray"
    chunk_rows: int

    def chunks(self) -> Generator[Chunk]:
        """Yield them in their order, a chunk at a time."""
        return passed(self.snapshot.batches(self.chunk_rows), self.quarantined)

    def extracted(self, model: SegmentModels) -> dict[str | None, int]:
        """Count the extracted rows of each segment, all under ``OTHER`` where one model scores them."""
        if model.column is None:
            return {OTHER: self.snapshot.rows}
        return count_segments(self.snapshot.batches(self.chunk_rows, [model.column]), model.column)

    def recorded(self, model: SegmentModels, scoring: Scoring) -> list[RunSegment]:
        """Return what the ledger keeps of each segment once all rows are scored."""
        if model.column is None:
            quarantined = len(self.quarantined)
            return model.recorded(
                {OTHER: SegmentCounts(self.snapshot.rows, quarantined, scoring.failed, scoring.scored)}
            )
        rows = self.snapshot.batches(self.chunk_rows, [model.column])
        return model.recorded(scoring.count(rows, model.column, self.quarantined))


class Scorer:
    """Make passes through the models of one pipeline; ``load`` verifies and loads a version."""

    def __init__(self, pipeline: Pipeline, load: Callable[[ModelVersion], Any]) -> None:
        self._pipeline = pipeline
        self._load = load
        self._answering = Answering.of(pipeline)
        self._loaded: dict[str, Any] = {}

    def scoring(
        self,
        model: SegmentModels,
        rows: Mapping[str | None, int] | None,
        reject: Callable[[Rejected], None],
        progress: Callable[[int], None] = lambda done: None,
        *,
        every_row: bool = False,
    ) -> Scoring:
        """Prepare a pass through the model of each segment.

        ``rows`` are how many of each there are, which decides how many may fail; with None any number may. ``reject``
        is called with the rows that failed, ``progress`` with how many rows of the batch are through. Where only the
        best are published, ``every_row`` gives the others too.
        """
        models = {}
        for segment, version in model.versions:
            models[segment] = ModelScoring(
                self._model(version),
                version.signature,
                self._pipeline.prediction,
                sys.maxsize if rows is None else self._budget(segment, rows),
                reject,
                _called(segment, model),
                positive=self._pipeline.positive,
                # A model may repeat in an error what it has predicted, and what is pushed is kept nowhere.
                withhold_texts=self._pipeline.push is not None,
            )
        return Scoring(model.column, models, AllRows() if every_row else chosen_by(self._pipeline), progress)

    def begin(self, model: SegmentModels) -> None:
        """Start what models have processes of their own, so that they are ready once there are rows."""
        for version in {version.digest: version for _, version in model.versions if version.elsewhere}.values():
            self._model(version)

    def _model(self, version: ModelVersion) -> Any:
        known = self._loaded.get(version.digest)
        if isinstance(known, AsksElsewhere) and known.ended:
            del self._loaded[version.digest]
        if version.digest not in self._loaded:
            # A champion and a challenger for each segment: what is older than those is let go.
            while len(self._loaded) > 2 * len(self._pipeline.model_refs):
                del self._loaded[next(iter(self._loaded))]
            model = self._load(version)
            self._answering.refuse_other(model, f"{version.name} version {version.version}")
            self._loaded[version.digest] = model
        return self._loaded[version.digest]

    def _budget(self, segment: str | None, rows: Mapping[str | None, int]) -> int:
        segments = self._pipeline.segments
        if segment in segments.named:
            of_segment = rows.get(segment, 0)
        else:
            of_segment = sum(count for name, count in rows.items() if name not in segments.named)
        return int(segments.max_failed_share.get(segment, self._pipeline.max_failed_share) * of_segment)


def _called(segment: str | None, model: SegmentModels) -> str:
    """Name the rows of a segment in a message."""
    if model.column is None:
        return "rows"
    return "rows of other segments" if segment is OTHER else f"rows of segment '{segment}'"
