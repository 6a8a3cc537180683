"""Top: the best predictions of each group, chosen as they stream by."""

from collections.abc import Generator, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from daybreak.batch.chunk import Chunk, Scored, concatenated
from daybreak.batch.row_hash import hash_rows
from daybreak.declaration.pipeline import Pipeline, Top
from daybreak.errors import SourceRefused

if TYPE_CHECKING:
    import pyarrow as pa


class AllRows:
    """Keep every prediction, where a pipeline declares no top."""

    kept = None

    def of(self, predictions: Iterable[Scored]) -> Iterable[Scored]:
        """Return the predictions as they are."""
        return predictions


class Best:
    """Choose the best rows of each group, in one pass that holds a chunk and a few rows at a time."""

    def __init__(self, top: Top, entity_key: tuple[str, ...]) -> None:
        self._top = top
        self._rest = [name for name in entity_key if name not in top.within]
        # A hash for each group that is through. Two groups of one hash would be refused as if they were one; among ten
        # million groups that happens to one batch in 400,000.
        self._seen: list[np.ndarray] = []
        self.kept = 0

    def of(self, predictions: Iterable[Scored]) -> Generator[Scored]:
        """Yield the best rows of each group with their ranks, from 1, group by group.

        Raises SourceRefused where the rows of a group did not follow each other.
        """
        held: Scored | None = None
        for scored in predictions:
            best = self._best(scored if held is None else _joined(held, scored))
            # The last group may go on in the next chunk: its best so far wait for the others.
            last = _starts(best.chunk.rows, self._top.within)[-1]
            held = best.slice(last, len(best.values))
            yield from self._out(best.slice(0, last))
        if held is not None:
            yield from self._out(held)
        self._refuse_scattered()

    def _out(self, best: Scored) -> Generator[Scored]:
        if len(best.values):
            self.kept += len(best.values)
            starts = _starts(best.chunk.rows, self._top.within)
            self._seen.append(hash_rows(best.chunk.at(starts).rows, self._top.within))
            yield best

    def _best(self, scored: Scored) -> Scored:
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = scored.chunk.rows
        starts = _starts(rows, self._top.within)
        sizes = np.diff(np.append(starts, rows.num_rows))
        table = pa.table(
            {
                "group": np.repeat(np.arange(len(starts)), sizes),
                "value": scored.values,
                **{f"key{n}": rows.column(name) for n, name in enumerate(self._rest)},
            }
        )
        keys = [(f"key{n}", "ascending") for n in range(len(self._rest))]
        order = pc.sort_indices(table, [("group", "ascending"), ("value", "descending"), *keys]).to_numpy()
        ranks = np.arange(rows.num_rows) - np.repeat(starts, sizes) + 1
        kept = ranks <= self._top.k
        order = order[kept]
        return replace(scored.at(order), ranks=ranks[kept])

    def _refuse_scattered(self) -> None:
        seen = np.concatenate([np.empty(0, dtype=np.uint64), *self._seen])
        if len(np.unique(seen)) < len(seen):
            raise SourceRefused(
                f"Rows of the same {', '.join(self._top.within)} do not follow each other.",
                next_step=f"order extract.sql by {', '.join(self._top.within)}, then run the partition again.",
            )


def chosen_by(pipeline: Pipeline) -> Best | AllRows:
    """Make what chooses the rows that a pipeline publishes."""
    return Best(pipeline.top, pipeline.entity_key) if pipeline.top else AllRows()


def _starts(rows: "pa.RecordBatch", within: tuple[str, ...]) -> np.ndarray:
    """Return the positions at which a new group begins."""
    import pyarrow.compute as pc

    new = np.zeros(max(rows.num_rows - 1, 0), dtype=bool)
    for name in within:
        column = rows.column(name)
        new |= pc.not_equal(column.slice(1), column.slice(0, len(column) - 1)).to_numpy(zero_copy_only=False)
    return np.concatenate([[0], np.flatnonzero(new) + 1])[: rows.num_rows]


def _joined(first: Scored, then: Scored) -> Scored:
    import pyarrow as pa

    rows = pa.concat_batches([first.chunk.rows, then.chunk.rows])
    numbers = np.concatenate([first.chunk.numbers, then.chunk.numbers])
    return concatenated([first, then], Chunk(rows, numbers))
