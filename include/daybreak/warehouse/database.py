"""The warehouse: statements through SQLAlchemy, bulk rows as Arrow through ADBC.

Every fault it sees leaves it as a transient or a terminal error, and no statement waits for a lock without a bound.
"""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url

from daybreak.errors import ConfigurationError
from daybreak.telemetry.run_context import carried
from daybreak.warehouse.bulk_connections import BulkConnections
from daybreak.warehouse.faults import is_transient, refused_by_source, sqlstate, translated, unavailable
from daybreak.warehouse.held_types import as_held, refuse_unheld
from daybreak.warehouse.sql_file import Rendered, SqlFile
from daybreak.warehouse.waits import Waits, bounded_url

if TYPE_CHECKING:
    import pyarrow as pa

_DRIVER = "postgresql+psycopg2"
_URL = "postgresql://user:password@host:5432/database"
# What the driver reads before it hands over a record batch.
_BATCH_BYTES = 8 << 20
_READ_ONLY = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Warehouse:
    """Connect to one PostgreSQL database, on first use; ``lock_timeout_seconds`` bounds each wait for a lock."""

    def __init__(self, url: str, lock_timeout_seconds: float = 60) -> None:
        try:
            self.url = make_url(with_driver(url))
        except sa.exc.ArgumentError:
            # What it looks like stays out of the message: there may be a password in it.
            raise ConfigurationError(
                "The warehouse's URL cannot be read.", next_step=f"write DAYBREAK_WAREHOUSE_URL as {_URL}."
            ) from None
        if self.url.drivername != _DRIVER:
            raise ConfigurationError(
                f"The warehouse is PostgreSQL, not {self.url.drivername}.",
                next_step=f"write DAYBREAK_WAREHOUSE_URL as {_URL}.",
            )
        self._waits = Waits(self.url, lock_timeout_seconds)

    @cached_property
    def engine(self) -> Engine:
        """The SQLAlchemy engine; a connection that went stale is replaced before use."""
        return self._waits.engine(pool_pre_ping=True)

    @cached_property
    def _bulk(self) -> BulkConnections:
        uri = bounded_url(self.url).set(drivername="postgresql")
        return BulkConnections(uri.render_as_string(hide_password=False))

    def close(self) -> None:
        """Give every connection back that is kept for later."""
        if "engine" in self.__dict__:
            self.engine.dispose()
        if "_bulk" in self.__dict__:
            self._bulk.close()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that commits at the end and rolls back on any error."""
        with translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection for reading one consistent state."""
        with translated(), self.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            yield connection

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Open a connection of its own, for what lasts as long as it does, such as a lock."""
        with translated(), self.engine.connect() as connection:
            try:
                yield connection
            finally:
                connection.invalidate()

    @contextmanager
    def bulk(self, *first: str) -> Iterator[Any]:
        """Open an ADBC connection: one transaction, rolled back unless committed, that opens with some statements."""
        with translated(), self._bulk.one() as connection, self._waits.bulk(connection, first):
            yield connection

    def check(self, sql: SqlFile, binds: dict[str, Any], exact: Collection[str] = ()) -> None:
        """Refuse a file that is not one query, naming file and line, or gives what no batch can hold.

        It is prepared, not run. The columns ``exact`` have to come right to the last digit.
        """
        sql.refuse_more_than_a_query()
        sql.refuse_unknown_binds(binds)
        statement = rendered(sql, binds)
        prepare = "PREPARE daybreak_check AS "
        try:
            with self.engine.connect() as connection:
                connection.exec_driver_sql((prepare + statement.text).replace("%", "%%"))
                # It would outlive the transaction, and the next one of this name be refused.
                connection.exec_driver_sql("DEALLOCATE daybreak_check")
        except sa.exc.DBAPIError as error:
            diagnosis = getattr(error.orig, "diag", None)
            if sqlstate(error) != "42601" or diagnosis is None:
                # A missing table or column is the source's fault and is reported by extract; a lost connection is not
                # the file's fault either.
                if is_transient(error):
                    raise unavailable(error) from error
                return
            position = int(diagnosis.statement_position or 1) - 1 - len(prepare)
            raise ConfigurationError(
                f"{sql.location(statement.origin(position))}: {diagnosis.message_primary}.",
                next_step="mend the SQL file.",
            ) from error
        with self.bulk() as bulk, bulk.cursor() as cursor:
            refuse_unheld(cursor.adbc_execute_schema(statement.text), exact)

    def rows(self, sql: SqlFile, binds: dict[str, Any], most: int) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run a query that gives few rows; return its columns, and at ``most`` so many rows."""
        try:
            with self.begin() as connection:
                found = connection.exec_driver_sql(rendered(sql, binds).text.replace("%", "%%"))
                return list(found.keys()), [tuple(row) for row in found.fetchmany(most)]
        # A day before the first year, which Python does not have, is a ValueError.
        except (sa.exc.SQLAlchemyError, ValueError) as error:
            raise refused_by_source(error, "The source", sql) from error

    def table_schema(self, schema: str, name: str) -> "pa.Schema | None":
        """Return the columns of a table with the types in which rows are copied into it, None where there is none."""
        with self.bulk() as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT FROM pg_tables WHERE schemaname = '{schema}' AND tablename = '{name}'")
            if not cursor.fetchall():
                return None
            return connection.adbc_get_table_schema(name, db_schema_filter=schema)

    @contextmanager
    def stream(
        self, sql: SqlFile, binds: dict[str, Any], *, count: bool = True, by: str | None = None
    ) -> "Iterator[tuple[dict[str | None, int], pa.RecordBatchReader]]":
        """Run a query; yield the source's own row count and its rows as record batches.

        Both come from one state of the database, so they can be compared. The count is that of each value of column
        ``by`` as text, or stands under None; without ``count`` there is none.
        """
        from adbc_driver_manager import Error as AdbcError

        sql.refuse_unknown_binds(binds)
        text = rendered(sql, binds).text
        with self.bulk(_READ_ONLY) as connection, connection.cursor() as cursor, ThreadPoolExecutor(1) as beside:
            counting = None
            if count:
                # Counting may take as long as reading does, so the one waits for the other only at their end.
                cursor.execute("SELECT pg_export_snapshot()")
                state, taken = cursor.fetchone()[0], Event()
                counting = beside.submit(carried(self._count), text, by, state, taken)
                # A query that fails at once takes its state of the database with it.
                taken.wait()
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)})
            try:
                cursor.execute(text)
            except AdbcError as error:
                if is_transient(error):
                    raise
                raise refused_by_source(error, "The source", sql) from error
            with cursor.fetch_record_batch() as reader:
                yield (counting.result() if counting else {}), as_held(_read(reader, sql))

    def _count(self, query: str, by: str | None, state: str, taken: Event) -> dict[str | None, int]:
        value = "NULL" if by is None else '"' + by.replace('"', '""') + '"'
        try:
            opening = (_READ_ONLY, f"SET TRANSACTION SNAPSHOT '{state}'")
            with self.bulk(*opening) as connection, connection.cursor() as cursor:
                taken.set()
                cursor.execute(f"SELECT {value}::text, count(*) FROM (\n{query}\n) AS source GROUP BY 1")
                return {value: int(rows) for value, rows in cursor.fetchall()}
        finally:
            taken.set()


def _read(reader: "pa.RecordBatchReader", sql: SqlFile) -> "pa.RecordBatchReader":
    """Let faults of rows that are read out as those of the source: the driver tells them as any file's."""
    import pyarrow as pa

    def batches() -> "Iterator[pa.RecordBatch]":
        try:
            yield from reader
        except OSError as error:
            if is_transient(error):
                raise unavailable(error) from error
            raise refused_by_source(error, "The source", sql) from error

    return pa.RecordBatchReader.from_batches(reader.schema, batches())


def with_driver(url: str) -> str:
    """Name the driver in a PostgreSQL URL that names none: the one that SQLAlchemy would take is not installed."""
    scheme, separator, rest = url.partition("://")
    return f"{_DRIVER}{separator}{rest}" if scheme == "postgresql" else url


def rendered(sql: SqlFile, binds: dict[str, Any]) -> Rendered:
    """Put values into a file's text.

    COPY, which ADBC reads through, takes no parameters: values are bound by the driver's own quoting, which is what
    psycopg2 does for every statement it sends.
    """
    from psycopg2.extensions import QuotedString, adapt

    def quote(value: Any) -> str:
        quoted = adapt(value)
        if isinstance(quoted, QuotedString):
            quoted.encoding = "utf8"
        return str(quoted.getquoted().decode())

    return sql.render({name: quote(binds[name]) for name in sql.binds})
