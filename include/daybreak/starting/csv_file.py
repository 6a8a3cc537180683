"""A CSV file as a source: read whole, types inferred, columns named so that SQL and Python can say them.

It is somebody's export, so nothing about it is taken for granted: what cannot be right is refused before anything is
written, and what is kept means the same afterwards (identifiers keep their leading zeros, a blank is no value).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING

from daybreak.errors import SourceRefused

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import csv

# Names that the warehouse's own columns have, where rows are kept or predictions are shown.
_TAKEN = {"as_of", "run_id", "partition_date", "model_version", "leakage_allowed", "published_at"}
_TAKEN |= {"ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"}
_LONGEST = 30


@dataclass(frozen=True)
class CsvFile:
    """The rows of a file under plain column names; ``originals`` holds the names in the file, by plain name."""

    rows: "pa.Table"
    originals: dict[str, str]
    key: str

    def column(self, wanted: str) -> str | None:
        """Return the plain name of a column that is given by either of its names, None if there is none."""
        by_original = {original: plain for plain, original in self.originals.items()}
        return by_original.get(wanted) or (wanted if wanted in self.originals else None)


def read_csv(path: Path, key: str, delimiter: str = ",") -> CsvFile:
    """Read a file whose rows are told apart by the column ``key``; refuse one that cannot be loaded as it is."""
    header = _header(path, delimiter)
    originals = dict(zip(plain_names(header), header, strict=True))
    plain = {original: name for name, original in originals.items()}
    wanted = key if key in plain else originals.get(key)
    if wanted is None:
        raise _without(path, key, header)
    rows = _typed(path, delimiter, wanted).rename_columns(list(originals))
    if rows.num_rows == 0:
        raise SourceRefused(f"{path.name} holds no rows.", next_step="export it again, with its rows.")
    _refuse_unstorable(path, rows, originals)
    _refuse_key(path, rows[plain[wanted]], wanted)
    return CsvFile(rows, originals, plain[wanted])


def plain_names(names: Iterable[str]) -> list[str]:
    """Turn column names into lower-case identifiers that need no quotes, each of them different."""
    from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS

    found: list[str] = []
    for position, name in enumerate(names, start=1):
        ascii_only = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
        parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", ascii_only)
        plain = re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")[:_LONGEST].strip("_")
        if not plain or plain[0].isdigit():
            plain = f"column_{plain or position}"
        if plain in RESERVED_WORDS or plain in _TAKEN or iskeyword(plain):
            plain = f"{plain}_value"
        number = 2
        unique = plain
        while unique in found:
            unique, number = f"{plain}_{number}", number + 1
        found.append(unique)
    return found


def _header(path: Path, delimiter: str) -> list[str]:
    from pyarrow import csv

    with _refusing(path):
        names: list[str] = csv.open_csv(path, parse_options=_parsing(delimiter)).schema.names
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise SourceRefused(
            f"{path.name} has column {', '.join(map(repr, twice))} more than once.",
            next_step="give each column a name of its own.",
        )
    return names


def _typed(path: Path, delimiter: str, key: str) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    def read(as_text: list[str], only: list[str] | None = None) -> "pa.Table":
        # In a number's place these mean that there is none; in a text's place NA may be a country.
        nothing = [*csv.ConvertOptions().null_values, *(" " * n for n in range(1, 33))]
        options = csv.ConvertOptions(
            null_values=nothing, column_types=dict.fromkeys(as_text, pa.string()), include_columns=only
        )
        with _refusing(path):
            return csv.read_csv(path, parse_options=_parsing(delimiter), convert_options=options)

    rows = read([key])
    whole = [field.name for field in rows.schema if pa.types.is_integer(field.type)]
    # What begins with a zero is a code, such as a postcode, not a number.
    written = read(whole, whole) if whole else rows.select([])
    codes = [name for name in whole if pc.any(pc.match_substring_regex(written[name], r"^\s*[+-]?0\d")).as_py()]
    columns = [_plain(written[name] if name in codes else rows[name]) for name in rows.column_names]
    position = rows.column_names.index(key)
    columns[position] = _whole_if_exact(columns[position])
    return pa.table(columns, names=rows.column_names)


def _plain(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", kind.tz))
    if pa.types.is_null(kind) or pa.types.is_time(kind):
        return column.cast(pa.string())
    if pa.types.is_string(kind):
        blank = pc.equal(pc.utf8_trim_whitespace(column), "")
        return pc.if_else(blank, pa.scalar(None, pa.string()), column)
    return column


def _whole_if_exact(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa
    import pyarrow.compute as pc

    exact = pc.all(pc.match_substring_regex(column, r"^(0|-?[1-9]\d{0,17})$"), min_count=1).as_py()
    return column.cast(pa.int64()) if exact else column


def _refuse_unstorable(path: Path, rows: "pa.Table", originals: dict[str, str]) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    for name, column in zip(rows.column_names, rows.columns, strict=True):
        if pa.types.is_binary(column.type):
            raise SourceRefused(
                f"{path.name} is not UTF-8 in column {originals[name]!r}.", next_step="save the file as UTF-8."
            )
        if pa.types.is_string(column.type) and pc.any(pc.match_substring(column, "\0")).as_py():
            raise SourceRefused(
                f"{path.name} holds a null character in column {originals[name]!r}, which no text can hold.",
                next_step="remove it from the file.",
            )


def _refuse_key(path: Path, column: "pa.ChunkedArray", key: str) -> None:
    import pyarrow.compute as pc

    if column.null_count:
        raise SourceRefused(
            f"{column.null_count:,} of {len(column):,} rows of {path.name} have no {key}.",
            next_step="choose a key that every row has (`--key`), or mend the file.",
        )
    counts = column.value_counts()
    twice = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
    if len(twice):
        shown = ", ".join(repr(value.as_py()) for value in twice[:3])
        raise SourceRefused(
            f"{len(twice):,} values of {key} occur more than once in {path.name}, for example {shown}.",
            next_step="choose a key that differs from row to row (`--key`), or mend the file.",
        )


def _without(path: Path, key: str, header: list[str]) -> SourceRefused:
    others = [delimiter for delimiter in (";", "\t", "|") if len(header) == 1 and delimiter in header[0]]
    if others:
        shown = "'\\t'" if others[0] == "\t" else f"'{others[0]}'"
        step = f"the columns seem to be separated by {shown}: say so with `--delimiter {shown}`."
    else:
        step = f"choose `--key` from {', '.join(header[:30])}."
    return SourceRefused(f"{path.name} has no column {key!r}.", next_step=step)


def _parsing(delimiter: str) -> "csv.ParseOptions":
    from pyarrow import csv

    return csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    import pyarrow as pa

    if not path.is_file():
        raise SourceRefused(f"There is no file {path}.", next_step="check the path.")
    try:
        yield
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        said = " ".join(str(error).split()).removeprefix("CSV parse error: ")[:200].rstrip(".")
        raise SourceRefused(
            f"{path.name} cannot be read as CSV: {said}.", next_step="mend the file, or export it again."
        ) from error
    except OSError as error:
        raise SourceRefused(
            f"{path} cannot be read: {error.strerror or error}.", next_step="check the file."
        ) from error
