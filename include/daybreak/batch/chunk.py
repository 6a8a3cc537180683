"""Chunk: a piece of a batch that knows which of the snapshot's rows it holds."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daybreak.declaration.prediction import Prediction

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


@dataclass(frozen=True)
class Chunk:
    """Rows and, for each, its position in the snapshot (from 0)."""

    rows: "pa.RecordBatch"
    numbers: "np.ndarray"

    def keep(self, mask: "np.ndarray") -> "Chunk":
        """Keep the rows where the mask is true."""
        import pyarrow as pa

        return self if mask.all() else Chunk(self.rows.filter(pa.array(mask)), self.numbers[mask])

    def at(self, positions: "np.ndarray") -> "Chunk":
        """Take the rows at positions within the chunk."""
        import pyarrow as pa

        return Chunk(self.rows.take(pa.array(positions)), self.numbers[positions])


@dataclass(frozen=True)
class Rejected:
    """Rows that will have no prediction, and why: one list of reasons for each row."""

    stage: str
    chunk: Chunk
    reasons: list[list[str]]


@dataclass(frozen=True)
class Scored:
    """Rows that have a prediction, and the predictions, in the same order; ``ranks`` where only the best were kept.

    ``further`` are the other numbers of each row by their column: probabilities of all classes, or quantiles.
    """

    chunk: Chunk
    values: "np.ndarray"
    ranks: "np.ndarray | None" = None
    further: "Mapping[str, np.ndarray]" = field(default_factory=dict)

    def keep(self, mask: "np.ndarray") -> "Scored":
        """Keep the rows where the mask is true."""
        return self._but(self.chunk.keep(mask), lambda column: column[mask])

    def at(self, positions: "np.ndarray") -> "Scored":
        """Take the rows at positions within the chunk."""
        return self._but(self.chunk.at(positions), lambda column: column[positions])

    def slice(self, start: int, end: int) -> "Scored":
        """Take the rows from a position to another, which is left out."""
        chunk = Chunk(self.chunk.rows.slice(start, end - start), self.chunk.numbers[start:end])
        return self._but(chunk, lambda column: column[start:end])

    def _but(self, chunk: Chunk, taken: "Callable[[np.ndarray], np.ndarray]") -> "Scored":
        further = {name: taken(column) for name, column in self.further.items()}
        return Scored(chunk, taken(self.values), None if self.ranks is None else taken(self.ranks), further)


def concatenated(parts: Sequence[Scored], chunk: Chunk, order: "np.ndarray | None" = None) -> Scored:
    """Take predictions without ranks together; ``chunk`` are the rows of all, in an order of the parts one by one."""
    import numpy as np

    taken = slice(None) if order is None else order
    further = {name: np.concatenate([part.further[name] for part in parts])[taken] for name in parts[0].further}
    return Scored(chunk, np.concatenate([part.values for part in parts])[taken], further=further)


def published_columns(prediction: Prediction, scored: Scored) -> "dict[str, pa.Array]":
    """Lay predictions out as the columns that are published: texts for positions, and further numbers as they are."""
    import pyarrow as pa

    values = pa.array(scored.values)
    if prediction.texts:
        values = pa.array(prediction.texts).take(values.cast(pa.int64()))
    return {prediction.column: values} | {name: pa.array(scored.further[name]) for name in prediction.further}


def passed(batches: "Iterable[pa.RecordBatch]", quarantined: "np.ndarray") -> "Generator[Chunk]":
    """Yield a snapshot's rows in chunks, without the quarantined ones, which are given by position."""
    import numpy as np

    start = 0
    for batch in batches:
        numbers = np.arange(start, start + batch.num_rows)
        mask = np.isin(numbers, quarantined, assume_unique=True, invert=True)
        start += batch.num_rows
        if mask.any():
            yield Chunk(batch, numbers).keep(mask)
