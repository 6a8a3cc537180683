"""Values reach a real PostgreSQL unchanged, whatever they hold, and its complaints lead to file and line."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.errors import ConfigurationError
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.sql_file import SqlFile, load_sql

HOSTILE = [
    "it's",
    "'; DROP SCHEMA ledger CASCADE; --",
    "back\\slash",
    "\\'; SELECT 1; --",
    "100 % of %s and %(day)s",
    ":day ::date",
    "$$ dollars $$",
    "größer, 東京, \N{GRINNING FACE}",
    "two\nlines\tand a tab",
    '"double"',
    "/* comment */ -- comment",
    "",
]


@pytest.fixture(scope="module")
def warehouse(postgres: EmbeddedPostgres) -> Iterator[Warehouse]:
    opened = Warehouse(postgres.url())
    yield opened
    opened.close()


def sql(text: str) -> SqlFile:
    return SqlFile(Path("orders/extract.sql"), text, ((Path("orders/extract.sql"), 1),))


def test_hostile_text_comes_back_as_it_went_in(warehouse: Warehouse) -> None:
    for value in HOSTILE:
        assert warehouse.rows(sql("SELECT :value, '%', ':value'"), {"value": value}, 2)[1] == [(value, "%", ":value")]


def test_hostile_text_comes_back_through_the_stream_that_batches_take(warehouse: Warehouse) -> None:
    for value in HOSTILE:
        with warehouse.stream(sql("SELECT :value AS value, '%' AS percent"), {"value": value}) as (counts, reader):
            assert (counts, reader.read_all().to_pylist()) == ({None: 1}, [{"value": value, "percent": "%"}])


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00")))
@settings(max_examples=300)
def test_any_text_comes_back_as_it_went_in(warehouse: Warehouse, value: str) -> None:
    assert warehouse.rows(sql("SELECT :value"), {"value": value}, 2)[1] == [(value,)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("date", date(2026, 10, 15)),
        ("timestamptz", datetime(2026, 10, 15, 4, 30, tzinfo=UTC)),
        ("integer", -7),
        ("bigint", 2**62),
        ("double precision", 0.1),
        ("boolean", True),
        ("text", None),
    ],
)
def test_a_value_keeps_its_type(warehouse: Warehouse, kind: str, value: Any) -> None:
    assert warehouse.rows(sql(f"SELECT :value::{kind}"), {"value": value}, 2)[1] == [(value,)]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("SELECT :zone,\n  1 +\nFROM x", r"orders/extract\.sql:3: syntax error"),
        ("SELECT :zone AS a,\n:zone AS b,\n,", r"orders/extract\.sql:3: syntax error"),
        ("SELECT 1\n\\ir inner.sql\nFROM (", r"orders/inner\.sql:2: syntax error"),
        ("SELECT ';'\n, 2;", r"orders/extract\.sql:2: a query has no semicolon"),
        ("SELECT 1\n;\nDROP SCHEMA ledger", r"orders/extract\.sql:2: a query has no semicolon"),
        ("SELECT größe FORM x\nWHERE :zone = 1 )", r"orders/extract\.sql:1: syntax error"),
        ("SELECT 'unfinished", r"orders/extract\.sql:1: unterminated"),
        ("", r"orders/extract\.sql:1: syntax error"),
    ],
)
def test_a_file_that_is_not_sql_is_refused_at_its_line(
    warehouse: Warehouse, tmp_path: Path, text: str, place: str
) -> None:
    folder = tmp_path / "orders"
    folder.mkdir()
    (folder / "inner.sql").write_text(", 2\n, 3 4 5\n")
    (folder / "extract.sql").write_text(text)
    with pytest.raises(ConfigurationError, match=place):
        warehouse.check(load_sql(folder / "extract.sql"), {"zone": "a value longer than its name"})


def test_a_file_with_percent_signs_and_a_missing_table_is_sql_all_the_same(warehouse: Warehouse) -> None:
    warehouse.check(sql("SELECT 10 % 3 FROM no_such_table WHERE name LIKE '%x%s'"), {})


def test_checking_a_file_runs_nothing_of_it(warehouse: Warehouse) -> None:
    warehouse.check(sql("SELECT pg_sleep(600)::text"), {})
    with pytest.raises(ConfigurationError, match="semicolon"):
        warehouse.check(sql("SELECT 1; CREATE TABLE made_by_a_check (a integer)"), {})
    assert warehouse.rows(sql("SELECT to_regclass('made_by_a_check')"), {}, 2)[1] == [(None,)]
