"""A CSV file for a table that is there: the table's types decide how the file is read.

What a file looks like on its own may differ from one to the next: 1.10 is a number where every release has two parts,
and a text in the file before. So nothing is guessed of a column that the table has.
"""

import re
from typing import TYPE_CHECKING

from daybreak.errors import SourceRefused
from daybreak.starting.csv_file import CsvFile, CsvTexts
from daybreak.starting.csv_values import inferred, values
from daybreak.starting.number_format import NumberFormat, in_other_formats

if TYPE_CHECKING:
    import pyarrow as pa


def for_table(
    read: CsvTexts, table: str, schema: "pa.Schema", *, target: str | None = None, widen: bool = False
) -> CsvFile:
    """Return a file's rows with the types of a table, whose columns are ``schema``, in its order.

    The ``target`` may be missing: of new rows nobody knows it yet. With ``widen`` the file may have further columns,
    which come last, and decimals where the table has whole numbers. Raises SourceRefused with line, column and value
    for one that does not fit.
    """
    import pyarrow as pa

    _refuse_other_columns(read, table, schema, target, widen)
    of_numbers = [f.name for f in schema if f.name in read.texts and _is_number(f.type)]
    further = [name for name in read.texts if name not in schema.names]
    numbers = read.numbers([*of_numbers, *further])
    columns = {}
    for field in schema:
        if field.name not in read.texts:
            columns[field.name] = pa.chunked_array([pa.nulls(read.file.cells.num_rows, _loadable(field.type))])
        else:
            columns[field.name] = _column(read, table, field, numbers, widen)
    for name in further:
        columns[name] = values(read.texts[name], inferred(read.texts[name], numbers), numbers)[0]
    return CsvFile(pa.table(columns), read, numbers)


def _column(read: CsvTexts, table: str, field: "pa.Field", numbers: NumberFormat, widen: bool) -> "pa.ChunkedArray":
    import pyarrow as pa

    texts = read.texts[field.name]
    # The same number in two ways is one key, in whatever format the numbers of other columns are.
    found, wrong = values(texts, field.type, NumberFormat() if field.name in read.keys else numbers)
    if wrong is None:
        return found
    decimals, further = values(texts, pa.float64(), numbers)
    has_decimals = further is None and not _is_whole(texts[wrong], numbers)
    could_be_wider = has_decimals and pa.types.is_integer(field.type) and field.name not in read.keys
    if could_be_wider and widen:
        return decimals
    raise SourceRefused(
        f"{read.path.name}, line {read.file.line(wrong)}: column {read.originals[field.name]} holds "
        f"{texts[wrong].as_py()!r:.80}, and {field.name} of {table} is {_named(field.type)}.",
        next_step=_remedy(read, texts, texts[wrong].as_py(), field.type, could_be_wider),
    )


def _remedy(read: CsvTexts, texts: "pa.ChunkedArray", value: str, kind: "pa.DataType", could_be_wider: bool) -> str:
    if could_be_wider:
        return "mend the file, or let the column hold decimals from now on with `--widen`."
    if _is_number(kind) and read.asked.decimal is None and read.asked.thousands is None:
        filled = texts.drop_null()
        if formats := in_other_formats(filled):
            return f"say how its numbers are written: {' or '.join(f'`{each.says()}`' for each in formats)}."
        if "," in value or "." in value:
            return "mend the file, or say how its numbers are written with `--decimal` and `--thousands`."
    return f"mend the file, or name what means nothing in it, such as `--empty {_word(value)}`."


def _is_whole(text: "pa.StringScalar", numbers: NumberFormat) -> bool:
    return re.match(numbers.whole, text.as_py()) is not None


def _word(value: str) -> str:
    from shlex import quote

    return quote(value[:40])


def _refuse_other_columns(read: CsvTexts, table: str, schema: "pa.Schema", target: str | None, widen: bool) -> None:
    missing = [name for name in schema.names if name not in read.texts and name != target]
    further = [read.originals[name] for name in read.texts if name not in schema.names]
    if not missing and (widen or not further):
        return
    if missing:
        also = f" and also has {', '.join(further)}" if further else ""
        raise SourceRefused(
            f"{read.path.name} lacks {', '.join(missing)}{also}, compared with table {table}.",
            next_step="export it with the columns of the table.",
        )
    raise SourceRefused(
        f"{read.path.name} also has {', '.join(further)}, compared with table {table}.",
        next_step="export it without, or add the columns to the table with `--widen`.",
    )


def _loadable(kind: "pa.DataType") -> "pa.DataType":
    import pyarrow as pa

    return pa.string() if isinstance(kind, pa.BaseExtensionType) else kind


def _is_number(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or getattr(kind, "type_name", "") == "numeric"


def _named(kind: "pa.DataType") -> str:
    import pyarrow as pa

    if pa.types.is_integer(kind):
        return "a whole number"
    if _is_number(kind):
        return "a number"
    if pa.types.is_boolean(kind):
        return "true or false"
    if pa.types.is_date(kind):
        return "a day, as YYYY-MM-DD"
    if pa.types.is_timestamp(kind):
        return "an instant, with its offset from UTC" if kind.tz else "a time, as YYYY-MM-DD HH:MM:SS"
    return str(getattr(kind, "type_name", kind))
