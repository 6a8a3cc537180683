"""Whatever is in a file, reading it ends in rows that mean what it says, or in one line that says what to do."""

import ast
import csv
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daybreak.errors import DaybreakError
from daybreak.starting.csv_file import CsvTexts, read_csv, read_texts
from daybreak.starting.csv_for_table import for_table
from daybreak.starting.csv_format import asked_format
from daybreak.starting.scaffold import find_target, render
from nasty_csv import DELIMITERS, ENCODINGS, VALUES, files, tables

ASKED = st.fixed_dictionaries(
    {},
    optional={
        "delimiter": st.sampled_from([*DELIMITERS, "tab", "\\t", "", ";;", '"', "é"]),
        "decimal": st.sampled_from([".", ",", "x"]),
        "thousands": st.sampled_from([",", ".", "space", "'", "1"]),
        "encoding": st.sampled_from([*ENCODINGS, "ascii", "klingon", "rot13"]),
        "empty": st.lists(st.sampled_from(["", "NA", "-9", "?"]), max_size=2),
    },
)
KINDS = (
    pa.int64(),
    pa.int32(),
    pa.float64(),
    pa.bool_(),
    pa.date32(),
    pa.timestamp("us"),
    pa.timestamp("us", "UTC"),
    pa.string(),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nasty") / "file.csv"


def ended(work: Callable[[], Any]) -> Any:
    """Return what came of it, None for a refusal, which has to be one line with a next step."""
    try:
        return work()
    except DaybreakError as error:
        refused = error
    assert refused.next_step
    assert "\n" not in str(refused)
    assert len(str(refused)) < 2_000
    return None


def in_file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@settings(max_examples=300, deadline=None)
@given(content=files(), asked=ASKED)
@example(content=b"", asked={})
@example(content=b'"', asked={})
@example(content=b'key,target\n"', asked={})
@example(content=b"sep=;", asked={})
@example(content=b"\xff\xfe", asked={})
def test_any_file_becomes_a_pipeline_or_is_refused(content: bytes, asked: dict[str, Any], path: Path) -> None:
    def start() -> dict[str, str]:
        file = read_csv(in_file(path, content), ["key"], asked_format(**asked))
        return render("made", "retail", "UTC", file, find_target(file, "target", None))

    for name, text in (ended(start) or {}).items():
        if name.endswith(".py"):
            ast.parse(text)


@settings(max_examples=300, deadline=None)
@given(
    content=files(), asked=ASKED, kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=6), widen=st.booleans()
)
def test_any_later_file_has_the_tables_types_or_is_refused(
    content: bytes, asked: dict[str, Any], kinds: list[pa.DataType], widen: bool, path: Path
) -> None:
    def load() -> None:
        read: CsvTexts = read_texts(in_file(path, content), ["key"], asked_format(**asked))
        names = [name for name in read.texts if name != "key"]
        schema = pa.schema([("key", pa.string()), *zip(names, kinds, strict=False)])
        rows = for_table(read, "sources.made", schema, target="target", widen=widen).rows
        assert rows.num_rows == read.file.cells.num_rows
        for field in schema:
            wider = widen and pa.types.is_integer(field.type) and pa.types.is_floating(rows[field.name].type)
            assert rows[field.name].type == field.type or wider

    ended(load)


@settings(max_examples=300, deadline=None)
@given(
    table=tables(), delimiter=st.sampled_from(DELIMITERS), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
)
def test_no_row_and_no_letter_is_lost_of_what_a_program_wrote(
    table: list[list[str]], delimiter: str, quoting: int, path: Path
) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter, quoting=quoting).writerows(table)
    content = written.getvalue().encode(errors="replace")
    read: CsvTexts | None = ended(lambda: read_texts(in_file(path, content), ["key"], asked_format(delimiter)))
    if read is None:
        return
    rows = [[cell.encode(errors="replace").decode() for cell in row] for row in table[1:]]
    assert read.file.cells.num_rows == len(rows)
    for position, texts in enumerate(read.texts.values()):
        for row, text in zip(rows, texts.to_pylist(), strict=True):
            meant = pc.utf8_trim_whitespace(pa.array([row[position]]))[0].as_py()
            assert text == meant or (text is None and meant in ("", "?", "n/a", "N/A", "#N/A"))


@settings(max_examples=300, deadline=None)
@given(values=st.lists(VALUES.filter(lambda value: "\0" not in value), min_size=1, max_size=8))
@example(values=["9007199254740993"])
def test_what_is_taken_for_a_number_is_one(values: list[str], path: Path) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([["key", "v"], *([n, v] for n, v in enumerate(values))])
    file = ended(lambda: read_csv(in_file(path, written.getvalue().encode(errors="replace")), ["key"]))
    if file is None or not (pa.types.is_integer(file.rows["v"].type) or pa.types.is_floating(file.rows["v"].type)):
        return
    for text, number in zip(values, file.rows["v"].to_pylist(), strict=True):
        plain = file.numbers.plain(pa.array([text.strip()]))[0].as_py()
        # A whole number is what was written, to its last figure.
        assert number is None or number == (Decimal(plain) if isinstance(number, int) else float(plain))
