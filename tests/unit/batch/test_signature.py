"""The model's signature is enforced on the rows: missing or mistyped columns stop, extra ones are left out."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from daybreak.batch.signature import Signature
from daybreak.errors import SourceRefused

SIGNATURE = Signature((("units", "double"), ("store", "string")))


def rows(**columns: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)


def test_rows_with_the_models_columns_pass() -> None:
    SIGNATURE.refuse_other(rows(store=pa.array(["a"]), units=pa.array([1.0])).schema)


def test_a_missing_column_is_refused_by_name() -> None:
    with pytest.raises(SourceRefused, match=r"Column units is missing"):
        SIGNATURE.refuse_other(rows(store=pa.array(["a"])).schema)


def test_all_missing_columns_are_named_once() -> None:
    with pytest.raises(SourceRefused, match=r"Column parcel, units, store is missing"):
        SIGNATURE.refuse_other(rows(other=pa.array([1])).schema, also=("parcel", "units"))


def test_a_column_that_occurs_twice_is_refused() -> None:
    schema = pa.schema([("units", pa.float64()), ("store", pa.string()), ("units", pa.float64())])
    with pytest.raises(SourceRefused, match=r"Column units occurs more than once"):
        SIGNATURE.refuse_other(schema)


@pytest.mark.parametrize(
    ("declared", "array"),
    [
        ("double", pa.array([1, None], pa.int32())),
        ("double", pa.array([Decimal("1.50")])),
        ("long", pa.array([1.5], pa.float32())),
        ("integer", pa.array([1], pa.int64())),
        ("string", pa.array(["a"], pa.large_string())),
        ("boolean", pa.array([True])),
        ("datetime", pa.array([date(2026, 10, 15)])),
        ("datetime", pa.array([datetime(2026, 10, 15, tzinfo=UTC)])),
    ],
)
def test_width_and_nullability_of_a_type_do_not_matter(declared: str, array: pa.Array) -> None:
    Signature((("column", declared),)).refuse_other(rows(column=array).schema)


@pytest.mark.parametrize(
    ("declared", "array"),
    [
        ("double", pa.array(["1.0"])),
        ("string", pa.array([1])),
        ("boolean", pa.array([1])),
        ("long", pa.array([True])),
        ("datetime", pa.array(["2026-10-15"])),
        ("double", pa.array([date(2026, 10, 15)])),
        ("double", pa.array([None], pa.null())),
        ("double", pa.array([[1.0]])),
        ("binary", pa.array([b"a"])),
    ],
)
def test_another_kind_of_type_is_refused_with_both_names(declared: str, array: pa.Array) -> None:
    with pytest.raises(SourceRefused) as refused:
        Signature((("column", declared),)).refuse_other(rows(column=array).schema)
    assert f"Column column is {array.type} in the extracted rows; the model takes {declared}." in str(refused.value)


def test_the_model_gets_its_own_columns_in_its_own_order() -> None:
    batch = rows(extra=pa.array([9]), store=pa.array(["a"]), units=pa.array([1.0]))
    assert SIGNATURE.conform(batch).schema.names == ["units", "store"]


def test_decimals_become_doubles_and_nullable_integers_keep_their_gaps() -> None:
    batch = rows(units=pa.array([Decimal("0.10"), None]), store=pa.array([1, None], pa.int64()))
    frame = Signature((("units", "double"), ("store", "long"))).conform(batch).to_pandas()
    assert frame["units"].tolist()[0] == 0.1
    assert frame["units"].isna().tolist() == frame["store"].isna().tolist() == [False, True]
    assert frame.dtypes.astype(str).tolist() == ["float64", "float64"]


@pytest.mark.parametrize("array", [pa.array([1.0]), pa.array([1]), pa.array(["1"]), pa.array([True]), pa.array([None])])
@pytest.mark.parametrize("declared", ["double", "long", "string", "category", "boolean", "datetime"])
def test_rows_are_unlike_a_version_exactly_where_a_run_would_refuse_them(declared: str, array: pa.Array) -> None:
    signature, schema = Signature((("column", declared), ("gone", "double"))), rows(column=array).schema
    gone = "takes gone, which extract.sql does not give"
    typed = f"takes column as {declared}, extract.sql gives {array.type}"
    try:
        Signature((("column", declared),)).refuse_other(schema)
    except SourceRefused:
        assert signature.unlike(schema, "extract.sql") == [gone, typed]
    else:
        assert signature.unlike(schema, "extract.sql") == [gone]
