"""PostgreSQL as a source: the warehouse itself, or another database."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import SourceUnavailable, WarehouseUnavailable
from daybreak.sources.datasets import DatasetName, tables_read
from daybreak.sources.source import Counted
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.derived_queries import refuse_other_type
from daybreak.warehouse.described import Described, describe_query
from daybreak.warehouse.sql_file import SqlFile


class PostgresSource:
    """Ask a PostgreSQL; ``name`` is that of a source that is not the warehouse."""

    def __init__(self, warehouse: Warehouse, name: str | None = None) -> None:
        self.warehouse = warehouse
        self._name = name

    def check(self, sql: SqlFile, binds: dict[str, Any], exact: Collection[str] = ()) -> None:
        """Have the query prepared."""
        with self._named():
            self.warehouse.check(sql, binds, exact)

    def describe(self, sql: SqlFile, binds: dict[str, Any]) -> list[Described]:
        """Return the query's columns with their exact types, and the comments of those that a table has."""
        with self._named():
            return describe_query(self.warehouse, sql, binds)

    def rows(self, sql: SqlFile, binds: dict[str, Any], most: int) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run a query that gives few rows."""
        with self._named():
            return self.warehouse.rows(sql, binds, most)

    @contextmanager
    def stream(
        self, sql: SqlFile, binds: dict[str, Any], *, count: bool = True, by: str | None = None
    ) -> Iterator[Counted]:
        """Count and read in two transactions of one snapshot."""
        with self._named(), self.warehouse.stream(sql, binds, count=count, by=by) as counted:
            yield counted

    def datasets(self, sql: SqlFile, binds: dict[str, Any]) -> list[DatasetName]:
        """Have the query planned, and return the tables of the plan."""
        with self._named():
            return tables_read(self.warehouse, sql, binds)

    def refuse_other_type(self, pipeline: Pipeline) -> None:
        """Compare the declared column with the catalog's."""
        with self._named():
            refuse_other_type(self.warehouse, pipeline)

    def close(self) -> None:
        """Close the connections of a source that is not the warehouse, whose own are closed with it."""
        if self._name:
            self.warehouse.close()

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except WarehouseUnavailable as error:
            if self._name is None:
                raise
            raise SourceUnavailable(
                error.problem.replace("The warehouse", f"Source {self._name}", 1),
                next_step="it is tried again; if it lasts, check the database that "
                f"DAYBREAK_SOURCE_{self._name.upper()} names.",
            ) from error
