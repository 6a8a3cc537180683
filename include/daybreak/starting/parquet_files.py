"""Parquet files as a dated table: read where they are, by the source that the pipeline will read them by."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daybreak.declaration.files import Files
from daybreak.errors import ConfigurationError
from daybreak.settings import Settings
from daybreak.starting.dated_table import Column, FilesOf, Readable
from daybreak.warehouse.described import without_length
from daybreak.warehouse.sql_file import SqlFile

if TYPE_CHECKING:
    from daybreak.sources.source import Source

_MOST = 10_000


@contextmanager
def in_files(settings: Settings, name: str, uri: str, source: str | None) -> Iterator[Readable]:
    """Open Parquet files: a file, a folder of them, or a pattern with * and {day} in it.

    With ``source`` the pattern is below the folder that DAYBREAK_SOURCE_<SOURCE> names; else it is a local path or the
    URI of an object store, whose folder becomes the source of the pipeline's own name. Raises ConfigurationError and
    SourceRefused.
    """
    from daybreak.sources.duckdb_files import DuckFiles
    from daybreak.sources.file_store import FileStore

    own = source is None
    source = source or name
    url, pattern = _parted(uri) if own else (_url(settings, source), _with_ending(uri))
    if not pattern.lower().endswith(".parquet"):
        raise ConfigurationError(
            f"{uri} is no Parquet.", next_step="name files that end in .parquet; a CSV file is `--from-csv`."
        )
    store, options = FileStore.of(source, url.removeprefix("duckdb:"))
    files = Files(pattern)
    if not store.find(files):
        raise ConfigurationError(
            f"There is no file {pattern} in {store.root}.", next_step="name a file, a folder, or a pattern of names."
        )
    opened: Source = DuckFiles(source, store, {name: files}, options)
    missing = own and settings.source.get(source) is None
    setting = f"export DAYBREAK_SOURCE_{source.upper()}='{url}'" if missing else None
    told = FilesOf(source, pattern, uri, setting)

    def read(query: str, timezone: str) -> Sequence[Mapping[str, Any]]:
        columns, rows = opened.rows(_query(query), {"timezone": timezone}, _MOST)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    try:
        columns = [
            Column(each.name, without_length(each.type), None)
            for each in opened.describe(_query(f"SELECT * FROM {name}"), {})
        ]
        yield Readable("", name, None, columns, read, (), told)
    finally:
        opened.close()


def _query(text: str) -> SqlFile:
    # A fault is told by file and line.
    return SqlFile(Path("rows.sql"), text, tuple((Path("rows.sql"), n) for n in range(1, text.count("\n") + 2)))


def _url(settings: Settings, source: str) -> str:
    if source not in settings.source:
        raise ConfigurationError(
            f"Source {source} is not known.",
            next_step=f"set DAYBREAK_SOURCE_{source.upper()} to its folder, duckdb:///FOLDER or duckdb:s3://BUCKET/PREFIX.",
        )
    url = settings.source[source].get_secret_value()
    if not url.startswith("duckdb:") or url.startswith("duckdb:iceberg"):
        raise ConfigurationError(
            f"Source {source} is no folder of files.",
            next_step="name one whose URL begins with duckdb:, or leave `--source` out and name the files whole.",
        )
    return url


def _parted(uri: str) -> tuple[str, str]:
    """Part a path or URI into the URL of a folder and the pattern of names below it."""
    whole = uri if "://" in uri else str(Path(uri).expanduser().absolute())
    if "://" not in whole and Path(whole).is_dir():
        whole = f"{whole}/*.parquet"
    whole = _with_ending(whole)
    fixed = whole[: min([position for position in map(whole.find, "*{") if position >= 0], default=len(whole))]
    folder, _, _ = fixed.rpartition("/")
    pattern = whole[len(folder) + 1 :]
    return f"duckdb:{folder if '://' in folder else f'//{folder}'}", pattern


def _with_ending(uri: str) -> str:
    """Take what has no ending for a folder of files."""
    last = uri.rpartition("/")[2]
    return uri if "." in last or "*" in last else f"{uri.rstrip('/')}/*.parquet"
