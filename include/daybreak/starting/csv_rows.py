"""CSV rows: a file's cells as texts, in columns; rows within one cell and cells beside their columns are refused.

A quote that is not closed takes all rows up to the next quote into one text, and no reader of CSV says so. So every
quoted value is looked at: it ends before a delimiter, and what lies in it does not look like the file's rows.
"""

import csv
import io
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from daybreak.errors import SourceRefused
from daybreak.starting.csv_format import shown
from daybreak.starting.csv_text import CsvText

if TYPE_CHECKING:
    import pyarrow as pa

_DELIMITERS = (",", ";", "\t", "|")
# No header is longer.
_HEADER = 1 << 20
_NEWLINE = re.compile(r"\r\n|\n|\r")
# A quoted value up to its closing quote, which is not doubled.
_QUOTED = re.compile(r'"(?:[^"]|"")*+(?P<closed>"?)')


@dataclass(frozen=True)
class CsvRows:
    """The cells of a file as texts, by the position of their column; ``header`` holds what the columns are called."""

    path: Path
    source: CsvText
    delimiter: str
    header: tuple[str, ...]
    cells: "pa.Table"
    quoted: tuple[tuple[int, int], ...]

    def line(self, row: int) -> int:
        """Return the number of the line of the file on which a row begins, the rows being counted from 0."""
        for number, (start, _) in enumerate(_records(self.source.text, self.quoted)):
            if number == row + 1:
                return self.source.line(start)
        return self.source.line(len(self.source.text))


def read_rows(path: Path, source: CsvText, delimiter: str | None, keys: Sequence[str]) -> CsvRows:
    """Take a file's text apart; ``keys`` are columns that it should have, by which the delimiter is told.

    Raises SourceRefused, with the line, where a quote is not closed or a row has more or fewer cells than the header.
    """
    from daybreak.starting.plain_names import plain_names

    def finds(header: tuple[str, ...]) -> bool:
        return len(header) > 1 and all(key in header or key in plain_names(header) for key in keys)

    said = delimiter or source.delimiter
    headers = {each: _header(source.text, each) for each in ((said,) if said else _DELIMITERS)}
    most = max(headers, key=lambda each: len(headers[each]))
    chosen = next((each for each, header in headers.items() if finds(header)), most)
    quoted = _quoted(path, source, chosen)
    header = _header(source.text, chosen)
    if not header:
        raise SourceRefused(f"{path.name} is empty.", next_step="export it again, with its rows.")
    _refuse_twice(path, header)
    _refuse_rows_within(path, source, chosen, header, keys, quoted)
    cells = _cells(path, source, chosen, len(header), quoted)
    return CsvRows(path, source, chosen, header, cells, tuple(quoted))


def other_delimiter(rows: CsvRows) -> str | None:
    """Return what the columns seem to be separated by where the header is one name with a delimiter in it."""
    if len(rows.header) > 1:
        return None
    return next((each for each in _DELIMITERS if each in rows.header[0]), None)


def _header(text: str, delimiter: str) -> tuple[str, ...]:
    lines = csv.reader(
        io.StringIO(text[:_HEADER], newline=""), delimiter=delimiter, skipinitialspace=not delimiter.isspace()
    )
    try:
        return tuple(name.strip() for name in next((line for line in lines if line), []))
    except csv.Error:  # longer than any header: a quote that is not closed, which is refused with its line
        return ("",)


def _refuse_twice(path: Path, header: tuple[str, ...]) -> None:
    if twice := [name for name in dict.fromkeys(header) if name and header.count(name) > 1]:
        raise SourceRefused(
            f"{path.name} has column {', '.join(map(repr, twice))} more than once.",
            next_step="give each column a name of its own.",
        )


def _quoted(path: Path, source: CsvText, delimiter: str) -> list[tuple[int, int]]:
    """Return where quoted values begin and end; refuse one that is not closed, or goes on after its closing quote.

    Lines whose quotes all open and close in them are passed over at once, unless blanks stand before a quote.
    """
    text, at = source.text, 0
    found: list[tuple[int, int]] = []
    line = None if re.search(f'[{_blanks(delimiter)}]"', text) else _line(delimiter)
    while at < len(text):
        if line and (whole := line.match(text, at)):
            at = whole.end()
            continue
        at = _quoted_in_record(path, source, delimiter, at, found)
    return found


def _line(delimiter: str) -> re.Pattern[str]:
    apart, blanks = re.escape(delimiter), _blanks(delimiter)
    quoted = rf'"(?:[^"\r\n]|"")*+"[{blanks}]*+'
    cell = rf'[{blanks}]*+(?:{quoted}|[^"{apart}\r\n][^{apart}\r\n]*+|)'
    return re.compile(rf"{cell}(?:{apart}{cell})*+(?:\r\n|\n|\r|\Z)")


def _quoted_in_record(path: Path, source: CsvText, delimiter: str, at: int, found: list[tuple[int, int]]) -> int:
    """Add the quoted values of one record to those that were found; return where the next one begins."""
    text, blanks = source.text, _blanks(delimiter)
    quote = re.compile(rf'(?:\A|(?<=[{re.escape(delimiter)}\r\n]))[{blanks}]*(?P<quote>")|(?P<end>\r\n|\n|\r)')
    ends = re.compile(rf"[{blanks}]*(?:{re.escape(delimiter)}|\r|\n|\Z)")
    while (next_one := quote.search(text, at)) and not next_one["end"]:
        start = next_one.start("quote")
        value = _QUOTED.match(text, start)
        # It begins with the quote that was found, and so is a value, closed or not.
        if value is None or not value["closed"]:
            raise _unclosed(path, source.line(start), "is not closed")
        if not ends.match(text, value.end()):
            raise _unclosed(path, source.line(start), f"goes on after a quote on line {source.line(value.end() - 1)}")
        found.append((start, value.end()))
        at = value.end()
    return next_one.end() if next_one else len(text)


def _blanks(delimiter: str) -> str:
    return "".join(blank for blank in " \t" if blank != delimiter)


def _unclosed(path: Path, line: int, problem: str) -> SourceRefused:
    return SourceRefused(
        f"{path.name}, line {line}: the quoted value that begins here {problem}.",
        next_step='mend that line: close the quote, or double each quote that belongs to the text ("").',
    )


def _records(text: str, quoted: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield where records begin and end: lines, but for line breaks within quoted values; empty ones are skipped."""
    spans, start = iter(quoted), 0
    span = next(spans, None)
    for newline in _NEWLINE.finditer(text):
        while span and span[1] <= newline.start():
            span = next(spans, None)
        if span and span[0] < newline.start():
            continue
        if newline.start() > start:
            yield start, newline.start()
        start = newline.end()
    if start < len(text):
        yield start, len(text)


def _refuse_rows_within(
    path: Path,
    source: CsvText,
    delimiter: str,
    header: tuple[str, ...],
    keys: Sequence[str],
    quoted: list[tuple[int, int]],
) -> None:
    """Refuse a quoted value of several lines of which one looks like a row: as many cells, with a key like others."""
    from daybreak.starting.plain_names import plain_names

    text = source.text
    several = [span for span in quoted if _NEWLINE.search(text, *span)]
    plain = plain_names(header)
    places = [header.index(key) if key in header else plain.index(key) for key in keys if key in (*header, *plain)]
    if not several or len(header) < 2 or not places:
        return

    def key_shape(line: str) -> tuple[str, ...] | None:
        for cells in (line.split(delimiter), _split(line, delimiter)):
            if len(cells) == len(header):
                return tuple(_shape(cells[place]) for place in places)
        return None

    # Where rows lie in a value, its own record says nothing of what a key looks like.
    starts = [start for start, _ in several]
    alone = (each for each in _records(text, quoted) if bisect_left(starts, each[0]) == bisect_left(starts, each[1]))
    shapes = {key_shape(text[start:end]) for start, end in alone}
    for start, end in several:
        last = _NEWLINE.search(text, end)
        for line in _NEWLINE.split(text[start : last.start() if last else len(text)])[1:]:
            shape = key_shape(line)
            # In a text of two columns any line with one comma would do, but for a number.
            telling = shape and (len(header) > 2 or any("9" in part for part in shape))
            if telling and shape in shapes:
                raise SourceRefused(
                    f"{path.name}, line {source.line(start)}: the quoted value that begins here has rows in it.",
                    next_step="mend that line: close the quote, or take it out.",
                )


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter), [])
    except csv.Error:  # longer than any row of several cells
        return []


def _shape(cell: str) -> str:
    return re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", cell.strip(' "\t')))


def _cells(path: Path, source: CsvText, delimiter: str, columns: int, quoted: list[tuple[int, int]]) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import csv as arrow

    content = _unpadded(source.text, delimiter, quoted).encode()
    names = list(map(str, range(columns)))
    try:
        rows = arrow.read_csv(
            pa.BufferReader(content),
            # In one piece: a value of several lines must not be cut between two of them.
            arrow.ReadOptions(column_names=names, block_size=min(max(len(content) + 1, 1 << 10), 2**31 - 1)),
            arrow.ParseOptions(delimiter=delimiter, newlines_in_values=bool(quoted)),
            arrow.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        raise _uneven(path, source, delimiter, columns, quoted, error) from error
    return rows.slice(1)


def _unpadded(text: str, delimiter: str, quoted: list[tuple[int, int]]) -> str:
    """Take the blanks before a quote out: behind them a quote would be a letter like any other."""
    pieces, at, blanks = [], 0, _blanks(delimiter)
    for start, _ in quoted:
        padded = start
        while padded > at and text[padded - 1] in blanks:
            padded -= 1
        if padded < start:
            pieces.append(text[at:padded])
            at = start
    return "".join([*pieces, text[at:]]) if pieces else text


def _uneven(
    path: Path, source: CsvText, delimiter: str, columns: int, quoted: list[tuple[int, int]], error: Exception
) -> SourceRefused:
    for start, end in _records(source.text, quoted):
        outside = len(_split(source.text[start:end], delimiter)) or columns
        if outside != columns:
            return SourceRefused(
                f"{path.name}, line {source.line(start)}: {outside} cells; the first line names {columns} columns.",
                next_step=f"mend the line (a cell that holds {shown(delimiter)} has quotes around it), or say what "
                "separates the columns (`--delimiter`).",
            )
    said = " ".join(str(error).split()).removeprefix("CSV parse error: ")[:200].rstrip(".")
    return SourceRefused(f"{path.name} cannot be read as CSV: {said}.", next_step="mend the file, or export it again.")
