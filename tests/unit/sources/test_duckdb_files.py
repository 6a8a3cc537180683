"""Files are read as they were declared, all of them or none, and nothing else is within a query's reach."""

import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from daybreak.declaration.files import DeltaTable, Files, FileTable, IcebergTable
from daybreak.errors import ConfigurationError, DaybreakError, SourceRefused, SourceUnavailable
from daybreak.sources.duckdb_files import DuckFiles
from daybreak.sources.file_store import FileStore
from daybreak.sources.iceberg_tables import IcebergCatalog
from unit.sources.feeds import BINDS, read, sql

COLUMNS = {"id": "bigint", "item": "text", "price": "double"}
DAILY = Files("{day}.csv", COLUMNS)
ALL = "SELECT id, item, price, day FROM sales ORDER BY day, id"
Feed = Callable[..., DuckFiles]


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    """Return a function that writes files into a folder and gives the source over them."""

    def make(files: Files = DAILY, options: str = "", **contents: str | bytes) -> DuckFiles:
        folder = tmp_path / "a feed"
        folder.mkdir(exist_ok=True)
        for name, content in contents.items():
            file = folder / f"2024-03-{name.removeprefix('d')}.csv"
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        store, chosen = FileStore.of("feed", f"//{folder}{options}")
        return DuckFiles("feed", store, {"sales": files}, chosen)

    return make


def rows(source: DuckFiles, tmp_path: Path, text: str = ALL) -> list[Any]:
    query = sql(tmp_path, text)
    source.check(query, BINDS)
    counted, found = read(source, query)
    assert sum(counted.values()) == len(found)
    return found


def test_all_rows_are_read_however_a_file_ends_its_lines_and_quotes_its_texts(feed: Feed, tmp_path: Path) -> None:
    source = feed(
        d01="id,item,price\n1,C1,1.5\n2,,\n",
        d02='id,item,price\r\n3,12,2\r\n4,"a, ""b""\nc",3\r\n',
        d03=b'\xef\xbb\xbfid,item,price\n5,"",4\n6,\xc2\xa3 ,5',  # a byte order mark, and no end of the last line
        d04="id,item,price\n",
    )
    assert rows(source, tmp_path) == [
        (1, "C1", 1.5, date(2024, 3, 1)),
        (2, None, None, date(2024, 3, 1)),
        (3, "12", 2.0, date(2024, 3, 2)),
        (4, 'a, "b"\nc', 3.0, date(2024, 3, 2)),
        (5, None, 4.0, date(2024, 3, 3)),
        (6, "£ ", 5.0, date(2024, 3, 3)),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("item,id,price\nx,1,2\n", "has its columns in another order"),
        ("id,price\n1,2\n", "lacks column item"),
        ("id,item,price,tax\n1,x,2,3\n", "has a column tax that is not declared"),
        ("Id,item,price\n1,x,2\n", "lacks column id and has a column Id"),
        ("", "is empty"),
        ("1,x,2\n", "lacks column id"),
        ("id;item;price\n1;x;2\n", "lacks column id"),
    ],
)
def test_a_file_with_another_header_is_refused_by_name(feed: Feed, tmp_path: Path, content: str, told: str) -> None:
    source = feed(d01="id,item,price\n1,x,2\n", d02=content)
    with pytest.raises(SourceRefused, match=f"File 2024-03-02.csv of source feed {told}"):
        source.check(sql(tmp_path, ALL), BINDS)
    feed(d02="id,item,price\n2,y,2\n")
    assert len(rows(source, tmp_path)) == 2


@pytest.mark.parametrize(
    "content",
    [
        "id,item,price\n1,secret\n",  # torn
        "id,item,price\n1,secret,2,3\n",
        "id,item,price\none,secret,2\n",
        b"id,item,price\n1,secret \xe9,2\n",
        'id,item,price\n1,"secret,2\n',
        "id,item,price\n1,secret,2\r\n3,x,4\n",  # by the laxer ways to read it some mixtures lose values
        "id,item,price\r\n1,secret,2\n3,x,4\r5,y,6\n",
    ],
)
def test_a_row_that_cannot_be_read_stops_the_run_and_is_not_shown(
    feed: Feed, tmp_path: Path, content: str | bytes
) -> None:
    source = feed(d01="id,item,price\n1,x,2\n", d02=content)
    with pytest.raises(SourceRefused, match=r"2024-03-02\.csv") as refused:
        read(source, sql(tmp_path, ALL))
    assert "secret" not in str(refused.value)


def test_texts_that_stand_for_nothing_delimiters_and_encodings_are_declared(feed: Feed, tmp_path: Path) -> None:
    files = Files("{day}.csv", COLUMNS, delimiter=";", encoding="latin-1", nulls=("NA", "-"))
    source = feed(files, d01=b"id;item;price\n1;caf\xe9;NA\n2;-;1.5\n")
    assert [row[:3] for row in rows(source, tmp_path)] == [(1, "café", None), (2, None, 1.5)]


def test_only_the_days_that_are_asked_for_are_parsed(feed: Feed, tmp_path: Path) -> None:
    source = feed(d08="id,item,price\nbroken,x,2\n", d09="id,item,price\n1,x,2\n")
    assert rows(source, tmp_path, "SELECT id FROM sales WHERE day = :last_day") == [(1,)]


def test_the_files_themselves_are_a_table(feed: Feed, tmp_path: Path) -> None:
    source = feed(d01="id,item,price\n", d02="not looked at")
    query = sql(
        tmp_path, "SELECT min(day) AS f, max(day) AS l, count(*) AS n, sum(bytes)::bigint AS b FROM sales_files"
    )
    assert source.rows(query, BINDS, 9)[1] == [(date(2024, 3, 1), date(2024, 3, 2), 2, 27)]
    assert feed(Files("none-{day}.csv", COLUMNS)).rows(query, BINDS, 9)[1] == [(None, None, 0, None)]


def test_no_file_is_no_row(feed: Feed, tmp_path: Path) -> None:
    assert rows(feed(), tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT content AS c FROM read_text('../other.csv')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM sales, read_csv('a feed/2024-03-01.txt')",
        "SELECT getenv('HOME') AS h",
    ],
)
def test_a_query_reaches_no_other_file(feed: Feed, tmp_path: Path, text: str) -> None:
    (tmp_path / "other.csv").write_text("a\n1\n")
    source = feed(d01="id,item,price\n1,x,2\n")
    with pytest.raises((SourceRefused, ConfigurationError)):
        rows(source, tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "COPY (SELECT 1) TO '{file}'",
        "SET threads = 2",
        "ATTACH '{file}' AS x",
        "INSTALL httpfs",
        "PRAGMA version",
        "CALL x()",
    ],
)
def test_only_a_query_is_run(feed: Feed, tmp_path: Path, text: str) -> None:
    source = feed(d01="id,item,price\n1,x,2\n")
    query = sql(tmp_path, text.format(file=tmp_path / "made"))
    with pytest.raises(ConfigurationError, match=r"extract.sql:1: not one SELECT"):
        source.check(query, BINDS)
    assert not (tmp_path / "made").exists()


def parquet(folder: Path, name: str, **columns: Any) -> None:
    (folder / "a feed").mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), folder / "a feed" / name)


@pytest.mark.parametrize(
    "other",
    [
        {"id": pa.array([2], pa.int32()), "item": ["x"]},
        {"id": ["2"], "item": ["x"]},
        {"id": [2]},
        {"id": [2], "item": ["x"], "more": [1]},
    ],
)
def test_a_parquet_file_of_other_columns_is_refused_by_name(feed: Feed, tmp_path: Path, other: dict[str, Any]) -> None:
    parquet(tmp_path, "a.parquet", id=[1], item=["x"])
    parquet(tmp_path, "b.parquet", **other)
    with pytest.raises(SourceRefused, match=r"File b.parquet of source feed has column"):
        rows(feed(Files("*.parquet")), tmp_path, "SELECT id FROM sales")


def test_a_torn_parquet_file_is_refused_by_name(feed: Feed, tmp_path: Path) -> None:
    parquet(tmp_path, "a.parquet", id=[1])
    file = tmp_path / "a feed" / "a.parquet"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(SourceRefused, match=r"File a.parquet of source feed is no whole Parquet file"):
        rows(feed(Files("*.parquet")), tmp_path, "SELECT id FROM sales")


def test_json_lines_are_read_with_the_declared_types(feed: Feed, tmp_path: Path) -> None:
    source = feed(Files("{shop}/{day}.jsonl", {"id": "bigint", "sold": "timestamptz"}))
    (tmp_path / "a feed" / "north").mkdir()
    lines = '{"id": 1, "sold": "2024-03-01T10:00:00+05:45"}\n{"id": "2"}\n'
    (tmp_path / "a feed" / "north" / "2024-03-01.jsonl").write_text(lines)
    found = rows(source, tmp_path, "SELECT id, shop, day, (sold AT TIME ZONE :timezone)::text AS t FROM sales")
    assert found == [(1, "north", date(2024, 3, 1), "2024-03-01 10:00:00"), (2, "north", date(2024, 3, 1), None)]


def touched(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"1", b"7"))
    os.utime(file, ns=(1, 1))


@pytest.mark.parametrize("happens", [Path.unlink, touched])
def test_a_file_that_changes_while_it_is_read_is_read_again_later(
    feed: Feed, tmp_path: Path, happens: Callable[[Path], None]
) -> None:
    source = feed(d01="id,item,price\n1,x,2\n", d02="id,item,price\n1,x,2\n")

    def ask(happens: Callable[[Path], None] = lambda file: None) -> None:
        with source.stream(sql(tmp_path, ALL), BINDS) as (_, reader):
            happens(tmp_path / "a feed" / "2024-03-02.csv")
            reader.read_all()

    with pytest.raises(SourceUnavailable, match=r"File 2024-03-02\.csv of source feed changed while it was read"):
        ask(happens)
    ask()


def test_a_new_file_does_not_disturb_who_reads_the_others(feed: Feed, tmp_path: Path) -> None:
    source = feed(d01="id,item,price\n1,x,2\n")
    with source.stream(sql(tmp_path, ALL), BINDS) as (counted, reader):
        feed(d02="id,item,price\n1,x,2\n")
        assert (counted, reader.read_all().num_rows) == ({None: 1}, 1)


def test_what_is_written_to_disk_is_gone_afterwards_and_memory_has_a_limit(
    feed: Feed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    source = feed(options="?memory_limit=50MB", d01="id,item,price\n1,x,2\n")
    text = "SELECT i, repeat('x', 100) || i AS t FROM sales, range(500000) AS r(i) ORDER BY t"
    assert len(rows(source, tmp_path, text)) == 500_000
    with pytest.raises(SourceRefused, match=r"more memory than it may use.*memory_limit=1GB"):
        rows(source, tmp_path, "SELECT list(repeat('x', 1000) || i)::text AS t FROM range(100000) AS r(i)")
    assert not list(tmp_path.glob("daybreak-source-*"))


@pytest.mark.parametrize("url", ["", "//relative", "file:///x", "http://host/x", "s3://", "s3:/bucket"])
def test_a_url_that_names_no_folder_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DAYBREAK_SOURCE_FEED names no folder"):
        FileStore.of("feed", url)


def test_a_folder_that_is_missing_is_refused_and_not_made(tmp_path: Path) -> None:
    store, options = FileStore.of("feed", f"//{tmp_path / 'missing'}")
    with pytest.raises(ConfigurationError, match=r"missing is not there.*DAYBREAK_SOURCE_FEED"):
        DuckFiles("feed", store, {"sales": DAILY}, options).check(sql(tmp_path, ALL), BINDS)
    assert not (tmp_path / "missing").exists()


def test_a_name_that_is_no_day_is_refused(feed: Feed, tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=r"File 2024-03-32\.csv of source feed is of no day there is"):
        rows(feed(d32="id,item,price\n"), tmp_path)


@pytest.mark.parametrize(
    ("declared", "package", "extra"),
    [(DeltaTable("sales"), "deltalake", "delta"), (IcebergTable("shop.sales"), "pyiceberg.catalog", "iceberg")],
)
def test_a_table_whose_library_is_not_installed_is_refused_with_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: FileTable, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    catalog, _ = IcebergCatalog.of("feed", "https://catalog")
    source = DuckFiles("feed", FileStore("feed", str(tmp_path)), {"sales": declared}, {}, catalog)
    with pytest.raises(ConfigurationError, match=f"of source feed needs the package.*with the extra {extra}"):
        source.check(sql(tmp_path, "SELECT id FROM sales"), BINDS)


def test_an_unknown_option_is_refused(feed: Feed) -> None:
    with pytest.raises(ConfigurationError, match="DAYBREAK_SOURCE_FEED has an option threads"):
        feed(options="?threads=8")


def test_the_same_rows_give_the_same_bits(feed: Feed, tmp_path: Path) -> None:
    lines = "".join(f"{i},g{i % 7},{i / 7}\n" for i in range(50_000))
    source = feed(d01="id,item,price\n" + lines, d02="id,item,price\n" + lines)
    text = "SELECT item, sum(price) AS s, avg(price) AS a, stddev(price) AS d, first(id) AS f FROM sales GROUP BY item"
    once = rows(source, tmp_path, text)
    assert all(rows(source, tmp_path, text) == once for _ in range(3))


def test_no_fault_leaves_as_anything_but_ours(feed: Feed, tmp_path: Path) -> None:
    source = feed(d01="id,item,price\n1,x,2\n")
    for text in ("SELECT 'infinity'::date AS d", "SELECT '294247-01-01'::timestamp AS d", "SELECT error('x') AS e"):
        with pytest.raises(DaybreakError):
            read(source, sql(tmp_path, text))
