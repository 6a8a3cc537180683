"""Bulk connections: rows as Arrow through ADBC. A connection that ended well is kept for whoever needs the next one.

To connect costs a server more than most of what a run asks of it, and over a network it takes tens of milliseconds. A
kept one holds nothing of what was done on it: no transaction, no temporary table, no setting.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import RLock
from typing import Any

# Types that somebody has made, the driver reads from the catalog when it first connects, of every table there is. It
# takes four times as long as connecting, in a large warehouse minutes, and there has to be one.
_TYPES = "adbc.postgresql.type_resolver_mode"
_STATUS = "adbc.postgresql.transaction_status"
_FIRST_OWN = 16_384
_HAS_OWN_TYPES = f"""
SELECT EXISTS (
    SELECT
    FROM pg_catalog.pg_type
    WHERE
        oid >= {_FIRST_OWN} AND typtype <> 'd' AND typcategory <> 'A'
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE pg_class.oid = typrelid AND relkind <> 'c')
)
"""
# A run reads, counts, writes and sets aside at the same time.
_MOST_KEPT = 4


class BulkConnections:
    """Connect to one database, on first use."""

    def __init__(self, url: str) -> None:
        self._url = url
        # The driver counts its connections without a lock of its own. Reentrant, for one that was forgotten is ended by
        # whoever looks for garbage, which may be who holds this.
        self._alone = RLock()
        # What it has found out of the database's types is known to every further one, which is made from it.
        self._first: Any = None
        self._kept: list[Any] = []

    @contextmanager
    def one(self) -> Iterator[Any]:
        """Open one: a transaction, rolled back unless committed."""
        connection = self._taken()
        try:
            yield connection
        except BaseException:
            # What it was in the middle of, nobody knows.
            self._end(connection)
            raise
        if not (_as_new(connection) and self._keep(connection)):
            self._end(connection)

    def close(self) -> None:
        """Close those that are kept."""
        while connection := self._kept_one():
            self._end(connection)

    def _taken(self) -> Any:
        while connection := self._kept_one():
            if _begins(connection):
                return connection
            self._end(connection)
        with self._alone:
            if self._first is not None:
                return self._first.adbc_clone()
            self._first = _connected(self._url)
            return self._first

    def _kept_one(self) -> Any:
        with self._alone:
            return self._kept.pop() if self._kept else None

    def _keep(self, connection: Any) -> bool:
        with self._alone:
            if len(self._kept) < _MOST_KEPT:
                self._kept.append(connection)
                return True
        return False

    def _end(self, connection: Any) -> None:
        with self._alone, suppress(Exception):  # it may be lost
            if connection is self._first:
                self._first = None
            connection.close()


def lock_bulk(cursor: Any, name: str) -> None:
    """Hold a named lock until the transaction of a cursor ends; raises the driver's error if it is not had in time."""
    cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", (name,))
    cursor.fetchone()  # here the driver says so if the lock was not had


def _begins(connection: Any) -> bool:
    """Begin a transaction, unless the server was restarted meanwhile or has ended the connection."""
    with suppress(Exception):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchall()
        connection.adbc_connection.set_autocommit(False)
        return True
    return False


def _as_new(connection: Any) -> bool:
    """Take everything from a connection that was done on it, unless there are rows that nobody wanted to read."""
    with suppress(Exception):
        if connection.adbc_connection.get_option(_STATUS) != "active":
            connection.rollback()
            connection.adbc_connection.set_autocommit(True)
            with connection.cursor() as cursor:
                cursor.execute("DISCARD ALL")
            return True
    return False


def _connected(url: str) -> Any:
    from adbc_driver_postgresql import dbapi

    connection = dbapi.connect(url, db_kwargs={_TYPES: "builtin"})
    with connection.cursor() as cursor:
        cursor.execute(_HAS_OWN_TYPES)
        if not cursor.fetchone()[0]:
            connection.rollback()
            return connection
    connection.close()
    return dbapi.connect(url)
