"""Record batches are regrouped without losing, repeating or moving a row."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from daybreak.run.extract import rechunk


@given(st.lists(st.integers(0, 12), max_size=8), st.integers(1, 10))
def test_any_batches_become_chunks_of_one_size_in_the_same_order(sizes: list[int], chunk_rows: int) -> None:
    ids = pa.array(range(sum(sizes)), pa.int64())
    starts = [sum(sizes[:n]) for n in range(len(sizes))]
    batches = (
        pa.RecordBatch.from_arrays([ids.slice(start, size)], names=["id"])
        for start, size in zip(starts, sizes, strict=True)
    )
    chunks = list(rechunk(batches, chunk_rows))
    assert [value for chunk in chunks for value in chunk.column("id").to_pylist()] == list(range(sum(sizes)))
    assert all(chunk.num_rows == chunk_rows for chunk in chunks[:-1])
    assert all(0 < chunk.num_rows <= chunk_rows for chunk in chunks)
