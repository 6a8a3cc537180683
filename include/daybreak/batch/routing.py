"""Routing: which segment each row is in."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


def routes_of(rows: "pa.RecordBatch", column: str, segments: list[str]) -> np.ndarray:
    """Return of each row the position of its segment; that after the last for any other."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.index_in(_as_text(rows, column), value_set=pa.array(segments, pa.string()))
    routes: np.ndarray = pc.fill_null(found, len(segments)).to_numpy(zero_copy_only=False)
    return routes


def count_segments(batches: "Iterable[pa.RecordBatch]", column: str) -> dict[str | None, int]:
    """Count the rows of each value of the segment column, nulls under None."""
    import pyarrow.compute as pc

    counts: dict[str | None, int] = {}
    for batch in batches:
        for found in pc.value_counts(_as_text(batch, column)).to_pylist():
            counts[found["values"]] = counts.get(found["values"], 0) + found["counts"]
    return counts


def without_model(rows: "pa.RecordBatch", column: str, segments: Iterable[str]) -> dict[int, str]:
    """Say of each row, by its position, whose segment is not among those given, why it has no model."""
    known = list(segments)
    positions = np.flatnonzero(routes_of(rows, column, known) == len(known))
    found = _as_text(rows, column)
    return {
        int(at): f"{column}: no model for segment '{found[int(at)]}'" if found[int(at)].is_valid else f"{column}: null"
        for at in positions
    }


def _as_text(rows: "pa.RecordBatch", column: str) -> "pa.Array":
    import pyarrow as pa

    return rows.column(column).cast(pa.string())
