"""Arrow columns: what a batch holds of what sources other than PostgreSQL give, and how a table keeps it."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from daybreak.errors import SourceRefused
from daybreak.warehouse.described import Described
from daybreak.warehouse.held_types import refuse_inexact
from daybreak.warehouse.identifiers import as_written

if TYPE_CHECKING:
    import pyarrow as pa

# The first day of the year 1 and the last of 9999, counted from 1970: what Python can read back.
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
_DAY = 86_400_000_000


def refuse_unheld(schema: "pa.Schema", exact: Collection[str] = ()) -> None:
    """Refuse columns that no batch can hold, or that two of are named alike.

    Those of ``exact`` tell rows apart or are shown as they are: a decimal is held as a double.
    """
    import pyarrow as pa

    refuse_twice(schema.names)
    for field in schema:
        if _held(field.type) is None:
            written = as_written(field.name)
            raise SourceRefused(
                f"Column {field.name} is {field.type}, which no batch can hold.",
                next_step=f"cast it in the query, for example CAST({written} AS {_instead(field.type)}) AS {written}.",
            )
        if pa.types.is_decimal(field.type) and field.name in exact:
            refuse_inexact(field.name)


def refuse_twice(names: Iterable[str]) -> None:
    """Refuse two columns of one name."""
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise SourceRefused(
            f"The query gives more than one column {twice[0]}.", next_step="give each column a name of its own."
        )


def described(schema: "pa.Schema") -> list[Described]:
    """Return columns as a table of PostgreSQL keeps them; a source without a catalog has no comments."""
    import pyarrow as pa

    refuse_unheld(schema)
    return [Described(f.name, "numeric" if pa.types.is_decimal(f.type) else _kept(_held(f.type)), None) for f in schema]


def held(reader: "pa.RecordBatchReader", batches: "Iterator[pa.RecordBatch]") -> "pa.RecordBatchReader":
    """Turn batches of a reader's schema into ones that a file and a model can hold."""
    import pyarrow as pa

    refuse_unheld(reader.schema)
    schema = pa.schema([pa.field(field.name, _held(field.type)) for field in reader.schema])

    def cast() -> "Iterator[pa.RecordBatch]":
        for batch in batches:
            # Nanoseconds are cut to the microseconds that a table keeps.
            arrays = [
                column.cast(kind, safe=not pa.types.is_timestamp(kind))
                for column, kind in zip(batch.columns, schema.types, strict=True)
            ]
            found = pa.RecordBatch.from_arrays(arrays, schema=schema)
            _refuse_no_day(found)
            yield found

    return pa.RecordBatchReader.from_batches(schema, cast())


def _held(kind: "pa.DataType") -> "pa.DataType | None":
    import pyarrow as pa

    types = pa.types
    if types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    alike: list[tuple[Callable[[Any], bool], Any]] = [
        (types.is_decimal, pa.float64()),
        (types.is_dictionary, pa.string()),
        (types.is_large_string, pa.string()),
        (types.is_string_view, pa.string()),
        (types.is_large_binary, pa.binary()),
        (types.is_binary_view, pa.binary()),
        (types.is_date, pa.date32()),
        (types.is_time, pa.time64("us")),
    ]
    if types.is_dictionary(kind) and not types.is_string(kind.value_type):
        return None
    for is_alike, instead in alike:
        if is_alike(kind):
            return instead
    wider = {
        pa.int8(): pa.int16(),
        pa.uint8(): pa.int16(),
        pa.uint16(): pa.int32(),
        pa.uint32(): pa.int64(),
        pa.float16(): pa.float32(),
    }
    same = (pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.bool_(), pa.string(), pa.binary())
    return wider.get(kind) or (kind if kind in same else None)


def _kept(kind: Any) -> str:
    import pyarrow as pa

    if pa.types.is_timestamp(kind):
        return f"timestamp {'with' if kind.tz else 'without'} time zone"
    return {
        pa.int16(): "smallint",
        pa.int32(): "integer",
        pa.int64(): "bigint",
        pa.float32(): "real",
        pa.float64(): "double precision",
        pa.bool_(): "boolean",
        pa.string(): "text",
        pa.binary(): "bytea",
        pa.date32(): "date",
        pa.time64("us"): "time without time zone",
    }[kind]


def _instead(kind: "pa.DataType") -> str:
    import pyarrow as pa

    return "bigint" if pa.types.is_integer(kind) else "text"


def _refuse_no_day(batch: "pa.RecordBatch") -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_date32(field.type):
            numbers, unit = column.view(pa.int32()), 1
        elif pa.types.is_timestamp(field.type):
            numbers, unit = column.view(pa.int64()), _DAY
        else:
            continue
        ends = pc.min_max(numbers).as_py()
        if ends["min"] is not None and (ends["min"] < _FIRST_DAY * unit or ends["max"] >= (_LAST_DAY + 1) * unit):
            name = as_written(field.name)
            raise SourceRefused(
                f"Column {field.name} holds infinity, or a year that is not 1 to 9999, which no batch can hold.",
                next_step="give it a day in the query, or none: "
                f"CASE WHEN {name} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN {name} END AS {name}.",
            )
