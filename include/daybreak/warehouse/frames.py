"""Frames: rows as pandas has them. Python's own days and times know neither 24:00 nor years before the first."""

from typing import TYPE_CHECKING

from daybreak.batch.json_rows import as_texts
from daybreak.errors import SourceRefused
from daybreak.warehouse.identifiers import as_written

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_END_OF_DAY = 24 * 60 * 60 * 1_000_000
# The days of the years 1 to 9999, counted from 1970.
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896


def as_frame(rows: "pa.RecordBatch | pa.Table", *, date_as_object: bool = True, **how: bool) -> "pd.DataFrame":
    """Return rows as a frame; raise SourceRefused, naming the column, for a day or time that Python does not know.

    Unless ``date_as_object``, days are instants, which know all of them; ``how`` is handed on to Arrow.
    """
    refuse_unknown(rows, date_as_object=date_as_object)
    frame: pd.DataFrame = rows.to_pandas(date_as_object=date_as_object, **how)
    return frame


def refuse_unknown(rows: "pa.RecordBatch | pa.Table", *, date_as_object: bool = True) -> None:
    """Raise SourceRefused, naming the column, for a day or time that Python does not know, as ``as_frame`` does."""
    import pyarrow as pa

    for field in rows.schema:
        if pa.types.is_time64(field.type):
            _refuse_beyond(rows, field.name, pa.int64(), (0, _END_OF_DAY - 1), "24:00", "{0} < time '24:00'")
        elif pa.types.is_date32(field.type) and date_as_object:
            years = "{0} BETWEEN date '0001-01-01' AND date '9999-12-31'"
            _refuse_beyond(rows, field.name, pa.int32(), (_FIRST_DAY, _LAST_DAY), "a day outside of its years", years)


def key_frame(rows: "pa.RecordBatch | pa.Table") -> "pd.DataFrame":
    """Return the columns that tell rows apart as a frame; days, instants and times are texts, whatever they are."""
    import pyarrow as pa

    for place, field in enumerate(rows.schema):
        if pa.types.is_temporal(field.type):
            column = rows.column(place)
            pieces = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
            texts = pa.chunked_array([as_texts(piece) for piece in pieces], pa.string())
            rows = rows.set_column(place, field.name, texts if isinstance(rows, pa.Table) else texts.combine_chunks())
    frame: pd.DataFrame = rows.to_pandas()
    return frame


def _refuse_beyond(
    rows: "pa.RecordBatch | pa.Table",
    name: str,
    as_numbers: "pa.DataType",
    known: tuple[int, int],
    what: str,
    is_known: str,
) -> None:
    import pyarrow.compute as pc

    ends = pc.min_max(rows.column(name).cast(as_numbers)).as_py()
    if ends["min"] is not None and not (known[0] <= ends["min"] and ends["max"] <= known[1]):
        written = as_written(name)
        raise SourceRefused(
            f"Column {name} holds {what}, which neither a rule nor a model can be given.",
            next_step="give it another value in the query, or none: "
            f"CASE WHEN {is_known.format(written)} THEN {written} END AS {written}.",
        )
