"""A snapshot is known by its digest: it is the file that was written, or it is refused."""

import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from upath import UPath

from daybreak.batch.snapshot import ROW_GROUP_ROWS, Snapshot, SnapshotWriter
from daybreak.errors import SourceRefused

ROWS = pa.RecordBatch.from_pydict({"id": pa.array(range(10)), "name": [f"n{i}" for i in range(10)]})

WRITER = """
import sys, time
import pyarrow as pa
from daybreak.batch.snapshot import SnapshotWriter

batch = pa.RecordBatch.from_pydict({"id": pa.array(range(100_000))})
writer = SnapshotWriter(sys.argv[1], batch.schema)
writer.write(batch)
print("written", flush=True)
time.sleep(60)
"""


def written(folder: Path, *batches: pa.RecordBatch) -> Snapshot:
    writer = SnapshotWriter(folder.as_uri(), batches[0].schema)
    for batch in batches:
        writer.write(batch)
    return writer.close()


def path_of(snapshot: Snapshot) -> Path:
    return Path(UPath(snapshot.uri).path)


def test_a_snapshot_is_named_by_the_digest_of_its_bytes(tmp_path: Path) -> None:
    snapshot = written(tmp_path, ROWS)
    assert snapshot.digest == hashlib.sha256(path_of(snapshot).read_bytes()).hexdigest()
    assert [path.name for path in tmp_path.iterdir()] == [f"{snapshot.digest}.parquet"]
    assert snapshot.rows == 10
    snapshot.verify()


def test_the_same_rows_give_the_same_digest_and_other_rows_another(tmp_path: Path) -> None:
    first, again = written(tmp_path / "a", ROWS), written(tmp_path / "b", ROWS)
    other = written(tmp_path / "c", ROWS.slice(0, 9))
    assert first.digest == again.digest != other.digest


@pytest.mark.parametrize("chunk_rows", [1, 7, 1_000_000])
def test_rows_come_back_in_their_order_in_chunks_of_any_size(tmp_path: Path, chunk_rows: int) -> None:
    rows = ROW_GROUP_ROWS + 10 if chunk_rows > 7 else 20
    batch = pa.RecordBatch.from_pydict({"id": pa.array(range(rows)), "text": pa.array(["x"] * rows)})
    snapshot = written(tmp_path, batch.slice(0, 8), batch.slice(8))
    chunks = list(snapshot.batches(chunk_rows, ["id"]))
    assert max(chunk.num_rows for chunk in chunks) <= chunk_rows
    assert [value for chunk in chunks for value in chunk.column("id").to_pylist()] == list(range(rows))
    assert snapshot.columns(["text"]).num_rows == rows
    assert snapshot.schema.names == ["id", "text"]


@pytest.mark.parametrize("place", [0, 40, -1], ids=["head", "rows", "tail"])
def test_one_changed_byte_is_refused(tmp_path: Path, place: int) -> None:
    snapshot = written(tmp_path, ROWS)
    content = bytearray(path_of(snapshot).read_bytes())
    content[place] ^= 1
    path_of(snapshot).write_bytes(content)
    with pytest.raises(SourceRefused, match=r"not the one that was written.*run the partition again from extract"):
        snapshot.verify()


def test_a_file_that_is_gone_is_refused_as_missing(tmp_path: Path) -> None:
    snapshot = written(tmp_path, ROWS)
    path_of(snapshot).unlink()
    with pytest.raises(SourceRefused, match="is missing"):
        snapshot.verify()


def test_a_shortened_file_is_refused(tmp_path: Path) -> None:
    snapshot = written(tmp_path, ROWS)
    path_of(snapshot).write_bytes(path_of(snapshot).read_bytes()[:-1])
    with pytest.raises(SourceRefused, match="not the one"):
        snapshot.verify()


def test_a_killed_writer_leaves_a_part_and_no_snapshot(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path.as_uri()], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        writer.send_signal(signal.SIGKILL)
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]


def test_an_abandoned_writer_leaves_nothing(tmp_path: Path) -> None:
    writer = SnapshotWriter(tmp_path.as_uri(), ROWS.schema)
    writer.write(ROWS)
    writer.abandon()
    assert list(tmp_path.iterdir()) == []


def test_two_writers_of_one_folder_do_not_meet(tmp_path: Path) -> None:
    one, two = (SnapshotWriter(tmp_path.as_uri(), ROWS.schema) for _ in range(2))
    one.write(ROWS.slice(0, 4))
    two.write(ROWS.slice(4))
    first, second = one.close(), two.close()
    first.verify()
    second.verify()
    assert (first.rows, second.rows) == (4, 6)


def test_two_writers_of_the_same_rows_leave_one_snapshot(tmp_path: Path) -> None:
    assert written(tmp_path, ROWS) == written(tmp_path, ROWS)
    assert len(list(tmp_path.iterdir())) == 1


FULL = """
import os, resource, sys
import pyarrow as pa
from daybreak.batch.snapshot import SnapshotWriter
from daybreak.unforeseen import as_ours

if sys.argv[2] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
batch = pa.RecordBatch.from_pydict({"id": pa.array([n * n for n in range(100_000)])})
# What is loaded on first use lies where another account may not look.
SnapshotWriter("memory://loaded", batch.schema).close()
if sys.argv[2] == "read-only" and os.getuid() == 0:
    os.setuid(65534)
try:
    writer = SnapshotWriter(sys.argv[1], batch.schema)
    try:
        writer.write(batch)
        writer.close()
    finally:
        writer.abandon()
except OSError as error:
    print(as_ours(error, None))
"""


@pytest.mark.parametrize(
    ("lacks", "told"),
    [
        ("full", "A file could not be written: File too large. Next: free some space, or move DAYBREAK_HOME"),
        ("read-only", "cannot be used: Permission denied. Next: make it a folder that this account may write to"),
    ],
)
def test_a_snapshot_that_cannot_be_written_says_so_and_leaves_nothing(lacks: str, told: str, tmp_path: Path) -> None:
    folder = tmp_path / "batches"
    folder.mkdir(mode=0o555)
    for above in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        above.chmod(0o755)
    target = tmp_path / "other" if lacks == "full" else folder / "run"
    done = subprocess.run(
        [sys.executable, "-c", FULL, target.as_uri(), lacks], capture_output=True, text=True, check=False
    )
    assert told in done.stdout, done.stderr
    assert not list(target.glob("*"))
