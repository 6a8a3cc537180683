"""Chunk: a piece of a batch that knows which of the snapshot's rows it holds."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    """Rows that have a prediction, and the predictions, in the same order; ``ranks`` where only the best were kept."""

    chunk: Chunk
    values: "np.ndarray"
    ranks: "np.ndarray | None" = None


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
