"""Files, Delta and Iceberg tables: what a query reads as one table of files, declared once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from daybreak.errors import ConfigurationError

DAY = "day"
_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)(?::([^{}]*))?\}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DIGITS = {"%Y": "[0-9]{4}", "%m": "[0-9]{2}", "%d": "[0-9]{2}"}
_FORMATS = {"csv": "csv", "tsv": "csv", "txt": "csv", "parquet": "parquet"} | dict.fromkeys(
    ("json", "jsonl", "ndjson"), "json"
)


@dataclass(frozen=True)
class Files:
    """The files of a source that make one table.

    ``path`` is the pattern of their names below the source's folder, such as ``sales/{day}.csv``: ``*`` stands for
    anything in one name, ``{day}`` for the day that a file is of and any other ``{name}`` for a text. Each of these is
    a column of the table besides those of the files. A day is written 2026-01-31; ``{day:%Y%m%d}`` says how else. The
    ending says what they are: csv, tsv and txt; json, jsonl and ndjson, of one object a line; parquet. All but the last
    may be .gz besides.

    ``columns`` are the names and types of all columns of CSV, in their order, and of those of JSON that are wanted:
    text, bigint, double, boolean, date, timestamp, timestamptz and what else DuckDB has. Each CSV file has to open with
    just these names; ``nulls`` are texts that stand for no value, besides an empty one.
    """

    path: str
    columns: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if problem := self._contradiction():
            raise ConfigurationError(
                f"Files '{self.path}' are declared with {problem}.", next_step="mend the pipeline's declaration."
            )

    @cached_property
    def format(self) -> str:
        """How the files are written: csv, json or parquet."""
        return _FORMATS[self.path.removesuffix(".gz").rpartition(".")[2].lower()]

    @cached_property
    def placeholders(self) -> tuple[str, ...]:
        """The columns that come from the files' names, in order."""
        return tuple(found[1] for found in _PLACEHOLDER.finditer(self.path))

    @property
    def dated(self) -> bool:
        """Whether each file is of one day."""
        return DAY in self.placeholders

    @cached_property
    def day_format(self) -> str:
        """How the day is written, as ``strptime`` takes it."""
        written = [found[2] for found in _PLACEHOLDER.finditer(self.path) if found[1] == DAY]
        return (written and written[0]) or "%Y-%m-%d"

    @cached_property
    def pattern(self) -> str:
        """A regular expression, for Python as for RE2, that the files' whole names match, one group a placeholder."""
        pieces, at = [], 0
        for found in _PLACEHOLDER.finditer(self.path):
            pieces += [_literally(self.path[at : found.start()]), self._group(found[1])]
            at = found.end()
        return "".join([*pieces, _literally(self.path[at:])])

    @property
    def folder(self) -> str:
        """The part of the path that all files share, up to its last slash."""
        return re.split(r"[*{]", self.path, maxsplit=1)[0].rpartition("/")[0]

    def _group(self, name: str) -> str:
        if name != DAY:
            return "([^/]+)"
        pieces = re.split(r"(%[Ymd])", self.day_format)
        return f"({''.join(_DIGITS.get(piece) or re.escape(piece) for piece in pieces)})"

    def _contradiction(self) -> str | None:
        path = self.path
        if not _is_below(path):
            return "a path that is not below the source's folder"
        if path.removesuffix(".gz").rpartition(".")[2].lower() not in _FORMATS:
            return "a path that ends with neither .csv, .tsv, .txt, .json, .jsonl, .ndjson nor .parquet"
        if "{" in _PLACEHOLDER.sub("", path) or "}" in _PLACEHOLDER.sub("", path) or "**" in path:
            return "a placeholder that is neither {day}, {day:%Y%m%d}, {name} nor *"
        names = [name.lower() for name in (*self.columns, *self.placeholders)]
        if len(set(names)) < len(names):
            return "two columns of one name"
        if sorted(re.findall("%.?", self.day_format)) != ["%Y", "%d", "%m"]:
            return "a {day} that is written other than with %Y, %m and %d"
        if self.format != "parquet" and not self.columns:
            return "no columns, which their files do not tell for sure"
        if self.format == "parquet" and self.columns:
            return "columns, which Parquet tells itself"
        if len(self.delimiter) != 1:
            return "a delimiter that is not one character"
        return None


@dataclass(frozen=True)
class DeltaTable:
    """A Delta table of a source: one folder, whose log says which files are in which version.

    ``path`` is that folder below the source's. Each query reads one version: the newest, or ``version`` where a
    pipeline is to stay with one. Besides its rows a query can read ``<name>_version``, of one row: ``version``, and the
    ``table_id`` that a table made anew has another of.
    """

    path: str
    version: int | None = None
    # Which days it holds is in its rows alone.
    dated: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not _is_below(self.path) or set("*{}") & set(self.path):
            problem = "a path that is not one folder below the source's"
        elif self.version is not None and self.version < 0:
            problem = "a version below nought"
        else:
            return
        raise ConfigurationError(
            f"Delta table '{self.path}' is declared with {problem}.", next_step="mend the pipeline's declaration."
        )


@dataclass(frozen=True)
class IcebergTable:
    """An Iceberg table of a source that is a catalog.

    ``name`` is what the catalog calls it, its namespace first: ``shop.sales``. Each query reads one snapshot: the
    newest, or ``snapshot`` where a pipeline is to stay with one. ``<name>_version`` is as of a Delta table.
    """

    name: str
    snapshot: int | None = None
    dated: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if len(parts := self.name.split(".")) < 2 or not all(parts):
            raise ConfigurationError(
                f"Iceberg table '{self.name}' is declared without its namespace.",
                next_step="write it as NAMESPACE.TABLE in the pipeline's declaration.",
            )


# What a query reads as one table of a source that holds files.
FileTable = Files | DeltaTable | IcebergTable


def source_problem(source: str | None, upstream: str | None, files: Mapping[str, object], reads: object) -> str | None:
    """Say what contradicts itself in where a pipeline reads from."""
    if source is not None and not _NAME.fullmatch(source):
        return f"a source '{source}', whose name is not small letters, digits and underscores"
    if source is not None and upstream:
        return "a source together with an upstream, whose predictions are in the warehouse"
    if files and source is None:
        return "files, and no source that holds them"
    if files and reads:
        return "files together with a table that it reads"
    if wrong := [name for name in files if not _NAME.fullmatch(name)]:
        return f"files '{wrong[0]}', whose name is not small letters, digits and underscores"
    return None


def _is_below(path: str) -> bool:
    return not (not path or path.startswith("/") or ".." in path.split("/") or "://" in path or "\\" in path)


def _literally(text: str) -> str:
    return "[^/]*".join(re.escape(piece) for piece in text.split("*"))
