"""Source: what runs a pipeline's queries: PostgreSQL, files or another database. All answer the same questions."""

from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from daybreak.declaration.pipeline import Pipeline
from daybreak.sources.datasets import DatasetName
from daybreak.warehouse.described import Described
from daybreak.warehouse.sql_file import SqlFile

if TYPE_CHECKING:
    import pyarrow as pa

# The source's own count of rows by the values of a column, or under None, and the rows.
Counted = tuple[dict[str | None, int], "pa.RecordBatchReader"]


class Source(Protocol):
    """Check, describe and run queries.

    A fault that may pass by itself leaves it as a TransientError, any other as SourceRefused, or as ConfigurationError
    where the file or a setting is wrong.
    """

    def check(self, sql: SqlFile, binds: dict[str, Any], exact: Collection[str] = ()) -> None:
        """Refuse a file that is not one query, naming file and line, or gives what no batch can hold.

        It is not run. The columns ``exact`` have to come right to the last digit.
        """

    def describe(self, sql: SqlFile, binds: dict[str, Any]) -> list[Described]:
        """Return a query's columns, with the types that a table of predictions keeps them in; it is not run."""

    def rows(self, sql: SqlFile, binds: dict[str, Any], most: int) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run a query that gives few rows; return its columns, and at ``most`` so many rows."""

    def stream(
        self, sql: SqlFile, binds: dict[str, Any], *, count: bool = True, by: str | None = None
    ) -> AbstractContextManager[Counted]:
        """Run a query; yield the source's own row count and its rows as record batches.

        Both come from one state of the source, so they can be compared. The count is that of each value of column
        ``by`` as text, or stands under None; without ``count`` there is none.
        """

    def datasets(self, sql: SqlFile, binds: dict[str, Any]) -> list[DatasetName]:
        """Return what a query reads, as far as the source can tell; it is not run."""

    def refuse_other_type(self, pipeline: Pipeline) -> None:
        """Refuse a column of a table whose type is another than the pipeline's ``reads`` says."""

    def close(self) -> None:
        """Give every connection back that is kept for later."""
