"""Queries: a pipeline's SQL files, or what follows from its declaration, and the source that runs them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from daybreak.declaration.partition import day_calendar
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError, DaybreakError
from daybreak.sources.source import Counted, Source
from daybreak.warehouse.derived_queries import COVERAGE, TRAINING, can_be_derived, derived
from daybreak.warehouse.described import Described
from daybreak.warehouse.sql_file import SqlFile, load_sql

EXTRACT, ACTUALS, CHANGED = "extract", "actuals", "changed"
_DERIVED = {COVERAGE, TRAINING}
# More than any calendar has.
MOST_DAYS = 100_000


@dataclass(frozen=True)
class Coverage:
    """What the source holds: from when to when, as local days or as instants in UTC, and ``days`` if it lists them."""

    first: date | datetime
    last: date | datetime
    days: frozenset[date] | None = None

    def first_day(self, timezone: str) -> date:
        """Return the first day that it holds anything of."""
        return _day(self.first, timezone)

    def last_day(self, timezone: str) -> date:
        """Return the last day that it holds anything of."""
        return _day(self.last, timezone)


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

    def coverage(self, binds: dict[str, Any]) -> Coverage | None:
        """Return what the source holds, None where it holds nothing.

        Raises SourceRefused where it cannot be read, ConfigurationError where the query gives something else.
        """
        found = self.file(COVERAGE)
        if not self._path(COVERAGE).exists():
            self.source.refuse_other_type(self._pipeline)
        names, rows = self.source.rows(found, binds, MOST_DAYS)
        columns = len(names)
        if columns == 1 and all(type(row[0]) is date for row in rows):
            listed = frozenset(row[0] for row in rows)
            return Coverage(min(listed), max(listed), listed) if listed else None
        if columns == 2 and not rows:
            return None
        if columns == 2 and len(rows) == 1:
            if None in rows[0]:
                return None
            # An instant is a day to Python, and compares with none.
            if all(type(day) is date for day in rows[0]):
                return Coverage(*rows[0])
            if all(isinstance(at, datetime) and at.tzinfo for at in rows[0]):
                return Coverage(*(at.astimezone(UTC) for at in rows[0]))
        within = f" in {len(rows):,} rows" if len(rows) > 1 else ""
        kinds = ", ".join(type(value).__name__ for value in (rows[0] if rows else ()))
        raise ConfigurationError(
            f"coverage.sql of {self._pipeline.name} gives {kinds or 'nothing'}{within}, not two days.",
            next_step="give one row with the first and the last local day, each as a date, or both as timestamps with "
            "time zone; or one column that lists the days that have landed.",
        )

    def rows(self, name: str, binds: dict[str, Any], most: int) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run a query that gives few rows; return its columns, and at ``most`` so many rows."""
        return self.source.rows(self.file(name), binds, most)

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


def _day(held: date | datetime, timezone: str) -> date:
    return day_calendar(timezone).at(held).first_day if isinstance(held, datetime) else held
