"""Nasty CSV files, generated: names, values, delimiters, quotes, line ends and encodings as nobody should have them."""

import csv
import io

from hypothesis import strategies as st

DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252", "utf-32")
# What columns are called: keywords, what could end a quote, a statement or a comment, and nothing at all.
NAMES = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "key",
            "target",
            "select",
            "from",
            "class",
            "as_of",
            "ctid",
            "a b",
            "a_b",
            "A B",
            "1st",
            "Größe",
            "日本",
        ]
    ),
    st.sampled_from(['"; DROP TABLE x; --', "it's", "{braces}", "%s", "$name", ":bind", "new\nline", "\\", "x" * 90]),
    st.text(max_size=6),
)
# What stands in cells: what looks like numbers, days or nothing, and what is none of it.
VALUES = st.one_of(
    st.sampled_from(
        ["", " ", "?", "n/a", "NA", "NULL", "-", "nan", "inf", "-Infinity", "1e999", "1e-999", "-0", "007"]
    ),
    st.sampled_from(
        ["1,5", "1.234,5", "1,234.5", "1'234", "1 234", "1\u00a0234", "٣", "½", "1_000", "0x1F", "+5", "5%"]
    ),
    st.sampled_from(
        ["true", "TRUE", "yes", "No ", "\ufeff", "\u202e", "\x1a", "\x7f", "👍", '"', '""', "a\nb", "a\r\nb", ","]
    ),
    st.sampled_from(
        ["2024-02-29", "2024-02-30", "0000-00-00", "9999-12-31", "2024-01-01T25:00:00Z", "10:00", "12/31/99"]
    ),
    st.integers(-(10**20), 10**20).map(str),
    st.floats().map(repr),
    st.text(max_size=8),
)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """Draw the cells of a file: a header, of which the first two columns are key and target, and rows of its length."""
    once = draw(st.booleans())
    further = draw(st.lists(NAMES, max_size=4, unique_by=str.strip if once else None))
    header = ["key", "target", *further]
    count = draw(st.integers(0, 12).filter(lambda count: count or not once))
    keys = draw(st.lists(VALUES, min_size=count, max_size=count, unique=True)) if draw(st.booleans()) else range(count)
    targets = draw(st.one_of(st.just(["Yes", "no"]), st.lists(VALUES, min_size=1, max_size=2)))
    kinds = (VALUES, st.integers().map(str), st.floats().map(repr), st.sampled_from(["a", "b"]))
    columns = [draw(st.lists(draw(st.sampled_from(kinds)), min_size=count, max_size=count)) for _ in further]
    found = [[str(key), targets[n % len(targets)], *(c[n] for c in columns)] for n, key in enumerate(keys)]
    return [header, *found]


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Draw a file's bytes: a table as some program writes it, now and then damaged."""
    written = io.StringIO(newline="")
    style = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    ends = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    delimiter = draw(st.sampled_from(DELIMITERS))
    csv.writer(written, delimiter=delimiter, quoting=style, lineterminator=ends).writerows(draw(tables()))
    text = draw(st.sampled_from(["", "", f"sep={delimiter}{ends}", "\n", " "])) + written.getvalue()
    content = text.encode(draw(st.sampled_from(ENCODINGS)), errors="replace")
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        at = draw(st.integers(0, len(content)))
        gone = draw(st.integers(0, 3))
        content = (
            content[:at]
            + draw(st.sampled_from([b"", b'"', b"\n", b",", b"\x00", b"\xff", b"\xe9"]))
            + content[at + gone :]
        )
    return content
