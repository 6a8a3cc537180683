"""Segments: rows go to the model of their segment, and come back in their order."""

from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from daybreak.batch.chunk import Chunk, Rejected, Scored
from daybreak.batch.routing import routes_of
from daybreak.declaration.pipeline import Pipeline
from daybreak.models.registry import ModelVersion
from daybreak.models.segment_models import OTHER, SegmentModels
from daybreak.run.score import Scoring, scoring_threads

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass
class SegmentCounts:
    """What came of the rows of one segment."""

    rows_extracted: int = 0
    rows_quarantined: int = 0
    rows_failed: int = 0
    rows_scored: int = 0


def scoring_for(
    pipeline: Pipeline,
    model: ModelVersion | SegmentModels,
    load: Callable[[ModelVersion], Any],
    budget: Callable[[str | None], int],
    reject: Callable[[Rejected], None],
) -> "Scoring | SegmentedScoring":
    """Make the pass through the one model, or through that of each segment.

    ``budget`` says how many rows of a segment may fail; of all rows, under None, where there is one model.
    """
    if not isinstance(model, SegmentModels):
        # A model may repeat in an error what it has predicted, and what is pushed is kept nowhere.
        withhold = pipeline.push is not None
        return Scoring(load(model), model.signature, pipeline.prediction, budget(None), reject, withhold_texts=withhold)
    scorings: dict[str | None, Scoring] = {}
    for segment, version in model.by_segment.items():
        rows = "rows of other segments" if segment is OTHER else f"rows of segment '{segment}'"
        scorings[segment] = Scoring(
            load(version), version.signature, pipeline.prediction, budget(segment), reject, rows
        )
    return SegmentedScoring(model.column, scorings)


class SegmentedScoring:
    """One pass of valid rows, each through the model of its segment; ``scorings`` has the fallback's under None."""

    def __init__(self, column: str, scorings: Mapping[str | None, Scoring]) -> None:
        self._column = column
        self._scorings = scorings
        self._segments = [segment for segment in scorings if segment is not OTHER]

    @property
    def failed(self) -> int:
        """Rows that could not be scored."""
        return sum(scoring.failed for scoring in self._scorings.values())

    @property
    def scored(self) -> int:
        """Rows with a prediction."""
        return sum(scoring.scored for scoring in self._scorings.values())

    def predictions(self, chunks: Iterable[Chunk]) -> Generator[Scored]:
        """Yield the predictions of each chunk, in order; raise ScoringFailed once a segment's budget is overdrawn."""
        with scoring_threads() as threads:
            for chunk in chunks:
                scored = self._scored(chunk, threads)
                if len(scored.values):
                    yield scored

    def count(self, rows: "Iterable[pa.RecordBatch]", quarantined: np.ndarray) -> dict[str | None, SegmentCounts]:
        """Say what came of every segment's rows; ``rows`` are all that were extracted, at least their segment column.

        ``quarantined`` are the positions of those that were set aside before scoring.
        """
        counts = {segment: SegmentCounts() for segment in [*self._segments, OTHER]}
        order = [*self._segments, OTHER]
        start = 0
        for batch in rows:
            routes = routes_of(batch, self._column, self._segments)
            aside = quarantined[(quarantined >= start) & (quarantined < start + batch.num_rows)] - start
            for segment, extracted, set_aside in zip(
                order,
                np.bincount(routes, minlength=len(order)),
                np.bincount(routes[aside], minlength=len(order)),
                strict=True,
            ):
                counts[segment].rows_extracted += int(extracted)
                counts[segment].rows_quarantined += int(set_aside)
            start += batch.num_rows
        for segment, scoring in self._scorings.items():
            counts[segment].rows_failed, counts[segment].rows_scored = scoring.failed, scoring.scored
        return counts

    def _scored(self, chunk: Chunk, threads: ThreadPoolExecutor) -> Scored:
        routes = routes_of(chunk.rows, self._column, self._segments)
        # One pass brings each segment's rows together, and slices of it cost nothing; a filter for each would not.
        together = chunk.at(np.argsort(routes, kind="stable"))
        finishing: list[Callable[[], Scored]] = []
        start = 0
        for segment, rows in zip([*self._segments, OTHER], np.bincount(routes), strict=False):
            if rows:
                # All segments' rows are on their way before the first is waited for, so that no core idles.
                of_segment = Chunk(together.rows.slice(start, rows), together.numbers[start : start + rows])
                finishing.append(self._scorings[segment].start(of_segment, threads))
                start += int(rows)
        parts = [finish() for finish in finishing]
        if len(parts) == 1:
            return parts[0]
        numbers = np.concatenate([part.chunk.numbers for part in parts])
        order = np.argsort(numbers)
        values = np.concatenate([part.values for part in parts])[order]
        if len(values) == len(chunk.numbers):
            return Scored(chunk, values)
        return Scored(chunk.keep(np.isin(chunk.numbers, numbers, assume_unique=True)), values)
