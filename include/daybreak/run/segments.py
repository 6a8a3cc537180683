"""Segments: rows go to the model of their segment, and come back in their order."""

from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from daybreak.batch.chunk import Chunk, Scored, concatenated
from daybreak.batch.routing import routes_of
from daybreak.batch.top import AllRows, Best
from daybreak.declaration.segments import OTHER
from daybreak.ledger.runs import Counts
from daybreak.ledger.segments import SegmentCounts
from daybreak.run.score import ModelScoring, scoring_threads

if TYPE_CHECKING:
    import pyarrow as pa


class Scoring:
    """One pass of valid rows, each through the model of its segment.

    ``models`` has that of all other rows under ``OTHER``; ``column`` says which segment a row is in, None where one
    model scores every row. ``chosen`` keeps the best of each group, or all. ``progress`` is told how many rows of the
    batch are through.
    """

    def __init__(
        self,
        column: str | None,
        models: Mapping[str | None, ModelScoring],
        chosen: Best | AllRows,
        progress: Callable[[int], None] = lambda done: None,
    ) -> None:
        self._column = column
        self._models = models
        self._chosen = chosen
        self._progress = progress
        self._named = [segment for segment in models if segment is not OTHER]

    @property
    def failed(self) -> int:
        """Rows that could not be scored."""
        return sum(model.failed for model in self._models.values())

    @property
    def scored(self) -> int:
        """Rows with a prediction."""
        return sum(model.scored for model in self._models.values())

    @property
    def kept(self) -> int | None:
        """How many of them are published, None where all are."""
        return self._chosen.kept

    def predictions(self, chunks: Iterable[Chunk]) -> Iterable[Scored]:
        """Yield the predictions, in order; raise ScoringFailed once a segment's budget is overdrawn."""
        return self._chosen.of(self._each(chunks))

    def counts(self, extracted: int, quarantined: int) -> Counts:
        """Return what came of a batch's rows once all are through."""
        return Counts(extracted, quarantined, self.failed, self.scored, self.kept)

    def _each(self, chunks: Iterable[Chunk]) -> Generator[Scored]:
        with scoring_threads() as threads:
            # The next chunk is converted while the threads are busy with this one, or they would wait for it.
            begun: Callable[[], Scored] | None = None
            for chunk in chunks:
                following = self._start(chunk, threads)
                if begun is not None:
                    yield from self._through(begun())
                begun = following
            if begun is not None:
                yield from self._through(begun())

    def count(
        self, rows: "Iterable[pa.RecordBatch]", column: str, quarantined: np.ndarray
    ) -> dict[str | None, SegmentCounts]:
        """Say what came of every segment's rows; ``rows`` are all that were extracted, at least their segment column.

        ``quarantined`` are the positions of those that were set aside before scoring.
        """
        order = [*self._named, OTHER]
        counts = {segment: SegmentCounts() for segment in order}
        start = 0
        for batch in rows:
            routes = routes_of(batch, column, self._named)
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
        for segment, model in self._models.items():
            counts[segment].rows_failed, counts[segment].rows_scored = model.failed, model.scored
        return counts

    def _through(self, scored: Scored) -> Generator[Scored]:
        if len(scored.values):
            yield scored
            self._progress(int(scored.chunk.numbers[-1]) + 1)

    def _start(self, chunk: Chunk, threads: ThreadPoolExecutor) -> Callable[[], Scored]:
        if self._column is None:
            return self._models[OTHER].start(chunk, threads)
        routes = routes_of(chunk.rows, self._column, self._named)
        # One pass brings each segment's rows together, and slices of it cost nothing; a filter for each would not.
        together = chunk.at(np.argsort(routes, kind="stable"))
        finishing: list[Callable[[], Scored]] = []
        start = 0
        for segment, rows in zip([*self._named, OTHER], np.bincount(routes), strict=False):
            if rows:
                # All segments' rows are on their way before the first is waited for, so that no core idles.
                of_segment = Chunk(together.rows.slice(start, rows), together.numbers[start : start + rows])
                finishing.append(self._models[segment].start(of_segment, threads))
                start += int(rows)
        return lambda: _in_order(chunk, [finish() for finish in finishing])


def _in_order(chunk: Chunk, parts: list[Scored]) -> Scored:
    """Put what was scored of a chunk's segments back into the chunk's order."""
    if len(parts) == 1:
        return parts[0]
    numbers = np.concatenate([part.chunk.numbers for part in parts])
    if len(numbers) < len(chunk.numbers):
        chunk = chunk.keep(np.isin(chunk.numbers, numbers, assume_unique=True))
    return concatenated(parts, chunk, np.argsort(numbers))
