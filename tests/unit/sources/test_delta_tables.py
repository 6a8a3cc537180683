"""A Delta table is read at one version, whole, and what cannot be read of it is said."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from daybreak.declaration.files import DeltaTable
from daybreak.errors import ConfigurationError, DaybreakError, SourceRefused, SourceUnavailable
from daybreak.sources.duckdb_files import DuckFiles
from daybreak.sources.file_store import FileStore
from unit.sources.feeds import BINDS, ROWS, InDelta, read, sql

deltalake = pytest.importorskip("deltalake", reason="needs requirements/delta.txt")
COUNT = "SELECT count(*) AS n FROM sales"
VERSION = "SELECT version, table_id FROM sales_version"
NEWEST = DeltaTable("sales")


def source(folder: Path, table: DeltaTable = NEWEST) -> DuckFiles:
    store, options = FileStore.of("feed", f"//{folder / 'feed'}")
    return DuckFiles("feed", store, {"sales": table}, options)


def count(asked: DuckFiles, folder: Path) -> Any:
    return read(asked, sql(folder, COUNT))[1][0][0]


def log(feed: InDelta, **action: Any) -> None:
    """Write a version into the table's log, as another writer does."""
    folder = Path(feed.path) / "_delta_log"
    (folder / f"{len(list(folder.glob('*.json'))):020}.json").write_text(json.dumps(action))


def test_a_version_is_read_as_it_was_and_told(tmp_path: Path) -> None:
    feed = InDelta("", tmp_path)
    feed.add(*ROWS[:10])
    deltalake.DeltaTable(feed.path).delete("id < 50")
    left = sum(row[0] >= 50 for row in ROWS)
    assert [count(source(tmp_path, DeltaTable("sales", n)), tmp_path) for n in (None, 0, 1)] == [left, 200, 210]
    told = {n: source(tmp_path, DeltaTable("sales", n)).rows(sql(tmp_path, VERSION), BINDS, 2)[1] for n in (None, 0)}
    assert [[row[0] for row in rows] for rows in told.values()] == [[2], [0]]
    # A table that is made anew under the name begins with version 0 again, and is another.
    shutil.rmtree(feed.path)
    feed.add(*ROWS)
    assert told[0] != feed.source.rows(sql(tmp_path, VERSION), BINDS, 2)[1]


def test_columns_that_folders_tell_are_columns(tmp_path: Path) -> None:
    rows = pa.table({"id": [1, 2, 3], "shop": ["a b", "c/d", None]})
    deltalake.write_deltalake(tmp_path / "feed" / "sales", rows, partition_by=["shop"])
    found = read(source(tmp_path), sql(tmp_path, "SELECT id, shop FROM sales ORDER BY id"))[1]
    assert found == [(1, "a b"), (2, "c/d"), (3, None)]


def test_the_same_version_gives_the_same_bits_however_its_log_is_written(tmp_path: Path) -> None:
    feed = InDelta("", tmp_path)
    for number in range(30):
        feed.add((number, "x", number / 7, ROWS[0][3]))
    query = sql(tmp_path, "SELECT sum(amount) AS s, string_agg(id, ',') AS ids FROM sales")
    once = read(source(tmp_path), query)
    deltalake.DeltaTable(feed.path).create_checkpoint()
    assert read(source(tmp_path), query) == once
    files = sorted(Path(deltalake.DeltaTable(feed.path).file_uris()[0]).parent.glob("*.parquet"))
    wanted = ",".join(str(i) for file in files for i in pq.read_table(file)["id"].to_pylist())
    assert once[1][0][1] == wanted


def test_who_reads_a_version_is_not_disturbed_by_one_that_replaces_all_rows(tmp_path: Path) -> None:
    feed = InDelta("", tmp_path)
    with feed.source.stream(sql(tmp_path, "SELECT id FROM sales"), BINDS) as (counted, reader):
        deltalake.DeltaTable(feed.path).delete()
        assert (counted, reader.read_all().num_rows) == ({None: 200}, 200)
    assert count(feed.source, tmp_path) == 0


@pytest.mark.parametrize(("path", "made"), [("sales", "feed"), ("sales", "feed/sales"), ("shop/sales", "feed")])
def test_a_table_that_is_missing_is_refused_and_not_made(tmp_path: Path, path: str, made: str) -> None:
    (tmp_path / made).mkdir(parents=True)
    with pytest.raises(SourceRefused, match=f"Source feed has no Delta table {path}.*DAYBREAK_SOURCE_FEED"):
        source(tmp_path, DeltaTable(path)).rows(sql(tmp_path, COUNT), BINDS, 1)
    assert sorted(one.name for one in (tmp_path / "feed").rglob("*")) == made.split("/")[1:]


def test_a_folder_that_is_missing_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"feed is not there.*DAYBREAK_SOURCE_FEED"):
        source(tmp_path).check(sql(tmp_path, COUNT), BINDS)
    assert not (tmp_path / "feed").exists()


def test_a_table_in_a_bucket_is_read(s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    store, options = FileStore.of("feed", "s3://shop/the feed")
    asked = DuckFiles("feed", store, {"sales": NEWEST}, options)
    with pytest.raises(ConfigurationError, match="s3://shop/the feed is not there"):
        count(asked, tmp_path)
    assert s3.ls("", refresh=True) == []
    s3.mkdir("shop")
    with pytest.raises(SourceRefused, match="Source feed has no Delta table sales"):
        count(asked, tmp_path)
    feed = InDelta("s3://shop/the feed", tmp_path)
    feed.add(*ROWS[:7])
    assert count(asked, tmp_path) == len(ROWS) + 7
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    with pytest.raises(SourceUnavailable, match="scheme is not allowed") as unavailable:
        count(asked, tmp_path)
    assert "\n" not in str(unavailable.value)


def test_a_version_that_is_missing_is_refused(tmp_path: Path) -> None:
    InDelta("", tmp_path)
    with pytest.raises(SourceRefused, match=r"Delta table sales of source feed has no version 7; its newest is 0"):
        count(source(tmp_path, DeltaTable("sales", 7)), tmp_path)


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ({"protocol": {"minReaderVersion": 9, "minWriterVersion": 9}}, "cannot be read"),
        (
            {
                "protocol": {
                    "minReaderVersion": 3,
                    "minWriterVersion": 7,
                    "readerFeatures": ["deletionVectors"],
                    "writerFeatures": ["deletionVectors"],
                }
            },
            "deletionVectors",
        ),
    ],
)
def test_what_the_library_does_not_read_is_refused(tmp_path: Path, action: dict[str, Any], told: str) -> None:
    feed = InDelta("", tmp_path)
    log(feed, **action)
    with pytest.raises(SourceRefused, match=f"Delta table sales of source feed .*{told}") as refused:
        feed.source.check(sql(tmp_path, COUNT), BINDS)
    assert "\n" not in str(refused.value)


def test_columns_that_files_call_otherwise_are_refused(tmp_path: Path) -> None:
    feed = InDelta("", tmp_path)
    [first] = (Path(feed.path) / "_delta_log").glob("*.json")
    lines = [json.loads(line) for line in first.read_text().splitlines()]
    [meta] = [line["metaData"] for line in lines if "metaData" in line]
    meta["configuration"]["delta.columnMapping.mode"] = "name"
    fields = json.loads(meta["schemaString"])
    for number, field in enumerate(fields["fields"], 1):
        field["metadata"] = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": f"col-{number}"}
    meta["schemaString"] = json.dumps(fields)
    for line in lines:
        if "protocol" in line:
            line["protocol"] = {"minReaderVersion": 2, "minWriterVersion": 5}
    first.write_text("\n".join(json.dumps(line) for line in lines))
    with pytest.raises(SourceRefused, match="maps its columns to other names"):
        read(feed.source, sql(tmp_path, "SELECT id FROM sales"))


def torn(feed: InDelta) -> None:
    log(feed)
    sorted((Path(feed.path) / "_delta_log").glob("*.json"))[-1].write_text("{")


def without_a_file(feed: InDelta) -> None:
    next(Path(feed.path).glob("*.parquet")).unlink()


@pytest.mark.parametrize(
    ("happens", "kind"),
    [(torn, SourceRefused), (without_a_file, SourceUnavailable)],
)
def test_a_table_that_is_not_whole_is_one_of_our_errors(
    tmp_path: Path, happens: Callable[[InDelta], None], kind: type[DaybreakError]
) -> None:
    feed = InDelta("", tmp_path)
    happens(feed)
    with pytest.raises(kind) as refused:
        read(feed.source, sql(tmp_path, "SELECT id, amount FROM sales"))
    assert "\n" not in str(refused.value)
    assert "sales" in str(refused.value)


def test_a_column_that_no_batch_can_hold_is_refused(tmp_path: Path) -> None:
    rows = pa.table({"id": [1], "tags": [["a"]], "price": pa.array([1], pa.decimal128(10, 2))})
    deltalake.write_deltalake(tmp_path / "feed" / "sales", rows)
    asked = source(tmp_path)
    asked.check(sql(tmp_path, "SELECT id, price FROM sales"), BINDS, ["id"])
    with pytest.raises(SourceRefused, match="Column tags is"):
        asked.check(sql(tmp_path, "SELECT * FROM sales"), BINDS)
    with pytest.raises(SourceRefused, match="Column price is numeric"):
        asked.check(sql(tmp_path, "SELECT price FROM sales"), BINDS, ["price"])


def test_a_query_reaches_no_other_table(tmp_path: Path) -> None:
    feed = InDelta("", tmp_path)
    for text in (f"SELECT * FROM delta_scan('{feed.path}')", f"SELECT id FROM '{feed.path}/*.parquet'"):
        with pytest.raises((SourceRefused, ConfigurationError)):
            read(feed.source, sql(tmp_path, text))


@pytest.mark.parametrize("path", ["", "/etc", "../x", "s3://bucket/x", "a/*", "{day}"])
def test_a_path_that_is_not_one_folder_below_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="not one folder below"):
        DeltaTable(path)


def test_a_version_below_nought_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="a version below nought"):
        DeltaTable("sales", -1)
