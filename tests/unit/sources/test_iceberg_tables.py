"""An Iceberg table is read at one snapshot, whole, and neither a table nor a catalog is ever made."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from daybreak.declaration.files import Files, IcebergTable
from daybreak.errors import ConfigurationError, DaybreakError, SourceRefused, SourceUnavailable
from daybreak.sources.duckdb_files import DuckFiles
from daybreak.sources.file_store import FileStore
from ports import free_port
from unit.sources.feeds import BINDS, ROWS, InIceberg, in_catalog, read, sql

pytest.importorskip("pyiceberg", reason="needs requirements/iceberg.txt")
COUNT = "SELECT count(*) AS n FROM sales"
VERSION = "SELECT version, table_id FROM sales_version"


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/catalog.db"


def count(asked: DuckFiles, folder: Path) -> Any:
    return read(asked, sql(folder, COUNT))[1][0][0]


def test_a_snapshot_is_read_as_it_was_and_told(tmp_path: Path) -> None:
    feed = InIceberg("", tmp_path)
    first = feed.table.refresh().current_snapshot().snapshot_id
    feed.add(*ROWS[:10])
    feed.table.refresh().delete("id < 50")
    newest = feed.table.refresh().current_snapshot().snapshot_id
    before = in_catalog(url(tmp_path), IcebergTable("shop.sales", first))
    assert (count(feed.source, tmp_path), count(before, tmp_path)) == (sum(row[0] >= 50 for row in ROWS), 200)
    told = [asked.rows(sql(tmp_path, VERSION), BINDS, 2)[1] for asked in (feed.source, before)]
    assert told == [[(snapshot, str(feed.table.metadata.table_uuid))] for snapshot in (newest, first)]


def test_who_reads_a_snapshot_is_not_disturbed_by_one_that_replaces_all_rows(tmp_path: Path) -> None:
    feed = InIceberg("", tmp_path)
    with feed.source.stream(sql(tmp_path, "SELECT id FROM sales"), BINDS) as (counted, reader):
        feed.table.refresh().delete("id > 0")
        assert (counted, reader.read_all().num_rows) == ({None: 200}, 200)
    assert count(feed.source, tmp_path) == 0


def test_a_table_is_read_as_often_as_a_query_says(tmp_path: Path) -> None:
    feed = InIceberg("", tmp_path)
    text = "SELECT a.id FROM sales AS a INNER JOIN sales AS b USING (id) WHERE a.id IN (SELECT id FROM sales)"
    assert read(feed.source, sql(tmp_path, text))[0] == {None: len(ROWS)}


def test_a_column_that_was_renamed_and_one_that_came_later_are_read(tmp_path: Path) -> None:
    from pyiceberg.types import LongType

    feed = InIceberg("", tmp_path)
    with feed.table.refresh().update_schema() as change:
        change.rename_column("amount", "price")
        change.add_column("pieces", LongType())
    found = read(feed.source, sql(tmp_path, "SELECT id, price, pieces FROM sales ORDER BY id"))[1]
    assert found == [(row[0], row[2], None) for row in ROWS]


def test_the_same_snapshot_gives_the_same_bits(tmp_path: Path) -> None:
    feed = InIceberg("", tmp_path)
    for number in range(8):
        feed.add((number, "x", number / 7, ROWS[0][3]))
    query = sql(tmp_path, "SELECT sum(amount) AS s, string_agg(id, ',') AS ids FROM sales")
    once = read(feed.source, query)
    assert [read(feed.source, query) for _ in range(5)] == [once] * 5


def test_an_empty_table_has_no_rows_and_no_version(tmp_path: Path) -> None:
    feed = InIceberg("", tmp_path)
    feed.catalog.create_table("shop.empty", schema=feed.table.schema())
    asked = in_catalog(url(tmp_path), IcebergTable("shop.empty"))
    assert count(asked, tmp_path) == 0
    assert asked.rows(sql(tmp_path, VERSION), BINDS, 2)[1][0][0] is None


@pytest.mark.parametrize("name", ["shop.none", "none.sales"])
def test_a_table_that_is_missing_is_refused_and_not_made(tmp_path: Path, name: str) -> None:
    feed = InIceberg("", tmp_path)
    with pytest.raises(SourceRefused, match=f"Source made has no Iceberg table {name}.*DAYBREAK_SOURCE_MADE"):
        in_catalog(url(tmp_path), IcebergTable(name)).check(sql(tmp_path, COUNT), BINDS)
    assert feed.catalog.list_namespaces() == [("shop",)]


def test_a_snapshot_that_is_missing_is_refused(tmp_path: Path) -> None:
    InIceberg("", tmp_path)
    with pytest.raises(SourceRefused, match=r"Iceberg table shop\.sales of source made has no snapshot 7"):
        count(in_catalog(url(tmp_path), IcebergTable("shop.sales", 7)), tmp_path)


@pytest.mark.parametrize("catalog", ["sqlite:///{folder}/none.db", "http://127.0.0.1:{port}?warehouse=x"])
def test_a_catalog_that_does_not_answer_is_tried_again_and_not_made(tmp_path: Path, catalog: str) -> None:
    asked = in_catalog(catalog.format(folder=tmp_path, port=free_port()), IcebergTable("shop.sales"))
    with pytest.raises(SourceUnavailable, match="did not answer") as unavailable:
        asked.check(sql(tmp_path, COUNT), BINDS)
    assert "\n" not in str(unavailable.value)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    "catalog", ["oracle9://me:secret@host/x", "me:secret@host", "http://127.0.0.1:{port}?token=secret", "sqlite:secret"]
)
def test_what_a_catalogs_url_holds_is_not_shown(tmp_path: Path, catalog: str) -> None:
    asked = in_catalog(catalog.format(port=free_port()), IcebergTable("shop.sales"))
    with pytest.raises(DaybreakError, match=r"shop\.sales of source made") as refused:
        asked.check(sql(tmp_path, COUNT), BINDS)
    assert "secret" not in str(refused.value)
    assert "secret" not in repr(asked._catalog)


def test_a_file_that_went_away_is_one_of_our_errors(tmp_path: Path) -> None:
    feed = InIceberg("", tmp_path)
    for file in (tmp_path / "warehouse").rglob("*.parquet"):
        file.unlink()
    with pytest.raises(SourceUnavailable) as unavailable:
        read(feed.source, sql(tmp_path, "SELECT id FROM sales"))
    assert "\n" not in str(unavailable.value)


def test_a_column_that_no_batch_can_hold_is_refused(tmp_path: Path) -> None:
    feed = InIceberg("", tmp_path)
    feed.catalog.create_table("shop.tags", schema=pa.schema([("id", pa.int64()), ("tags", pa.list_(pa.string()))]))
    asked = in_catalog(url(tmp_path), IcebergTable("shop.tags"))
    with pytest.raises(SourceRefused, match="Column tags is"):
        asked.check(sql(tmp_path, "SELECT * FROM sales"), BINDS)


def test_a_table_without_its_namespace_is_refused() -> None:
    for name in ("", "sales", "shop.", ".sales"):
        with pytest.raises(ConfigurationError, match="without its namespace"):
            IcebergTable(name)


def test_a_folder_is_no_catalog(tmp_path: Path) -> None:
    files = {"sales": IcebergTable("shop.sales"), "other": Files("*.parquet")}
    asked = DuckFiles("feed", FileStore("feed", str(tmp_path)), files, {})
    with pytest.raises(ConfigurationError, match=r"source feed is no catalog.*duckdb:iceberg\+URL"):
        asked.check(sql(tmp_path, COUNT), BINDS)
