"""Strategies for rows as sources hold them at their worst: any type, any value, any name."""

import string
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from hypothesis import strategies as st

# What a database can hold of text, and what is made of it elsewhere.
texts = st.one_of(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=20),
    st.sampled_from(["", " ", "it's", '"', "\\", "%s", ":day", "NaN", "null", "é" * 1_500, "x" * 6_000, "\u202eabc"]),
)
names = st.one_of(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), min_size=1, max_size=20),
    st.sampled_from(["SELECT", "größe", 'a "b"', "100 %", ":day", "run_id", "zone", "a;b", "--", "x" * 63, "é" * 31]),
)
doubles = st.one_of(
    st.floats().map(repr),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "-0", "5e-324", "1.7976931348623157e308", "1e16"]),
)
_DAYS = ["infinity", "-infinity", "4713-01-01 BC", "0044-03-15 BC", "0001-01-01", "9999-12-31", "5874897-12-31"]
_INSTANTS = ["infinity", "-infinity", "4713-01-01 BC", "9999-12-31 23:59:59.999999", "294276-12-31", "1883-11-18"]
days = st.one_of(st.dates(date(1, 1, 1)).map(date.isoformat), st.sampled_from(_DAYS))
instants = st.one_of(st.datetimes(datetime(1, 1, 1)).map(datetime.isoformat), st.sampled_from(_INSTANTS))  # noqa: DTZ001
times = st.one_of(st.times().map(time.isoformat), st.just("24:00"))
_ints = {"smallint": 15, "integer": 31, "bigint": 63}
_words = st.text(string.ascii_letters, max_size=3)

# By PostgreSQL's type, what may be written between quotes for one of its values.
VALUES: dict[str, st.SearchStrategy[str]] = {
    **{kind: st.integers(-(2**bits), 2**bits - 1).map(str) for kind, bits in _ints.items()},
    "real": st.one_of(st.floats(width=32).map(repr), st.sampled_from(["NaN", "Infinity", "1e-45"])),
    "double precision": doubles,
    "numeric": st.one_of(
        st.decimals(allow_nan=False, allow_infinity=False).map(lambda number: f"{number:f}"[:200]),
        st.sampled_from(["NaN", "Infinity", "9007199254740993", "1e400", "1e-400"]),
    ),
    "numeric(9, 2)": st.integers(-(10**8), 10**8).map(lambda cents: f"{cents / 100:.2f}"),
    "money": st.integers(-(10**8), 10**8).map(lambda cents: f"{cents / 100:.2f}"),
    "boolean": st.sampled_from(["true", "false"]),
    "text": texts,
    "varchar(3)": _words,
    "char(5)": _words,
    "name": _words,
    "date": days,
    "time": times,
    "timetz": times.map(lambda told: f"{told}+02" if told != "24:00" else told),
    "timestamp": instants,
    "timestamptz": instants,
    "interval": st.sampled_from(["1 month 2 days", "-1 year", "0", "infinity"]),
    "uuid": st.uuids().map(str),
    "bytea": st.binary(max_size=20).map(lambda value: "\\x" + value.hex()),
    "json": st.sampled_from(['{"a": [1, null]}', "[]", "null"]),
    "jsonb": st.sampled_from(['{"a": [1, null]}', "[]", "null"]),
    "integer[]": st.sampled_from(["{}", "{1,2}", "{{1,2},{3,4}}", "{NULL}"]),
    "text[]": st.sampled_from(["{}", '{"a b",NULL}']),
    "int4range": st.sampled_from(["[1,5)", "empty", "(,)"]),
    "bit(3)": st.sampled_from(["101", "000"]),
    "varbit": st.sampled_from(["", "1"]),
    "inet": st.sampled_from(["10.0.0.1/8", "::1"]),
    "oid": st.sampled_from(["0", "4294967295"]),
    "point": st.just("(1,2)"),
    "tsvector": st.just("a b"),
    "mood": st.sampled_from(["sad", "glad"]),
}
# What somebody may declare as a bound, or as one of the values of a column.
bounds: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.floats(),
    st.integers(),
    st.decimals(),
    st.booleans(),
    st.dates(),
    st.datetimes(timezones=st.one_of(st.none(), st.timezones())),
    st.times(),
    days,
    instants,
    texts,
    st.binary(max_size=3),
)


@dataclass(frozen=True)
class Column:
    """A column of any type, and as many values as there are rows; None is a null."""

    name: str
    kind: str
    values: tuple[str | None, ...]

    def written(self) -> list[str]:
        """Write its values as literals of its type."""
        return [f"{'NULL' if value is None else literal(value)}::{self.kind}" for value in self.values]


@st.composite
def columns(draw: Any, rows: int, kinds: Any = None, names: st.SearchStrategy[str] = names) -> Column:
    """Draw a column; of ``kinds``, or of any."""
    kind = draw(st.sampled_from(kinds or sorted(VALUES)))
    values = draw(st.lists(st.one_of(VALUES[kind], st.none()), min_size=rows, max_size=rows))
    return Column(draw(names), kind, tuple(values))


def literal(text: str) -> str:
    """Quote a text for PostgreSQL."""
    return "'" + text.replace("'", "''") + "'"


def selected(*columns: Column) -> str:
    """Write a query that gives the columns' rows."""
    quoted = [f'"{column.name.replace(chr(34), 2 * chr(34))}"' for column in columns]
    rows = zip(*(column.written() for column in columns), strict=True)
    values = ",\n    ".join(f"({', '.join(row)})" for row in rows)
    return f"-- Rows made for tests.\nSELECT *\nFROM (VALUES\n    {values}\n) AS made ({', '.join(quoted)})\n"
