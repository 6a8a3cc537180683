"""Object storage: a bucket that is missing is never made, and what fails is one of our errors."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from daybreak.batch.snapshot import Snapshot, SnapshotWriter, remove_snapshots
from daybreak.declaration.files import Files
from daybreak.errors import ConfigurationError, SourceRefused, SourceUnavailable, StorageUnavailable
from daybreak.sources.duckdb_files import DuckFiles
from daybreak.sources.file_store import FileStore
from ports import free_port
from unit.sources.feeds import BINDS, read, sql

DAILY = Files("sales/{day}.csv", {"id": "bigint", "item": "text"})
ROWS = pa.record_batch({"id": [1, 2, 3], "item": ["a", None, "c"]})


def feed(root: str = "s3://shop/feed") -> DuckFiles:
    store, options = FileStore.of("feed", root)
    return DuckFiles("feed", store, {"sales": DAILY}, options)


def test_a_daily_feed_in_a_bucket_is_read_as_one_in_a_folder(s3: Any, tmp_path: Path) -> None:
    s3.mkdir("shop")
    s3.pipe("shop/feed/sales/2024-03-01.csv", b"id,item\n1,a\n")
    s3.pipe("shop/feed/sales/2024-03-09.csv", b"id,item\r\n2,b\r\n")
    source, query = feed(), sql(tmp_path, "SELECT id, item, day::text AS d FROM sales ORDER BY id")
    assert read(source, query) == ({None: 2}, [(1, "a", "2024-03-01"), (2, "b", "2024-03-09")])
    # What another client puts there is seen at once.
    s3.pipe("shop/feed/sales/2024-03-01.csv", b"id,item\n7,z\n")
    assert read(source, query)[1] == [(2, "b", "2024-03-09"), (7, "z", "2024-03-01")]

    def disturbed() -> None:
        with source.stream(query, BINDS) as (_, reader):
            s3.pipe("shop/feed/sales/2024-03-01.csv", b"id,item\n8,z\n")
            reader.read_all()

    with pytest.raises(SourceUnavailable, match=r"File sales/2024-03-01\.csv of source feed changed"):
        disturbed()
    s3.pipe("shop/feed/sales/2024-03-02.csv", b"item,id\nz,8\n")
    with pytest.raises(SourceRefused, match="has its columns in another order"):
        source.check(query, BINDS)


def test_a_missing_bucket_is_refused_and_not_made(s3: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"s3://shop/feed is not there.*DAYBREAK_SOURCE_FEED"):
        feed().check(sql(tmp_path, "SELECT id FROM sales"), BINDS)
    with pytest.raises(ConfigurationError, match=r"s3://batches is not there.*DAYBREAK_BATCHES_URI"):
        written("s3://batches/run")
    assert s3.ls("", refresh=True) == []


def written(folder: str) -> Snapshot:
    writer = SnapshotWriter(folder, ROWS.schema)
    try:
        writer.write(ROWS)
        return writer.close()
    except BaseException:
        writer.abandon()
        raise


def test_a_snapshot_in_a_bucket_is_known_by_its_digest(s3: Any) -> None:
    s3.mkdir("batches")
    folder = "batches/demand/2024-03-09/1"
    snapshot = written(f"s3://{folder}")
    assert s3.ls("batches/demand/2024-03-09/1", refresh=True) == [
        f"batches/demand/2024-03-09/1/{snapshot.digest}.parquet"
    ]
    snapshot.verify()
    assert pa.Table.from_batches(snapshot.batches(2)).to_pydict() == ROWS.to_pydict()
    s3.pipe(snapshot.uri, b"something else")
    with pytest.raises(SourceRefused, match="not the one that was written"):
        snapshot.verify()
    s3.rm(snapshot.uri)
    with pytest.raises(SourceRefused, match="is missing"):
        snapshot.verify()
    remove_snapshots(f"s3://{folder}")


def test_a_storage_that_does_not_answer_is_tried_again(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    type(s3).clear_instance_cache()
    with pytest.raises(StorageUnavailable, match="s3://shop/feed did not answer") as unavailable:
        feed().check(sql(tmp_path, "SELECT id FROM sales"), BINDS)
    assert "\n" not in str(unavailable.value)
    with pytest.raises(StorageUnavailable, match="s3://batches did not answer"):
        written("s3://batches/run")


def test_who_may_not_read_is_told_so(s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    with pytest.raises(ConfigurationError, match="s3://shop/feed may not be read"):
        feed().check(sql(tmp_path, "SELECT id FROM sales"), BINDS)
