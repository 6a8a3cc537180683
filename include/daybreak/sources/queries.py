"""Queries: a pipeline's SQL files, or what follows from its declaration, and the source that runs them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError, DaybreakError
from daybreak.sources.source import Counted, Source
from daybreak.warehouse.derived_queries import COVERAGE, TRAINING, can_be_derived, derived
from daybreak.warehouse.described import Described
from daybreak.warehouse.sql_file import SqlFile, load_sql

EXTRACT, ACTUALS = "extract", "actuals"
_DERIVED = {COVERAGE, TRAINING}


class Queries:
    """Find, check and run the queries of one pipeline; ``folder`` holds its files."""

    def __init__(self, source: Source, folder: Path, pipeline: Pipeline) -> None:
        self.source = source
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
        """Refuse what is not one query, naming file and line, or gives what no batch can hold; return it.

        It is prepared, not run. What is kept beside a prediction, or joined with one, is right to the last digit.
        """
        found = self.file(name)
        exact = {EXTRACT: (*self._pipeline.entity_key, *self._pipeline.carries), ACTUALS: self._pipeline.entity_key}
        self.source.check(found, binds, exact.get(name, ()))
        return found

    def describe(self, name: str, binds: dict[str, Any]) -> list[Described]:
        """Return the columns that a query gives; it is not run. Raises SourceRefused."""
        return self.source.describe(self.file(name), binds)

    def coverage(self, binds: dict[str, Any]) -> tuple[date, date] | None:
        """Return the first and the last day that the source holds, None where it holds none.

        Raises SourceRefused where they cannot be read, ConfigurationError where the query gives something else.
        """
        found = self.file(COVERAGE)
        if not self._path(COVERAGE).exists():
            self.source.refuse_other_type(self._pipeline)
        given = self.source.row(found, binds)
        if len(given) == 2 and None in given:
            return None
        # An instant is a day to Python, and compares with none.
        if len(given) != 2 or any(type(day) is not date for day in given):
            kinds = ", ".join(type(value).__name__ for value in given)
            raise ConfigurationError(
                f"coverage.sql of {self._pipeline.name} gives {kinds or 'nothing'}, not two days.",
                next_step="give the first and the last local day, each as a date.",
            )
        return given[0], given[1]

    @contextmanager
    def stream(self, name: str, binds: dict[str, Any]) -> Iterator[Counted]:
        """Run a query; yield no count, and its rows as record batches."""
        try:
            with self.source.stream(self.file(name), binds, count=False) as found:
                yield found
        except DaybreakError as error:
            error.located(self._pipeline.name, None)
            raise

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
