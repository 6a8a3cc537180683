"""Queries: a pipeline's SQL files, or what follows from its declaration, and the database that they read."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.derived_queries import COVERAGE, TRAINING, can_be_derived, derived, refuse_other_type
from daybreak.warehouse.sql_file import SqlFile, load_sql

if TYPE_CHECKING:
    import pyarrow as pa

EXTRACT = "extract"
_DERIVED = {COVERAGE, TRAINING}


class Queries:
    """Find, check and run the queries of one pipeline; ``folder`` holds its files."""

    def __init__(self, warehouse: Warehouse, folder: Path, pipeline: Pipeline) -> None:
        self.warehouse = warehouse
        self._folder = folder
        self._pipeline = pipeline

    def has(self, name: str) -> bool:
        """Tell whether there is such a query: a file, or one that follows from the declaration."""
        return self._path(name).exists() or can_be_derived(self._pipeline, name)

    def follows(self, name: str) -> bool:
        """Tell whether a query follows from the declaration, there being no file."""
        return not self._path(name).exists() and can_be_derived(self._pipeline, name)

    def file(self, name: str) -> SqlFile:
        """Return a query; a file goes before what would follow from the declaration."""
        path = self._path(name)
        if path.exists() or not self.has(name):
            self._refuse_missing(path, name)
            return load_sql(path)
        return derived(self._pipeline, name, load_sql(self._path(EXTRACT)))

    def check(self, name: str, binds: dict[str, Any]) -> SqlFile:
        """Refuse what is not one query, naming file and line; return it. It is prepared, not run."""
        found = self.file(name)
        self.warehouse.check(found, binds)
        return found

    def row(self, name: str, binds: dict[str, Any]) -> tuple[Any, ...]:
        """Run a query that gives one row."""
        found = self.file(name)
        if name == COVERAGE and not self._path(name).exists():
            refuse_other_type(self.warehouse, self._pipeline)
        return self.warehouse.row(found, binds)

    def stream(
        self, name: str, binds: dict[str, Any]
    ) -> "AbstractContextManager[tuple[dict[str | None, int], pa.RecordBatchReader]]":
        """Run a query; yield no count, and its rows as record batches."""
        return self.warehouse.stream(self.file(name), binds, count=False)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.sql"

    def _refuse_missing(self, path: Path, name: str) -> None:
        if path.exists() or name not in _DERIVED:
            return
        raise ConfigurationError(
            f"There is no sql/{self._pipeline.name}/{name}.sql, and it does not follow from the declaration.",
            next_step="write it, or declare what the pipeline `reads`"
            f"{' and its `target`' if name == TRAINING else ''}: see docs/add-a-pipeline.md.",
            pipeline=self._pipeline.name,
        )
