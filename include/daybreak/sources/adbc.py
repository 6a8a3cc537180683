"""Any database with an ADBC driver as a source, by the driver's name."""

import re
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError, DaybreakError, SourceRefused, SourceUnavailable
from daybreak.sources.arrow_columns import described, held, refuse_twice, refuse_unheld
from daybreak.sources.datasets import DatasetName
from daybreak.sources.source import Counted
from daybreak.sources.sqlite_values import kinds_of, schema_of, time_of, typed
from daybreak.warehouse.described import Described
from daybreak.warehouse.faults import first_line, is_transient
from daybreak.warehouse.sql_file import SqlFile

if TYPE_CHECKING:
    import pyarrow as pa

SQLITE = "sqlite"
_PASSING_TEXTS = ("database is locked", "database table is locked", "unavailable", "deadline exceeded")
_PASSING_STATES = ("IO", "TIMEOUT")
# So many rows of SQLite are looked at to describe a query.
_FIRST_ROWS = 1000
_SYNTAX = ("syntax error", "incomplete input", "unrecognized token")


@dataclass(frozen=True)
class AdbcSource:
    """Ask a database through the driver ``adbc_driver_<driver>``; ``uri`` and ``options`` are the driver's own.

    The values that a query binds are written into it as literals of standard SQL: drivers differ in how they bind.
    """

    name: str
    driver: str
    uri: str
    options: dict[str, str]

    @staticmethod
    def of(name: str, url: str) -> "AdbcSource":
        """Read a URL ``adbc:DRIVER:URI``, or ``adbc:DRIVER:?OPTION=VALUE&…`` for a driver that takes no URI."""
        parts = url.split(":", 2)
        if len(parts) < 3 or not re.fullmatch(r"[a-z][a-z0-9_]*", parts[1]) or not parts[2]:
            raise ConfigurationError(
                f"DAYBREAK_SOURCE_{name.upper()} names no driver.",
                next_step="write it as adbc:DRIVER:URI, for example adbc:sqlite:/folder/feed.db.",
            )
        _, driver, uri = parts
        if uri.startswith("?"):
            return AdbcSource(name, driver, "", dict(parse_qsl(uri[1:])))
        if driver == SQLITE and "mode=" not in uri:
            # A file that is missing would be made.
            uri = f"file:{uri.removeprefix('file:')}{'&' if '?' in uri else '?'}mode=ro"
        return AdbcSource(name, driver, uri, {})

    def check(self, sql: SqlFile, binds: dict[str, Any], exact: Collection[str] = ()) -> None:
        """Have the query prepared as part of another, in which nothing but a query can stand."""
        sql.refuse_more_than_a_query()
        sql.refuse_unknown_binds(binds)
        text = self._text(sql, binds)
        try:
            with self._cursor(sql) as cursor:
                cursor.adbc_prepare(_within(text))
        except SourceRefused as error:
            if any(words in error.problem for words in _SYNTAX):
                where = _place(sql, text, error.problem)
                told = error.problem.partition("cannot be read: ")[2] or error.problem
                raise ConfigurationError(f"{where}: {told}", next_step="mend the SQL file.") from error
            # What a missing table is to PostgreSQL: the source's fault, which extract reports.
            if "no such" not in error.problem:
                raise
            return
        # What the types are of no value is not known, nor held against the query.
        found = [field for field in self._schema(sql, text) if str(field.type) != "null"]
        refuse_unheld(_schema_of_fields(found), exact)

    def describe(self, sql: SqlFile, binds: dict[str, Any]) -> list[Described]:
        """Return the columns of the query; SQLite is asked for its first rows, since only values have a type there."""
        return described(self._schema(sql, self._text(sql, binds)))

    def rows(self, sql: SqlFile, binds: dict[str, Any], most: int) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run a query that gives few rows; a text of SQLite that is a day or an instant is one."""
        with self._cursor(sql) as cursor:
            cursor.execute(self._text(sql, binds))
            names, found = [column[0] for column in cursor.description], cursor.fetchmany(most)
        told = time_of if self.driver == SQLITE else lambda value: value
        return names, [tuple(told(value) for value in row) for row in found]

    @contextmanager
    def stream(
        self, sql: SqlFile, binds: dict[str, Any], *, count: bool = True, by: str | None = None
    ) -> Iterator[Counted]:
        """Count and read in one transaction: what it sees is one state as far as the source says so."""
        sql.refuse_unknown_binds(binds)
        text = self._text(sql, binds)
        with self._connection() as connection, closing(connection.cursor()) as cursor:
            counted: dict[str | None, int] = {}
            with self._faults(sql):
                reading = text
                if self.driver == SQLITE:
                    names = _names(cursor, text)
                    reading = typed(text, names, kinds_of(cursor, text, names))
                if count:
                    cursor.execute(f"SELECT {self._value(by)}, count(*) FROM (\n{text}\n) AS source GROUP BY 1")
                    counted = {value: int(rows) for value, rows in cursor.fetchall()}
                cursor.execute(reading)
                reader = cursor.fetch_record_batch()
            with reader:
                yield counted, held(reader, self._read(reader, sql, first=int(reading != text)))

    def datasets(self, sql: SqlFile, binds: dict[str, Any]) -> list[DatasetName]:  # noqa: ARG002
        """Return nothing: each database writes its plans in a way of its own."""
        return []

    def refuse_other_type(self, pipeline: Pipeline) -> None:
        """Refuse nothing: what a table says follows for PostgreSQL alone."""

    def close(self) -> None:
        """Close nothing: no connection outlives its query."""

    def _read(self, reader: "pa.RecordBatchReader", sql: SqlFile, first: int) -> "Iterator[pa.RecordBatch]":
        with self._faults(sql):
            for batch in reader:
                yield batch.slice(first)
                first = 0

    def _schema(self, sql: SqlFile, text: str) -> "pa.Schema":
        with self._cursor(sql) as cursor:
            if self.driver == SQLITE:
                names = _names(cursor, text)
                return schema_of(names, kinds_of(cursor, text, names, rows=_FIRST_ROWS))
            cursor.execute(f"SELECT * FROM (\n{text}\n) AS source WHERE 1 = 0")
            with cursor.fetch_record_batch() as reader:
                return reader.schema

    def _text(self, sql: SqlFile, binds: dict[str, Any]) -> str:
        return sql.render({name: self._literal(binds[name]) for name in sql.binds}).text

    def _literal(self, value: Any) -> str:
        is_sqlite = self.driver == SQLITE
        if value is None or isinstance(value, bool | int):
            return "NULL" if value is None else str(int(value) if is_sqlite else value)
        if isinstance(value, datetime):
            # SQLite compares texts: those of `datetime('now')` are written so, in UTC.
            told = value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
            return f"'{told}'" if is_sqlite else f"TIMESTAMP '{told}+00:00'"
        if isinstance(value, date):
            return f"'{value}'" if is_sqlite else f"DATE '{value}'"
        if "\\" in str(value) and not is_sqlite:
            raise ConfigurationError(
                "A value with a backslash cannot be bound, which databases read differently.",
                next_step="write the query without it.",
            )
        return "'" + str(value).replace("'", "''") + "'"

    def _value(self, by: str | None) -> str:
        if by is None:
            return "NULL"
        quote, text = ("`", "STRING") if self.driver == "bigquery" else ('"', "VARCHAR")
        return f"CAST({quote}{by.replace(quote, quote * 2)}{quote} AS {text})"

    @contextmanager
    def _cursor(self, sql: SqlFile) -> Iterator[Any]:
        with self._connection() as connection, self._faults(sql), closing(connection.cursor()) as cursor:
            yield cursor

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        try:
            dbapi = import_module(f"adbc_driver_{self.driver}.dbapi")
        except ImportError as error:
            raise ConfigurationError(
                f"Source {self.name} needs the package adbc-driver-{self.driver} ({error}).",
                next_step=f"install it with the extra {self.driver}: see docs/sources.md.",
            ) from error
        with self._faults(None):
            # The first argument is called otherwise by each driver. Not committed, it is one transaction.
            given = (self.options,) if self.options else (self.uri,)
            connection = dbapi.connect(*given)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def _faults(self, sql: SqlFile | None) -> Iterator[None]:
        from adbc_driver_manager import Error
        from pyarrow import ArrowException

        try:
            yield
        except DaybreakError:
            raise
        except (Error, ArrowException, OSError, OverflowError) as error:
            told = first_line(error)
            state = getattr(getattr(error, "status_code", None), "name", "")
            if is_transient(error) or state in _PASSING_STATES or any(t in str(error).lower() for t in _PASSING_TEXTS):
                raise SourceUnavailable(
                    f"Source {self.name} did not answer ({told}).",
                    next_step=f"it is tried again; if it lasts, check what DAYBREAK_SOURCE_{self.name.upper()} names.",
                ) from error
            place = f"{sql.location(0).rpartition(':')[0]}: " if sql else ""
            raise SourceRefused(
                f"The source cannot be read: {place}{told}.",
                next_step="mend the source or the query, then run the partition again.",
            ) from error


def _within(text: str) -> str:
    return f"SELECT * FROM (\n{text}\n) AS source"


def _names(cursor: Any, text: str) -> list[str]:
    cursor.execute(f"{_within(text)} LIMIT 0")
    names = [column[0] for column in cursor.description]
    # Of two columns a the second is called so in a subquery.
    refuse_twice([name[:-2] if name.endswith(":1") and name[:-2] in names else name for name in names])
    return names


def _schema_of_fields(fields: "list[pa.Field]") -> "pa.Schema":
    import pyarrow as pa

    return pa.schema(fields)


def _place(sql: SqlFile, text: str, problem: str) -> str:
    """Name the file, and the line where what SQLite stumbled over stands in one place only."""
    file = sql.location(0).rpartition(":")[0]
    near = re.search(r'near "([^"]+)"', problem)
    if (
        near
        and len(places := [found.start() for found in re.finditer(rf"(?<!\w){re.escape(near[1])}(?!\w)", text)]) == 1
    ):
        # Literals are on one line: lines of the text are those of the file.
        return sql.location_of_line(text.count("\n", 0, places[0]) + 1)
    return file
