"""File tables: the views by which a query reads declared files, and what is looked at before they are trusted."""

import csv
import gzip
import io
import re
from collections.abc import Iterable
from datetime import date
from itertools import islice
from typing import Any

from daybreak.declaration.files import DAY, Files
from daybreak.errors import SourceRefused
from daybreak.sources.file_store import FileStore, Found
from daybreak.warehouse.faults import first_line
from daybreak.warehouse.identifiers import quoted

# A header is no longer than this many bytes.
_OPENING = 1 << 20
_FILE = "daybreak_file"


def mentioned(sql: str, names: Iterable[str]) -> list[str]:
    """Return which of some tables a query may read."""
    return [name for name in names if re.search(rf"\b{name}\b", sql, re.IGNORECASE)]


def rows_view(store: FileStore, name: str, files: Files, found: list[Found]) -> str:
    """Return the statement that makes the view of the rows of some files: these and no others."""
    if not found and files.format == "parquet":
        raise SourceRefused(
            f"Source {store.name} has no file {files.path}.", next_step="load one, or mend the path that is declared."
        )
    view = f"CREATE VIEW {quoted(name)} AS "
    if not found:
        columns = dict(files.columns) | {place: "date" if place == DAY else "text" for place in files.placeholders}
        return view + f"SELECT {', '.join(f'NULL::{kind} AS {quoted(n)}' for n, kind in columns.items())} WHERE false"
    pattern = f"^{re.escape(store.root)}/{files.pattern}$"
    places = []
    for number, place in enumerate(files.placeholders, 1):
        value = f"regexp_extract({_FILE}, {literal(pattern)}, {number})"
        # The engine leaves out files by what is asked of these.
        value = f"strptime({value}, {literal(files.day_format)})::date" if place == DAY else value
        places.append(f", {value} AS {quoted(place)}")
    return f"{view}SELECT * EXCLUDE ({_FILE}){''.join(places)} FROM {_reading(files, found)}"


def files_view(name: str, files: Files, found: list[Found]) -> str:
    """Return the statement that makes the view of the files themselves, ``<name>_files``."""
    names = ["file", *files.placeholders, "bytes", "version", "changed_at"]
    kinds = ["text", *("date" if p == DAY else "text" for p in files.placeholders), "bigint", "text", "timestamptz"]
    rows: list[list[Any]] = [[f.name, *f.values, f.bytes, f.version, f.changed_at.isoformat()] for f in found]
    rows = rows or [[None for _ in names]]
    values = ", ".join(f"({', '.join(_value(value) for value in row)})" for row in rows)
    columns = ", ".join(f"{quoted(n)}::{kind} AS {quoted(n)}" for n, kind in zip(names, kinds, strict=True))
    listed = ", ".join(quoted(n) for n in names)
    return (
        f"CREATE VIEW {quoted(f'{name}_files')} AS SELECT {columns} FROM (VALUES {values}) AS listed ({listed})"
        f"{'' if found else ' WHERE false'}"
    )


def refuse_other_headers(store: FileStore, files: Files, found: Iterable[Found], known: dict[str, str]) -> None:
    """Refuse a CSV file whose header is not the declared columns: its values would be taken for others'.

    ``known`` says of which version of a file that was seen already.
    """
    for file in found:
        if known.get(file.uri) == file.version:
            continue
        header = _header(store, files, file)
        if header != list(files.columns):
            raise SourceRefused(
                f"File {file.name} of source {store.name} {_unlike(header, list(files.columns))}.",
                next_step="have it delivered as the others are, or declare those of other columns as another table.",
            )
        known[file.uri] = file.version


def refuse_other_schemas(store: FileStore, found: list[Found], known: dict[str, str]) -> None:
    """Refuse a Parquet file with other columns or types than the first: they would be cast or left out silently."""
    if all(known.get(file.uri) == file.version for file in found):
        return
    first = _schema(store, found[0])
    for file in found:
        if known.get(file.uri) == file.version:
            continue
        own = _schema(store, file)
        if odd := [name for name in {**first, **own} if first.get(name) != own.get(name)]:
            raise SourceRefused(
                f"File {file.name} of source {store.name} has column {odd[0]} as {own.get(odd[0], 'none')}, "
                f"{found[0].name} as {first.get(odd[0], 'none')}.",
                next_step="write it anew as the others are, or declare files of other columns as a table of their own.",
            )
        known[file.uri] = file.version


def literal(text: str) -> str:
    """Quote a text."""
    return "'" + text.replace("'", "''") + "'"


def _reading(files: Files, found: list[Found]) -> str:
    names = f"[{', '.join(literal(file.uri) for file in found)}]"
    if files.format == "parquet":
        return f"read_parquet({names}, filename = '{_FILE}', hive_partitioning = false)"
    columns = "{" + ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in files.columns.items()) + "}"
    if files.format == "json":
        return f"read_json({names}, columns = {columns}, format = 'newline_delimited', filename = '{_FILE}')"
    nulls = ", ".join(literal(text) for text in ("", *files.nulls))
    # Nothing is guessed: where files differ in their line endings, rows would vanish without an error.
    return (
        f"read_csv({names}, columns = {columns}, header = true, auto_detect = false, "
        f"delim = {literal(_delimiter(files))}, quote = '\"', escape = '\"', nullstr = [{nulls}], "
        f"encoding = {literal(files.encoding)}, filename = '{_FILE}')"
    )


def _delimiter(files: Files) -> str:
    is_tsv = files.path.removesuffix(".gz").endswith(".tsv") and files.delimiter == ","
    return "\t" if is_tsv else files.delimiter


def _schema(store: FileStore, file: Found) -> dict[str, str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with store.open(file.uri) as opened:
            return {field.name: str(field.type) for field in pq.read_schema(opened)}
    except pa.ArrowInvalid as error:
        raise SourceRefused(
            f"File {file.name} of source {store.name} is no whole Parquet file ({first_line(error)}).",
            next_step="load it again; write files under another name and rename them when they are whole.",
        ) from error


def _header(store: FileStore, files: Files, file: Found) -> list[str]:
    with store.open(file.uri) as opened:
        content = gzip.GzipFile(fileobj=opened) if file.name.endswith(".gz") else opened
        start = content.read(_OPENING)
    text = start.decode(files.encoding, "replace").removeprefix("\ufeff")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(files))
    return next(islice(rows, 1), [])


def _unlike(header: list[str], columns: list[str]) -> str:
    if not header:
        return "is empty: it has not even a header"
    if sorted(header) == sorted(columns):
        return "has its columns in another order than declared"
    missing = [name for name in columns if name not in header]
    more = [name for name in header if name not in columns]
    said = [f"lacks column {', '.join(missing)}"] if missing else []
    said += [f"has a column {', '.join(more)[:200]} that is not declared"] if more else []
    return " and ".join(said) or "names a column twice"


def _value(value: Any) -> str:
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    return literal(value.isoformat() if isinstance(value, date) else value)
