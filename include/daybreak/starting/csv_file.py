"""A CSV file as a source: read whole, with types, and with columns named so that SQL and Python can say them.

It is somebody's export, so nothing about it is taken for granted: what cannot be right is refused before anything is
written, what is kept means the same afterwards (identifiers keep their leading zeros, a blank is no value), and what
was found out, since nobody said it, can be shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from daybreak.errors import SourceRefused
from daybreak.starting.csv_format import UNASKED, CsvFormat, shown, spoken
from daybreak.starting.csv_rows import CsvRows, other_delimiter, read_rows
from daybreak.starting.csv_text import read_text
from daybreak.starting.csv_values import EMPTY, inferred, inferred_key, trimmed, values, without_nothing
from daybreak.starting.number_format import PLAIN, NumberFormat, guessed
from daybreak.starting.plain_names import plain_names

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class CsvTexts:
    """The cells of a file as texts under plain names: blanks around them are gone, those that mean nothing are null.

    ``originals`` holds the names in the file, by plain name; ``keys`` are the columns that tell the rows apart.
    """

    file: CsvRows
    texts: Mapping[str, "pa.ChunkedArray"]
    originals: dict[str, str]
    keys: tuple[str, ...]
    asked: CsvFormat
    padded: Mapping[str, int]
    emptied: Mapping[str, tuple[str, ...]]

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.file.path

    def numbers(self, columns: Sequence[str]) -> NumberFormat:
        """Return how the numbers in some columns are written, as somebody said or as they show."""
        if self.asked.thousands:
            return NumberFormat(self.asked.decimal or PLAIN.decimal, self.asked.thousands)
        filled = [without_nothing(self.texts[name]).drop_null() for name in columns if name not in self.keys]
        return guessed(filled, self.asked.decimal)

    def column(self, wanted: str) -> str | None:
        """Return the plain name of a column that is given by either of its names, None if there is none."""
        by_original = {original: plain for plain, original in self.originals.items()}
        return by_original.get(wanted) or (wanted if wanted in self.originals else None)


@dataclass(frozen=True)
class CsvFile:
    """The rows of a file with their types, and the texts that they were; ``numbers`` is how its numbers are written."""

    rows: "pa.Table"
    read: CsvTexts
    numbers: NumberFormat = field(default=PLAIN)

    @property
    def originals(self) -> dict[str, str]:
        """The names of the columns in the file, by plain name."""
        return self.read.originals

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that tell the rows apart."""
        return self.read.keys

    def column(self, wanted: str) -> str | None:
        """Return the plain name of a column that is given by either of its names, None if there is none."""
        return self.read.column(wanted)


def read_csv(path: Path, keys: Sequence[str], asked: CsvFormat = UNASKED) -> CsvFile:
    """Read a file whose rows are told apart by the columns ``keys``, and find out the types of its columns."""
    return with_types(read_texts(path, keys, asked))


def with_types(read: CsvTexts) -> CsvFile:
    """Give each column the type that all of its texts have."""
    import pyarrow as pa

    numbers = read.numbers(list(read.texts))
    columns = {}
    for name, texts in read.texts.items():
        kind = inferred_key(texts) if name in read.keys else inferred(texts, numbers)
        found, _ = values(texts if kind != pa.string() else _text(texts), kind, numbers)
        columns[name] = found
    return CsvFile(pa.table(columns), read, numbers)


def read_texts(path: Path, keys: Sequence[str], asked: CsvFormat = UNASKED) -> CsvTexts:
    """Read a file as texts; refuse one that cannot be loaded as it is, whatever its types."""
    import pyarrow as pa
    import pyarrow.compute as pc

    source = read_text(path, asked.encoding)
    file = read_rows(path, source, asked.delimiter, keys)
    originals = dict(zip(plain_names(file.header), file.header, strict=True))
    plain = {original: name for name, original in originals.items()}
    found_keys = tuple(plain.get(key, key) for key in keys)
    if missing := [key for key, found in zip(keys, found_keys, strict=True) if found not in originals]:
        raise _without(file, missing)
    if file.cells.num_rows == 0:
        raise SourceRefused(f"{path.name} holds no rows.", next_step="export it again, with its rows.")
    empty = EMPTY if asked.empty is None else asked.empty
    texts, padded, emptied = {}, {}, {}
    for name, cells in zip(originals, file.cells.columns, strict=True):
        texts[name] = trimmed(cells, empty)
        padded[name] = int(pc.sum(pc.fill_null(pc.not_equal(texts[name], cells), False)).as_py() or 0)
        emptied[name] = tuple(
            marker for marker in empty if pc.any(pc.equal(pc.utf8_trim_whitespace(cells), marker)).as_py()
        )
    read = CsvTexts(file, texts, originals, found_keys, asked, padded, emptied)
    _refuse_keys(read, pa.table({key: texts[key] for key in found_keys}))
    return read


def _text(texts: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Make nothing of a column in which no text means anything."""
    nothing = without_nothing(texts)
    return nothing if nothing.null_count == len(nothing) else texts


def _refuse_keys(read: CsvTexts, keys: "pa.Table") -> None:
    import pyarrow.compute as pc

    path, named = read.path, " and ".join(read.originals[name] for name in keys.column_names)
    for name in keys.column_names:
        if empty := keys[name].null_count:
            line = read.file.line(pc.index(keys[name].is_null(), True).as_py())
            raise SourceRefused(
                f"{empty:,} of {keys.num_rows:,} rows of {path.name} have no {read.originals[name]}, "
                f"the first on line {line}.",
                next_step="fill it in, or take as the key of the pipeline what every row has.",
            )
    counts = keys.group_by(keys.column_names).aggregate([([], "count_all")])
    twice = counts.filter(pc.greater(counts["count_all"], 1)).drop_columns(["count_all"])
    if twice.num_rows:
        several = [", ".join(map(repr, row.values())) for row in twice.slice(0, 3).to_pylist()]
        raise SourceRefused(
            f"{twice.num_rows:,} values of {named} occur more than once in {path.name}, "
            f"for example {' and '.join(several) if len(keys.column_names) > 1 else ', '.join(several)}.",
            next_step="take the rows out that are there twice, or take as the key of the pipeline what differs from "
            "row to row; it may be several columns.",
        )


def _without(file: CsvRows, missing: list[str]) -> SourceRefused:
    problem = f"{file.path.name} has no column {', '.join(map(repr, missing))}."
    if other := other_delimiter(file):
        return SourceRefused(
            problem,
            next_step=f"the columns seem to be separated by {shown(other)}, not {shown(file.delimiter)}: say so with "
            f"`--delimiter {spoken(other)}`.",
        )
    more = f" and {len(file.header) - 30} more" if len(file.header) > 30 else ""
    return SourceRefused(problem, next_step=f"choose the key from {', '.join(file.header[:30])}{more}.")
