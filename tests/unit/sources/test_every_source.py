"""What every source has to do, whatever it is made of."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from daybreak.errors import ConfigurationError, SourceRefused
from parcels import NewDatabase
from unit.sources.feeds import (
    BINDS,
    DAY,
    ROWS,
    Feed,
    InCsv,
    InDelta,
    InFiles,
    InIceberg,
    InPostgres,
    InSqlite,
    Row,
    read,
    sql,
)

ALL = "SELECT id, shop, amount, sold_on FROM sales ORDER BY id"
NEW: Row = (999, "late", 1.0, DAY)

KINDS: dict[str, Callable[[str, Path], Feed]] = {
    "PostgreSQL": InPostgres,
    "DuckDB over Parquet": InFiles,
    "DuckDB over CSV": InCsv,
    "DuckDB over Parquet in S3": InFiles,
    "DuckDB over a Delta table": InDelta,
    "DuckDB over an Iceberg table": InIceberg,
    "SQLite": InSqlite,
}


@pytest.fixture(
    params=[pytest.param(kind, marks=[pytest.mark.server] if kind == "PostgreSQL" else []) for kind in KINDS]
)
def feed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Feed]:
    url = ""
    if request.param == "PostgreSQL":
        new_database: NewDatabase = request.getfixturevalue("new_database")
        url = new_database()
    if request.param.endswith("Delta table"):
        pytest.importorskip("deltalake", reason="needs requirements/delta.txt")
    if request.param.endswith("Iceberg table"):
        pytest.importorskip("pyiceberg", reason="needs requirements/iceberg.txt")
    if request.param.endswith("S3"):
        request.getfixturevalue("s3").mkdir("shop")
        url = "s3://shop/the feed"
    made = KINDS[request.param](url, tmp_path)
    yield made
    made.source.close()


def test_rows_come_in_order_as_they_are_with_the_sources_own_count(feed: Feed, tmp_path: Path) -> None:
    query = sql(tmp_path, ALL)
    counted, rows = read(feed.source, query)
    assert counted == {None: len(ROWS)}
    # SQLite has no days: they are the text that is kept.
    assert [(*row[:3], str(row[3])) for row in rows] == [(*row[:3], str(row[3])) for row in ROWS]
    assert read(feed.source, query) == (counted, rows)


def test_rows_are_counted_by_the_values_of_a_column(feed: Feed, tmp_path: Path) -> None:
    counted, rows = read(feed.source, sql(tmp_path, ALL), by="shop")
    assert counted == {"O'Brien": 50, "Café": 50, "100%": 50, None: 50}
    assert len(rows) == 200
    assert read(feed.source, sql(tmp_path, ALL), count=False) == ({}, rows)


def test_count_and_rows_are_of_one_state(feed: Feed, tmp_path: Path) -> None:
    with feed.source.stream(sql(tmp_path, ALL), BINDS) as (counted, reader):
        feed.add(NEW)
        rows = reader.read_all()
    assert counted == {None: len(ROWS)}
    assert rows.num_rows == len(ROWS)
    assert read(feed.source, sql(tmp_path, ALL))[0] == {None: len(ROWS) + 1}


def test_values_are_bound(feed: Feed, tmp_path: Path) -> None:
    text = (
        "-- :not_one\nSELECT id FROM sales WHERE sold_on BETWEEN :first_day AND :last_day AND shop = :shop ORDER BY id"
    )
    for shop in ("O'Brien", "Café", "100%", "'; DROP TABLE sales; --"):
        _, rows = read(feed.source, sql(tmp_path, text), {**BINDS, "shop": shop})
        assert [row[0] for row in rows] == [row[0] for row in ROWS if row[3] == DAY and row[1] == shop]
        assert rows or shop == "'; DROP TABLE sales; --"


def test_no_row_is_no_row(feed: Feed, tmp_path: Path) -> None:
    assert read(feed.source, sql(tmp_path, "SELECT id FROM sales WHERE id < 0")) in (({}, []), ({None: 0}, []))


def test_few_rows_are_asked_for(feed: Feed, tmp_path: Path) -> None:
    query = sql(tmp_path, "SELECT min(sold_on) AS first_day, max(sold_on) AS last_day FROM sales")
    assert feed.source.rows(query, BINDS, 10) == (["first_day", "last_day"], [(date(2024, 3, 1), date(2024, 3, 9))])
    names, rows = feed.source.rows(sql(tmp_path, "SELECT id, shop FROM sales ORDER BY id"), BINDS, 3)
    assert (names, rows) == (["id", "shop"], [row[:2] for row in ROWS[:3]])
    assert feed.source.rows(sql(tmp_path, "SELECT id FROM sales WHERE id < 0"), BINDS, 3) == (["id"], [])


def test_columns_are_described_as_a_table_keeps_them(feed: Feed, tmp_path: Path) -> None:
    found = feed.source.describe(sql(tmp_path, "SELECT id, shop, amount FROM sales"), BINDS)
    assert [(column.name, column.type) for column in found] == [
        ("id", "bigint"),
        ("shop", "text"),
        ("amount", "double precision"),
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("SELECT id\nFRM sales WHERE", "extract.sql:2"),
        ("SELECT '€' AS sign,\n    :first_day AS d,\n    '€' AS s FROM sales WHERE (", "extract.sql:3"),
        ("-- é\nSELECT id FROM (\n\\ir rows.sql\n) AS x", "rows.sql:2"),
    ],
)
def test_what_is_not_sql_is_refused_with_file_and_line(feed: Feed, tmp_path: Path, text: str, place: str) -> None:
    query = sql(tmp_path, text, rows="SELECT id\nFROM sales LIMIT LIMIT\n")
    with pytest.raises(ConfigurationError) as refused:
        feed.source.check(query, BINDS)
    # SQLite does not say where.
    wanted = place if not isinstance(feed, InSqlite) else "extract.sql"
    assert f"sales_by_shop/{wanted}: " in f"{refused.value.problem}: "


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id FROM sales;",
        "SELECT id FROM sales; DELETE FROM sales",
        "SELECT id FROM sales WHERE id = :tomorrow",
        "DELETE FROM sales",
        "CREATE TABLE other AS SELECT 1 AS id",
    ],
)
def test_what_is_not_one_query_is_refused_and_nothing_is_changed(feed: Feed, tmp_path: Path, text: str) -> None:
    query = sql(tmp_path, text)

    def ask() -> None:
        feed.source.check(query, BINDS)
        # A table that is missing, or a statement that gives no rows, is told of when it is read.
        read(feed.source, query)

    with pytest.raises((ConfigurationError, SourceRefused)):
        ask()
    assert read(feed.source, sql(tmp_path, ALL))[0] == {None: len(ROWS)}


@pytest.mark.parametrize("text", ["SELECT id FROM nowhere", "SELECT nothing FROM sales"])
def test_what_is_not_there_is_the_sources_fault(feed: Feed, tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceRefused, match="The source cannot be read") as refused:
        read(feed.source, sql(tmp_path, text))
    assert "\n" not in str(refused.value)


def test_a_column_that_no_batch_can_hold_is_refused_before_it_is_read(feed: Feed, tmp_path: Path) -> None:
    if isinstance(feed, InSqlite):
        pytest.skip("SQLite has no such type")
    query = sql(tmp_path, "SELECT id, ARRAY[id] AS ids FROM sales")
    with pytest.raises(SourceRefused, match=r"Column ids is .*, which no batch can hold.*cast it"):
        feed.source.check(query, BINDS)
    with pytest.raises(SourceRefused, match="Column ids is"):
        read(feed.source, query)


def test_a_key_with_digits_that_a_batch_loses_is_refused(feed: Feed, tmp_path: Path) -> None:
    if isinstance(feed, InSqlite):
        pytest.skip("SQLite has no decimals")
    query = sql(tmp_path, "SELECT id::numeric AS id FROM sales")
    feed.source.check(query, BINDS)
    with pytest.raises(SourceRefused, match="Column id is numeric"):
        feed.source.check(query, BINDS, ["id"])
    _, rows = read(feed.source, query)
    assert {type(row[0]) for row in rows} == {float}


def test_a_fault_in_a_row_is_the_sources_and_is_told_on_one_line(feed: Feed, tmp_path: Path) -> None:
    if isinstance(feed, InSqlite):
        pytest.skip("SQLite makes a number of anything")
    query = sql(tmp_path, "SELECT id, shop::bigint AS n FROM sales WHERE id > 0")
    feed.source.check(query, BINDS)
    with pytest.raises(SourceRefused, match="The source cannot be read") as refused:
        read(feed.source, query)
    assert "\n" not in str(refused.value)
