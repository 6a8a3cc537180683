"""DuckDB over files: Parquet, CSV, JSON and Delta in a folder or a bucket, read by SQL with nothing loaded before.

What is read is a list of files, made once and compared afterwards. One thread, one time zone and no other file than
those listed: the same files give the same rows.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from daybreak.declaration.files import DeltaTable, Files, FileTable, IcebergTable
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError
from daybreak.sources.arrow_columns import described, held, refuse_twice, refuse_unheld
from daybreak.sources.datasets import DatasetName, file_dataset
from daybreak.sources.delta_tables import pin
from daybreak.sources.duckdb_faults import duckdb_faults, refuse_unparsed
from daybreak.sources.file_store import FileStore, Found
from daybreak.sources.file_tables import (
    files_view,
    literal,
    mentioned,
    refuse_other_headers,
    refuse_other_schemas,
    rows_view,
)
from daybreak.sources.iceberg_tables import IcebergCatalog
from daybreak.sources.pinned_tables import Pinned, version_view
from daybreak.sources.source import Counted
from daybreak.warehouse.described import Described
from daybreak.warehouse.identifiers import quoted
from daybreak.warehouse.sql_file import Rendered, SqlFile

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS = 65_536
_EXPLAIN = "EXPLAIN "
# So much memory, then it writes to disk.
_MEMORY = "256MB"


@dataclass(frozen=True)
class _Opened:
    """A connection that knows some files, a statement over them with its values, and whether any has to be parsed."""

    source: str
    connection: Any
    sql: SqlFile
    statement: Rendered
    values: dict[str, Any]
    parsed: bool
    refuse_changed: Callable[[], None]

    @property
    def text(self) -> str:
        return self.statement.text

    def faults(self, before: int | None = None) -> AbstractContextManager[None]:
        """Let DuckDB's errors out as ours; so many bytes were sent before the statement, if their place is known."""
        return duckdb_faults(self.source, self.sql, self.statement, self.refuse_changed, before)


class DuckFiles:
    """Run queries over the declared files of one folder, each in a database of its own that is gone afterwards."""

    def __init__(
        self,
        name: str,
        store: FileStore,
        files: Mapping[str, FileTable],
        options: Mapping[str, str],
        catalog: IcebergCatalog | None = None,
    ) -> None:
        self._name = name
        self._store = store
        self._catalog = catalog
        self._files = {table: declared for table, declared in files.items() if isinstance(declared, Files)}
        self._pinned = {table: declared for table, declared in files.items() if not isinstance(declared, Files)}
        self._memory = options.get("memory_limit", _MEMORY)
        # The versions of files whose columns were looked at.
        self._known: dict[str, dict[str, str]] = {table: {} for table in files}
        if unknown := set(options) - {"memory_limit"}:
            raise ConfigurationError(
                f"{store.setting} has an option {min(unknown)}.", next_step="memory_limit is the only one there is."
            )

    def check(self, sql: SqlFile, binds: dict[str, Any], exact: Collection[str] = ()) -> None:
        """Have the query parsed, bound to the files and its columns described."""
        sql.refuse_more_than_a_query()
        sql.refuse_unknown_binds(binds)
        with self._open(sql, binds) as opened:
            refuse_unheld(_schema(opened), exact)

    def describe(self, sql: SqlFile, binds: dict[str, Any]) -> list[Described]:
        """Return the columns of the query."""
        with self._open(sql, binds) as opened:
            return described(_schema(opened))

    def rows(self, sql: SqlFile, binds: dict[str, Any], most: int) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run a query that gives few rows."""
        with self._open(sql, binds) as opened, opened.faults():
            relation = opened.connection.sql(opened.text, params=opened.values).limit(most)
            with relation.to_arrow_reader(_BATCH_ROWS) as reader:
                found = reader.read_all()
            opened.refuse_changed()
            return found.column_names, list(zip(*(column.to_pylist() for column in found.columns), strict=True))

    @contextmanager
    def stream(
        self, sql: SqlFile, binds: dict[str, Any], *, count: bool = True, by: str | None = None
    ) -> Iterator[Counted]:
        """Count and read the same files.

        Text is parsed once, into a table that goes to disk where it is large; of Parquet the count reads little.
        """
        sql.refuse_unknown_binds(binds)
        with self._open(sql, binds) as opened:
            connection, text, values = opened.connection, opened.text, opened.values
            counted: dict[str | None, int] = {}
            with opened.faults():
                if count and opened.parsed:
                    connection.execute(f"CREATE TEMP TABLE daybreak_rows AS {text}", values).fetchall()
                    text, values = "SELECT * FROM daybreak_rows", {}
                if count:
                    value = "NULL" if by is None else quoted(by)
                    counting = f"SELECT {value}::varchar, count(*) FROM (\n{text}\n) AS source GROUP BY 1"
                    counted = dict(connection.execute(counting, values).fetchall())
                reader = connection.sql(text, params=values).to_arrow_reader(_BATCH_ROWS)
            with reader:
                yield counted, held(reader, _read(reader, opened))

    def datasets(self, sql: SqlFile, binds: dict[str, Any]) -> list[DatasetName]:  # noqa: ARG002
        """Return the declared tables that the query mentions, each by the pattern of its files or its name."""
        tables = self._files | self._pinned
        return [file_dataset(self._store.root, tables[name]) for name in mentioned(sql.text, tables)]

    def refuse_other_type(self, pipeline: Pipeline) -> None:
        """Refuse nothing: what a table says follows for PostgreSQL alone."""

    def close(self) -> None:
        """Close nothing: no connection outlives its query."""

    @contextmanager
    def _open(self, sql: SqlFile, binds: dict[str, Any]) -> Iterator[_Opened]:
        import duckdb

        statement = sql.render({name: f"${name}" for name in sql.binds})
        values = {name: binds[name] for name in sql.binds}
        tables = {name: self._files[name] for name in mentioned(sql.text, self._files)}
        found = {name: self._store.find(files) for name, files in tables.items()}

        def refuse_changed() -> None:
            for name, files in tables.items():
                self._store.refuse_changed(files, found[name])

        with self._store.faults(refuse_changed):
            views = [self._trusted(name, files, found[name]) for name, files in tables.items()]
        listed = {name: self._files[name] for name in self._files if mentioned(sql.text, [f"{name}_files"])}
        views += [files_view(name, files, self._store.find(files)) for name, files in listed.items()]
        pinned = {n: self._pin(t) for n, t in self._pinned.items() if mentioned(sql.text, [n, f"{n}_version"])}
        with TemporaryDirectory(prefix="daybreak-source-") as spill:
            connection = duckdb.connect(config=self._config(spill))
            try:
                parsed = any(files.format != "parquet" for files in tables.values())
                opened = _Opened(self._name, connection, sql, statement, values, parsed, refuse_changed)
                with opened.faults():
                    self._prepare(connection, views, pinned, [file.uri for name in tables for file in found[name]])
                    _refuse_other_than_a_query(opened)
                # Where it is wrong is told of a statement that is explained, not of one that is run.
                with opened.faults(len(_EXPLAIN)):
                    connection.execute(_EXPLAIN + opened.text, values).fetchall()
                yield opened
            finally:
                connection.close()

    def _pin(self, table: DeltaTable | IcebergTable) -> Pinned:
        if isinstance(table, DeltaTable):
            return pin(self._store, table)
        if self._catalog is None:
            raise ConfigurationError(
                f"Iceberg table {table.name} is declared, and source {self._name} is no catalog.",
                next_step=f"set {self._store.setting} to one, duckdb:iceberg+URL: see docs/sources.md.",
            )
        return self._catalog.pin(table)

    def _trusted(self, name: str, files: Files, found: list[Found]) -> str:
        if files.format == "csv":
            refuse_other_headers(self._store, files, found, self._known[name])
        elif files.format == "parquet":
            refuse_other_schemas(self._store, found, self._known[name])
        return rows_view(self._store, name, files, found)

    def _prepare(self, connection: Any, views: list[str], pinned: Mapping[str, Pinned], readable: list[str]) -> None:
        if readable and self._store.filesystem is not None:
            connection.register_filesystem(self._store.filesystem)
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in pinned.items():
            connection.register(name, table.rows)
        for view in (*views, *(version_view(name, table) for name, table in pinned.items())):
            connection.execute(view)
        # Errors as JSON tell the byte that they point at. From here on the query is not trusted.
        for setting in (
            "errors_as_json = true",
            f"allowed_paths = [{', '.join(literal(uri) for uri in readable)}]",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            connection.execute(f"SET {setting}")

    def _config(self, spill: str) -> dict[str, Any]:
        return {
            # Of two threads sums of doubles, ties and groups come out otherwise at each run.
            "threads": 1,
            "memory_limit": self._memory,
            "temp_directory": spill,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            "python_enable_replacements": False,
        }


def _refuse_other_than_a_query(opened: _Opened) -> None:
    import duckdb

    try:
        found = opened.connection.extract_statements(opened.text)
    except duckdb.Error as error:
        refuse_unparsed(error, opened.sql, opened.statement)
    if len(found) != 1 or found[0].type.name != "SELECT":
        raise ConfigurationError(f"{opened.sql.location(0)}: not one SELECT.", next_step="leave one query in the file.")


def _schema(opened: _Opened) -> "pa.Schema":
    with opened.faults():
        relation = opened.connection.sql(opened.text, params=opened.values)
        refuse_twice(relation.columns)
        with relation.limit(0).to_arrow_reader(1) as reader:
            return reader.schema


def _read(reader: "pa.RecordBatchReader", opened: _Opened) -> "Iterator[pa.RecordBatch]":
    with opened.faults():
        yield from reader
    # Before whoever reads believes that it has all.
    opened.refuse_changed()
