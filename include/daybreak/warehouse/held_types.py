"""Held types: what a batch may hold. One list, looked at when a query is first described and when it is read.

What is on it goes through snapshot, quarantine and replay as it is. Of everything else the driver would bring another
value (money without its point, an array of arrays as one row of numbers) or one that no file can keep.
"""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from daybreak.errors import SourceRefused
from daybreak.warehouse.identifiers import as_written

if TYPE_CHECKING:
    import pyarrow as pa

# PostgreSQL's names of types, as its catalog has them and as SQL does. An enumeration is held as text besides.
HELD = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "numeric": "numeric",
    "bool": "boolean",
    "text": "text",
    "varchar": "character varying",
    "bpchar": "character",
    "date": "date",
    "time": "time without time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "bytea": "bytea",
}
# Those whose values come back from the bulk copy, through a snapshot on disk, bit for bit as they went in. A numeric
# comes as a double.
COPIED = frozenset(HELD.values()) - {"numeric"}
# What to write instead, where it is not text.
_CASTS = {
    "money": "{0}::numeric",
    "oid": "{0}::bigint",
    "interval": "extract(epoch FROM {0})::double precision",
    "timetz": "{0}::time",
}
_NUMERIC, _TYPE = "numeric", b"POSTGRESQL:type"
# Of these days and microseconds on, counted from 1970, values lie within what PostgreSQL knows. Infinity, and instants
# after the year 294246, come out of the driver before them.
_FIRST_DAY, _FIRST_INSTANT = -2_440_588, -210_866_803_200_000_000


def refuse_unheld(schema: "pa.Schema", exact: Collection[str] = ()) -> None:
    """Refuse columns that no batch can hold, as the driver describes them.

    Those of ``exact`` tell rows apart or are shown as they are: a numeric, which a batch holds as a double, may lose
    its last digits and is refused as well.
    """
    for field in schema:
        kind = _kind(field)
        if not _is_held(field):
            cast = as_cast(field.name, kind)
            raise SourceRefused(
                f"Column {field.name} is {_in_sql(kind)}, which no batch can hold.",
                next_step=f"cast it in the query, for example {cast}.",
            )
        if kind == _NUMERIC and field.name in exact:
            refuse_inexact(field.name)


def refuse_inexact(name: str) -> None:
    """Refuse a numeric that has to stay right to the last digit."""
    written = as_written(name)
    raise SourceRefused(
        f"Column {name} is numeric, of which a batch holds 15 digits: two values could become one.",
        next_step=f"cast it in the query: {written}::bigint AS {written} if it is whole, {written}::text AS {written} "
        "if every digit counts.",
    )


def as_cast(name: str, kind: str, *, kept: bool = False) -> str:
    """Return what to write in a query in the place of a column whose type, in the catalog's name, is not held.

    A column that is ``kept`` beside predictions can be no numeric either.
    """
    written = as_written(name)
    cast = _CASTS.get(kind, "{0}::text")
    return f"{cast.format(written)}{'::text' if kept and cast.endswith('::numeric') else ''} AS {written}"


def as_held(reader: "pa.RecordBatchReader") -> "pa.RecordBatchReader":
    """Turn the driver's own types into ones that a file and a model can hold, and refuse what is none of them."""
    import pyarrow as pa

    refuse_unheld(reader.schema)
    own = [isinstance(field.type, pa.BaseExtensionType) for field in reader.schema]
    schema = pa.schema(
        [pa.field(f.name, pa.float64() if is_own else f.type) for f, is_own in zip(reader.schema, own, strict=True)]
    )

    def batches() -> "Iterator[pa.RecordBatch]":
        for batch in reader:
            columns = zip(batch.columns, own, strict=True)
            arrays = [column.storage.cast(pa.float64()) if is_own else column for column, is_own in columns]
            held = pa.RecordBatch.from_arrays(arrays, schema=schema)
            _refuse_infinite(held)
            yield held

    return pa.RecordBatchReader.from_batches(schema, batches())


def _refuse_infinite(batch: "pa.RecordBatch") -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_date32(field.type):
            numbers, first = column.view(pa.int32()), _FIRST_DAY
        elif pa.types.is_timestamp(field.type):
            numbers, first = column.view(pa.int64()), _FIRST_INSTANT
        else:
            continue
        least = pc.min(numbers).as_py()
        if least is not None and least < first:
            name = as_written(field.name)
            raise SourceRefused(
                f"Column {field.name} holds infinity, or a year after 294246, which is no day that a batch can hold.",
                next_step="give it one in the query, or none: "
                f"CASE WHEN {name} < date '9999-12-31' AND isfinite({name}) THEN {name} END AS {name}.",
            )


def _kind(field: "pa.Field") -> str:
    return str((field.metadata or {}).get(_TYPE, b"").decode() or field.type)


def _is_held(field: "pa.Field") -> bool:
    import pyarrow as pa

    # Whatever comes as text is the text that PostgreSQL shows.
    return _kind(field) in HELD or bool(pa.types.is_string(field.type))


def _in_sql(kind: str) -> str:
    if kind.startswith("unnamed<"):  # a range, or a whole row of a table
        return "of a type that the driver has no name for"
    return f"{_in_sql(kind[1:])}[]" if kind.startswith("_") else HELD.get(kind, kind)
