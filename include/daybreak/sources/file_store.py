"""File store: the folder or bucket that a source's files are in, listed once, so that what is read is known."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from daybreak.batch.object_storage import storage_faults
from daybreak.declaration.files import DAY, Files
from daybreak.errors import ConfigurationError, SourceRefused, SourceUnavailable

_PROTOCOLS = ("s3", "gs", "gcs", "az", "abfs", "abfss", "memory")
# What S3, Google and Azure call an object's version, and when it got it.
_VERSIONS = ("ETag", "etag", "generation", "md5Hash")
_CHANGED = ("LastModified", "last_modified", "updated", "mtime", "created")


@dataclass(frozen=True)
class Found:
    """One file: its whole name, its place below the source's folder, and what changes when it does."""

    uri: str
    name: str
    bytes: int
    version: str
    changed_at: datetime
    values: tuple[str | date, ...] = ()


class FileStore:
    """List and open what is below one folder; ``name`` is the source's."""

    def __init__(self, name: str, root: str) -> None:
        self.name = name
        self.root = root
        self.setting = f"DAYBREAK_SOURCE_{name.upper()}"

    @staticmethod
    def of(name: str, url: str) -> "tuple[FileStore, dict[str, str]]":
        """Read a URL, ``///FOLDER`` or ``s3://BUCKET/PREFIX``, with options after a question mark."""
        address, _, query = url.partition("?")
        options = dict(parse_qsl(query))
        if address.startswith("///"):
            # The engine shows files by their real names.
            return FileStore(name, str(Path(unquote(address[2:])).resolve())), options
        protocol, _, rest = address.partition("://")
        if protocol not in _PROTOCOLS or not rest.strip("/"):
            raise _unreadable(name)
        return FileStore(name, address.rstrip("/")), options

    @cached_property
    def filesystem(self) -> Any:
        """The fsspec file system of an object store; None where the files are in a local folder."""
        if self.root.startswith("/"):
            return None
        import fsspec

        with storage_faults(self.root, self.setting):
            return fsspec.filesystem(self.root.partition("://")[0], skip_instance_cache=True)

    def refuse_missing(self) -> None:
        """Raise ConfigurationError where the folder or the bucket is missing; neither is made."""
        with storage_faults(self.root, self.setting):
            self._see_root()

    def find(self, files: Files) -> list[Found]:
        """Return the files of a table as they are now, by name.

        Raises ConfigurationError where the folder or the bucket is missing, SourceRefused where a name has no day.
        """
        with storage_faults(self.root, self.setting):
            self._see_root()
            listed = self._local(files) if self.filesystem is None else self._remote(files)
        found = []
        for file in sorted(listed, key=lambda file: file.name):
            if matched := re.fullmatch(files.pattern, file.name):
                values = tuple(
                    self._day(files, file, text) if name == DAY else text
                    for name, text in zip(files.placeholders, matched.groups(), strict=True)
                )
                found.append(Found(file.uri, file.name, file.bytes, file.version, file.changed_at, values))
        return found

    def open(self, uri: str) -> Any:
        """Open a file to read bytes."""
        return Path(uri).open("rb") if self.filesystem is None else self.filesystem.open(uri, "rb")

    def refuse_changed(self, files: Files, before: Iterable[Found]) -> None:
        """Refuse what was read where one of its files is another by now, or gone; further ones do not matter."""
        now = {file.uri: (file.bytes, file.version) for file in self.find(files)}
        for file in before:
            if now.get(file.uri) != (file.bytes, file.version):
                raise SourceUnavailable(
                    f"File {file.name} of source {self.name} changed while it was read.",
                    next_step="it is tried again; write files under another name and rename them when they are whole.",
                )

    @contextmanager
    def faults(self, refuse_changed: Callable[[], None]) -> Iterator[None]:
        """Let faults of the storage out as ours; a file that went away meanwhile is one that changed."""
        with storage_faults(self.root, self.setting):
            try:
                yield
            except FileNotFoundError:
                refuse_changed()
                raise

    def _day(self, files: Files, file: Found, text: str) -> date:
        try:
            return datetime.strptime(text, files.day_format).replace(tzinfo=UTC).date()
        except ValueError:
            raise SourceRefused(
                f"File {file.name} of source {self.name} is of no day there is ({text}).",
                next_step="give it another name, or declare another path.",
            ) from None

    def _see_root(self) -> None:
        if self.filesystem is None:
            if not Path(self.root).is_dir():
                raise FileNotFoundError(self.root)
            return
        # What was listed before is remembered otherwise, and neither new nor replaced files are seen.
        self.filesystem.invalidate_cache()
        # A missing bucket is told of a bucket only, not of a folder in it.
        self.filesystem.ls(self.root.partition("://")[2].partition("/")[0], refresh=True)

    def _local(self, files: Files) -> list[Found]:
        found = []
        for folder, _, names in os.walk(Path(self.root) / files.folder):
            for name in names:
                path = Path(folder) / name
                # What goes away while it is listed is as good as gone before.
                with suppress(FileNotFoundError):
                    told = path.stat()
                    changed = datetime.fromtimestamp(told.st_mtime, UTC)
                    place = path.relative_to(self.root).as_posix()
                    found.append(Found(str(path), place, told.st_size, str(told.st_mtime_ns), changed))
        return found

    def _remote(self, files: Files) -> list[Found]:
        protocol, _, root = self.root.partition("://")
        found = []
        for path, told in self.filesystem.find(f"{root}/{files.folder}".rstrip("/"), detail=True).items():
            place = path.lstrip("/").removeprefix(f"{root}/")
            version = next((str(told[key]) for key in _VERSIONS if told.get(key)), "")
            changed = next(
                (told[k] for k in ("LastModified", "last_modified", "mtime", "created") if told.get(k)), None
            )
            when = (
                changed
                if isinstance(changed, datetime)
                else datetime.fromisoformat(str(changed or "1970-01-01T00:00Z"))
            )
            found.append(Found(f"{protocol}://{root}/{place}", place, told["size"], version or str(changed), when))
        return found


def _unreadable(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"DAYBREAK_SOURCE_{name.upper()} names no folder.",
        next_step="write it as duckdb:///FOLDER, duckdb:s3://BUCKET/PREFIX, duckdb:gs://… or duckdb:az://….",
    )
