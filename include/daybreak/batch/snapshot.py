"""Snapshot: an immutable batch of rows in one Parquet file, known by its digest."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from daybreak.batch.object_storage import is_local, storage_faults
from daybreak.errors import ConfigurationError, SourceRefused

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP_ROWS = 65_536


@dataclass(frozen=True)
class Snapshot:
    """Where the rows are, how many, and the SHA-256 of the file."""

    uri: str
    rows: int
    digest: str

    def verify(self) -> None:
        """Refuse a file that is gone or is not the one that was written."""
        from upath import UPath

        try:
            with _bucket(self.uri), UPath(self.uri).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        except (FileNotFoundError, ConfigurationError) as error:
            if not isinstance(error.__cause__ or error, FileNotFoundError):
                raise
            found = "missing"
        if found != self.digest:
            raise SourceRefused(
                f"Snapshot {self.uri} is {'missing' if found == 'missing' else 'not the one that was written'}.",
                next_step="run the partition again from extract.",
            )

    def batches(self, chunk_rows: int, columns: list[str] | None = None) -> "Iterator[pa.RecordBatch]":
        """Read the rows in their order, at most chunk_rows at a time."""
        import pyarrow.parquet as pq
        from upath import UPath

        with (
            _bucket(self.uri),
            UPath(self.uri).open("rb") as file,
            pq.ParquetFile(file, pre_buffer=False) as parquet,
        ):
            yield from parquet.iter_batches(chunk_rows, columns=columns)

    @property
    def schema(self) -> "pa.Schema":
        """The rows' columns and types."""
        import pyarrow.parquet as pq
        from upath import UPath

        with UPath(self.uri).open("rb") as file:
            return pq.read_schema(file)

    @property
    def rows_there(self) -> int:
        """How many rows the file itself says it has."""
        import pyarrow.parquet as pq
        from upath import UPath

        with UPath(self.uri).open("rb") as file:
            return int(pq.read_metadata(file).num_rows)

    def columns(self, columns: list[str]) -> "pa.Table":
        """Read a few columns whole."""
        import pyarrow.parquet as pq
        from upath import UPath

        with UPath(self.uri).open("rb") as file, pq.ParquetFile(file, pre_buffer=False) as parquet:
            return parquet.read(columns=columns)


@contextmanager
def _bucket(uri: str) -> Iterator[None]:
    """Let faults of an object store out as ours; those of a local folder are known as such already."""
    from upath import UPath

    if is_local(UPath(uri).protocol):
        yield
        return
    with storage_faults("/".join(uri.split("/")[:3]), "DAYBREAK_BATCHES_URI"):
        yield


def remove_snapshots(folder: str) -> None:
    """Remove everything below a run's folder; what is not there is no error."""
    from upath import UPath

    path = UPath(folder)
    if path.exists():
        path.fs.rm(path.path, recursive=True)


class SnapshotWriter:
    """Write record batches into a new snapshot.

    The file gets its name, which is its digest, when it is complete; a writer that dies leaves a ``.part`` that
    nothing refers to, and two writers cannot hit the same file with different rows.
    """

    def __init__(self, folder: str, schema: "pa.Schema") -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq
        from upath import UPath

        self._folder = UPath(folder)
        # In a bucket there are no folders to make; the bucket itself would be made, wherever and whosever it is.
        if is_local(self._folder.protocol):
            self._folder.mkdir(parents=True, exist_ok=True)
        self._part = self._folder / f"{uuid4().hex}.part"
        with _bucket(folder):
            self._sink = _Hashing(self._part.open("wb"))
        texts = [f.name for f in schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
        self._writer = pq.ParquetWriter(
            pa.PythonFile(self._sink, mode="w"), schema, compression="lz4", use_dictionary=texts or False
        )
        self._rows = 0

    def write(self, batch: "pa.RecordBatch") -> None:
        """Append rows."""
        with _bucket(str(self._folder)):
            self._writer.write_batch(batch, row_group_size=ROW_GROUP_ROWS)
        self._rows += batch.num_rows

    def close(self) -> Snapshot:
        """Complete the file and return what identifies it."""
        try:
            with _bucket(str(self._folder)):
                self._writer.close()
                self._sink.close()
        except BaseException:
            self.abandon()
            raise
        digest = self._sink.digest.hexdigest()
        with _bucket(str(self._folder)):
            path = self._part.rename(self._folder / f"{digest}.parquet")
        return Snapshot(path.as_uri(), self._rows, digest)

    def abandon(self) -> None:
        """Remove the incomplete file."""
        for file in (self._writer, self._sink):
            # What is to be thrown away need not have been written; object stores have errors of their own.
            with suppress(Exception):
                file.close()
        with suppress(Exception):
            self._part.unlink(missing_ok=True)


class _Hashing:
    """A binary file that digests what passes through it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return int(self._file.write(data))

    def tell(self) -> int:
        return int(self._file.tell())

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    @property
    def closed(self) -> bool:
        return bool(self._file.closed)
