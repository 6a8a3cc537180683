"""The best of each group, however the rows are cut into chunks."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybreak.batch.chunk import Chunk, Scored
from daybreak.batch.top import Best
from daybreak.declaration.pipeline import Top
from daybreak.errors import SourceRefused

ROWS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0.0, 0.25, 0.5])), min_size=1, max_size=60)


def streamed(frame: pd.DataFrame, cuts: list[int]) -> list[Scored]:
    batch = pa.RecordBatch.from_pandas(frame[["household", "category"]], preserve_index=False)
    edges = [0, *sorted(cuts), len(frame)]
    return [
        Scored(
            Chunk(batch.slice(a, b - a), np.arange(a, b)),
            frame["value"].to_numpy()[a:b],
            further={"category": frame["category"].to_numpy()[a:b]},
        )
        for a, b in pairwise(edges)
        if b > a
    ]


@given(ROWS, st.lists(st.integers(0, 60), max_size=6), st.integers(1, 4))
def test_any_chunks_give_the_ranking_of_the_whole(rows: list[tuple[int, float]], cuts: list[int], k: int) -> None:
    frame = pd.DataFrame(sorted(rows), columns=["household", "value"]).assign(household=lambda f: f["household"])
    frame["category"] = [f"c{n * 7 % 61:02}" for n in range(len(frame))]
    best = Best(Top(k, within=("household",)), ("household", "category"))
    found = pd.concat(
        [
            part.chunk.rows.to_pandas().assign(value=part.values, rank=part.ranks, beside=part.further["category"])
            for part in best.of(streamed(frame, [min(cut, len(frame)) for cut in cuts]))
        ]
    )
    assert found["beside"].tolist() == found["category"].tolist()
    whole = frame.sort_values(["household", "value", "category"], ascending=[True, False, True])
    whole = whole.assign(rank=whole.groupby("household").cumcount() + 1).query("rank <= @k")
    columns = ["household", "category", "value", "rank"]
    pd.testing.assert_frame_equal(
        found[columns].reset_index(drop=True), whole[columns].reset_index(drop=True), check_dtype=False
    )
    assert best.kept == len(whole)


def test_a_group_that_comes_back_is_refused() -> None:
    frame = pd.DataFrame({"household": [1, 2, 1], "category": ["a", "b", "c"], "value": [0.1, 0.2, 0.3]})
    for cuts in ([], [1], [1, 2]):
        with pytest.raises(SourceRefused, match=r"order extract\.sql by household"):
            list(Best(Top(2, within=("household",)), ("household", "category")).of(streamed(frame, cuts)))


def test_only_a_chunk_and_the_best_of_a_group_are_held() -> None:
    frame = pd.DataFrame({"household": [7] * 5000, "category": [f"{n:04}" for n in range(5000)], "value": 0.5})
    widest = 0

    class Watched(Best):
        def _best(self, scored: Scored) -> Scored:
            nonlocal widest
            widest = max(widest, len(scored.values))
            return super()._best(scored)

    list(
        Watched(Top(5, within=("household",)), ("household", "category")).of(streamed(frame, list(range(0, 5000, 50))))
    )
    assert widest == 55
