"""A row that the table of predictions cannot keep is known before it is written, and by which column."""

from typing import Any

import pyarrow as pa
import pytest

from daybreak.tables.limits import KEY_BYTES, Limits

ROOM = KEY_BYTES - 16


def exceeded(limits: Limits, **columns: Any) -> dict[int, str]:
    return dict(limits.exceeded(pa.RecordBatch.from_pydict(columns)))


@pytest.mark.parametrize("column", [pa.string(), pa.large_string(), pa.binary()], ids=str)
def test_a_key_is_as_large_as_its_bytes(column: pa.DataType) -> None:
    keys = pa.array([b"x" * ROOM, b"x" * (ROOM + 1), None, "ß".encode() * ROOM], pa.binary()).cast(column)
    found = exceeded(Limits(("id", "n")), id=keys, n=[1, 2, 3, 4])
    assert list(found) == [1, 3]
    assert found[1] == f"id, n: entity key has {KEY_BYTES + 1:,} bytes, at most {KEY_BYTES:,} can be kept"


def test_the_columns_of_a_key_count_together() -> None:
    half = "x" * (ROOM // 2)
    assert exceeded(Limits(("a", "b")), a=[half, half], b=[half, half + "y"]).keys() == {1}


def test_a_text_is_as_long_as_its_characters() -> None:
    found = exceeded(Limits((), {"note": 3, "gone": 1, "number": 2}), note=["ßßß", None, "abcd"], number=[1, 2, 333])
    assert found == {2: "note: 4 characters, the table keeps 3"}


def test_without_limits_nothing_is_exceeded() -> None:
    assert exceeded(Limits(), id=["x" * 10_000]) == {}
