"""The warehouse: statements through SQLAlchemy, bulk rows as Arrow through ADBC.

Every fault it sees leaves it as a transient or a terminal error, and no statement waits for a lock without a bound.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url

from daybreak.errors import ConfigurationError, DaybreakError, SourceRefused, WarehouseUnavailable
from daybreak.warehouse.sql_file import Rendered, SqlFile
from daybreak.warehouse.waits import Waits, bounded_url

if TYPE_CHECKING:
    import pyarrow as pa

# Classes of SQLSTATE that a later try may not meet again: connection, resources, operator intervention, lock not had,
# serialization and deadlock.
_TRANSIENT_STATES = ("08", "53", "57", "55P03", "40001", "40P01")
# What a driver says where the connection is gone and no SQLSTATE came with it.
_TRANSIENT_TEXTS = (
    "server closed the connection",
    "connection to server",
    "could not connect",
    "connection refused",
    "the database system is",
    "terminating connection",
    "connection already closed",
    "no connection to the server",
    "ssl connection has been closed",
    "timed out",
    "could not translate host name",
)
_DRIVER = "postgresql+psycopg2"
_URL = "postgresql://user:password@host:5432/database"
# What the driver reads before it hands over a record batch.
_BATCH_BYTES = 8 << 20
# What one of our own tables is called where it is not there; a table of the source is the source's fault.
_MISSING_TABLE = re.compile(r'relation "(predictions\..+)" does not exist')
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
        self._counting = Lock()
        self._waits = Waits(self.url, lock_timeout_seconds)

    @cached_property
    def engine(self) -> Engine:
        """The SQLAlchemy engine; a connection that went stale is replaced before use."""
        return self._waits.engine(pool_pre_ping=True)

    @cached_property
    def _bulk(self) -> Any:
        # The driver reads the database's types when it first connects, which takes ten times as long as connecting:
        # every further connection is made from this one.
        from adbc_driver_postgresql import dbapi

        uri = bounded_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
        return dbapi.connect(uri, autocommit=True)

    def close(self) -> None:
        """Give every connection back that is kept for later."""
        if "engine" in self.__dict__:
            self.engine.dispose()
        if "_bulk" in self.__dict__:
            self.__dict__.pop("_bulk").close()

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
        with translated():
            # The driver counts its connections without a lock of its own.
            with self._counting:
                connection = self._bulk.adbc_clone()
            try:
                with self._waits.bulk(connection, first):
                    yield connection
            finally:
                with self._counting:
                    connection.close()

    def check(self, sql: SqlFile, binds: dict[str, Any]) -> None:
        """Refuse a file that is not one query, naming file and line; it is prepared, not run."""
        sql.refuse_more_than_a_query()
        sql.refuse_unknown_binds(binds)
        statement = rendered(sql, binds)
        prepare = "PREPARE daybreak_check AS "
        try:
            with self.engine.connect() as connection:
                connection.exec_driver_sql((prepare + statement.text).replace("%", "%%"))
        except sa.exc.DBAPIError as error:
            diagnosis = getattr(error.orig, "diag", None)
            if sqlstate(error) != "42601" or diagnosis is None:
                # A missing table or column is the source's fault and is reported by extract; a lost connection is not
                # the file's fault either.
                if is_transient(error):
                    raise _unavailable(error) from error
                return
            position = int(diagnosis.statement_position or 1) - 1 - len(prepare)
            raise ConfigurationError(
                f"{sql.location(statement.origin(position))}: {diagnosis.message_primary}.",
                next_step="mend the SQL file.",
            ) from error

    def row(self, sql: SqlFile, binds: dict[str, Any]) -> tuple[Any, ...]:
        """Run a query that gives one row."""
        with self.begin() as connection:
            return tuple(connection.exec_driver_sql(rendered(sql, binds).text.replace("%", "%%")).one())

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
        sql.refuse_unknown_binds(binds)
        text = rendered(sql, binds).text
        with self.bulk(_READ_ONLY) as connection, connection.cursor() as cursor, ThreadPoolExecutor(1) as beside:
            counting = None
            if count:
                # Counting may take as long as reading does, so the one waits for the other only at their end.
                cursor.execute("SELECT pg_export_snapshot()")
                counting = beside.submit(self._count, text, by, cursor.fetchone()[0])
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)})
            cursor.execute(text)
            with cursor.fetch_record_batch() as reader:
                yield (counting.result() if counting else {}), _plain(reader)

    def _count(self, query: str, by: str | None, state: str) -> dict[str | None, int]:
        value = "NULL" if by is None else '"' + by.replace('"', '""') + '"'
        with self.bulk(_READ_ONLY, f"SET TRANSACTION SNAPSHOT '{state}'") as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT {value}::text, count(*) FROM (\n{query}\n) AS source GROUP BY 1")
            return {value: int(rows) for value, rows in cursor.fetchall()}


def with_driver(url: str) -> str:
    """Name the driver in a PostgreSQL URL that names none: the one that SQLAlchemy would take is not installed."""
    scheme, separator, rest = url.partition("://")
    return f"{_DRIVER}{separator}{rest}" if scheme == "postgresql" else url


def _plain(reader: "pa.RecordBatchReader") -> "pa.RecordBatchReader":
    """Turn the driver's own types into ones that a file and a model can hold."""
    import pyarrow as pa

    own = [isinstance(field.type, pa.BaseExtensionType) for field in reader.schema]
    for field in (field for field, is_own in zip(reader.schema, own, strict=True) if is_own):
        # NUMERIC arrives as text that says so; a type without a plain counterpart is for the query to cast.
        if getattr(field.type, "type_name", "") != "numeric":
            raise SourceRefused(
                f"Column {field.name} has type {field.type}, which no batch can hold.",
                next_step=f"cast it in the query, for example {field.name}::text.",
            )
    schema = pa.schema(
        [pa.field(f.name, pa.float64() if is_own else f.type) for f, is_own in zip(reader.schema, own, strict=True)]
    )

    def batches() -> "Iterator[pa.RecordBatch]":
        for batch in reader:
            columns = zip(batch.columns, own, strict=True)
            arrays = [column.storage.cast(pa.float64()) if is_own else column for column, is_own in columns]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


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


def sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE that an error of either driver carries, or an empty string."""
    original = getattr(error, "orig", None) or error
    return str(getattr(original, "sqlstate", None) or getattr(original, "pgcode", None) or "")


def was_cancelled(error: BaseException) -> bool:
    """Tell whether a statement was cancelled, as by Ctrl-C while rows are copied: the error, or what it was made of."""
    return "57014" in (sqlstate(error), sqlstate(error.__cause__ or error))


def is_transient(error: BaseException) -> bool:
    """Tell whether a later try may succeed."""
    if sqlstate(error):
        return sqlstate(error).startswith(_TRANSIENT_STATES)
    return any(text in str(error).lower() for text in _TRANSIENT_TEXTS)


@contextmanager
def translated() -> Iterator[None]:
    """Let no fault of the database out of the body but as a transient or a terminal error."""
    from adbc_driver_manager import Error as AdbcError

    try:
        yield
    except DaybreakError:
        raise
    except (sa.exc.DBAPIError, AdbcError, OSError) as error:
        if is_transient(error):
            raise _unavailable(error) from error
        if (missing := _MISSING_TABLE.search(_first_line(error))) and sqlstate(error) == "42P01":
            raise ConfigurationError(
                f"There is no table {missing[1]}.",
                next_step="run a partition of its pipeline, or make it with `daybreak tables`.",
            ) from error
        raise


def _unavailable(error: BaseException) -> WarehouseUnavailable:
    return WarehouseUnavailable(
        f"The warehouse did not answer ({_first_line(error)}).",
        next_step="it is tried again; if it lasts, check that the database is up (`daybreak local status`).",
    )


def refused_by_source(error: BaseException, what: str) -> SourceRefused:
    """Turn a terminal database error on reading the source into its one-line refusal."""
    return SourceRefused(
        f"{what} cannot be read: {_first_line(error)}.",
        next_step="mend the source or the query, then run the partition again.",
    )


def said(error: BaseException) -> str:
    """Return what the database said of an error, on one line."""
    return _first_line(error)


def _first_line(error: BaseException) -> str:
    original = getattr(error, "orig", None) or error
    # ADBC says first where in the driver it happened.
    lines = [line.strip() for line in str(original).rpartition("ERROR:")[2].splitlines() if line.strip()]
    return lines[0].rstrip(".")[:300] if lines else type(error).__name__
