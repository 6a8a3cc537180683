"""The digest of rows: equal for equal rows, however they are held in memory; different for different ones."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybreak.batch.digest import ArrowDigest

ROWS: dict[str, list[Any]] = {
    "number": [1, None, 3, 4],
    "share": [0.5, 1.5, None, float("nan")],
    "text": ["a", "", None, "größe"],
    "day": [date(2024, 3, 5), None, date(2024, 3, 6), date(2024, 3, 7)],
    "at": [datetime(2024, 3, 5, 1, tzinfo=UTC), None, None, datetime(2024, 3, 6, tzinfo=UTC)],
    "flag": [True, None, False, True],
    "price": [Decimal("1.50"), None, Decimal("2.25"), Decimal("0.00")],
}


def digest(*tables: pa.Table) -> str:
    found = ArrowDigest()
    for table in tables:
        found.add(table)
    return found.hexdigest()


def test_chunks_and_offsets_say_nothing() -> None:
    whole = pa.table(ROWS)
    chunked = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 2), whole.slice(3)])
    shifted = pa.concat_tables([whole.slice(2), whole]).slice(2)
    assert digest(whole) == digest(chunked) == digest(shifted)


def test_what_lies_under_a_null_says_nothing() -> None:
    import numpy as np

    masked = [pa.array(np.array(values, dtype="int64"), mask=np.array([False, True])) for values in ([1, 2], [1, 9])]
    assert digest(pa.table({"x": masked[0]})) == digest(pa.table({"x": masked[1]}))


@pytest.mark.parametrize("column", ROWS)
def test_each_value_of_each_type_counts(column: str) -> None:
    whole = pa.table(ROWS)
    position = whole.schema.names.index(column)
    for row in range(4):
        values = list(ROWS[column])
        values[row] = next(v for v in values if v is not None and v != values[row]) if values[row] is None else None
        changed = whole.set_column(position, column, pa.array(values, whole.schema.field(column).type))
        assert digest(changed) != digest(whole), row


def test_order_names_types_and_the_border_between_texts_count() -> None:
    whole = pa.table({"a": [1, 2], "b": ["ab", "c"]})
    others = [
        pa.table({"a": [2, 1], "b": ["ab", "c"]}),
        pa.table({"a": [1, 2], "c": ["ab", "c"]}),
        pa.table({"a": [1.0, 2.0], "b": ["ab", "c"]}),
        pa.table({"a": [1, 2], "b": ["a", "bc"]}),
        pa.table({"b": ["ab", "c"], "a": [1, 2]}),
    ]
    assert len({digest(table) for table in [whole, *others]}) == 6


def test_tables_count_one_after_the_other() -> None:
    one, two = pa.table({"a": [1]}), pa.table({"a": [2]})
    assert digest(one, two) != digest(two, one)
    assert digest(one, two) != digest(pa.concat_tables([one, two]))


@given(st.lists(st.one_of(st.none(), st.text())), st.lists(st.one_of(st.none(), st.text())))
def test_texts_have_the_same_digest_only_if_they_are_the_same(one: list[str | None], other: list[str | None]) -> None:
    tables = [pa.table({"x": pa.array(values, pa.string())}) for values in (one, other)]
    assert (digest(tables[0]) == digest(tables[1])) == (one == other)
