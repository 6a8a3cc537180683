"""Reading: the queries of what is shown, each in a file, over one state of the ledger and within seconds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa

from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.faults import sqlstate
from daybreak.warehouse.migrations import ENGINE_SQL
from daybreak.warehouse.sql_file import load_sql

Found = TypeVar("Found")

_CANCELED = "57014"
# A look must never stand in the way of a run: what takes longer is ended by the server.
_BOUNDED = "SET LOCAL statement_timeout = '5s'; SET LOCAL transaction_read_only = on"


def if_quick(connection: sa.Connection, look: Callable[[], Found | None]) -> Found | None:
    """Read what a page can do without; None where the server takes longer than a second for it."""
    try:
        with connection.begin_nested():
            connection.exec_driver_sql("SET LOCAL statement_timeout = '1s'")
            return look()
    except sa.exc.OperationalError as error:
        if sqlstate(error) != _CANCELED:
            raise
        return None


@contextmanager
def reading(warehouse: Warehouse) -> Iterator[sa.Connection]:
    """Open a connection that can only read, for so long as a look may take; raise TransientError where it is away."""
    with warehouse.read() as connection:
        connection.exec_driver_sql(_BOUNDED)
        yield connection


def rows_of(connection: sa.Connection, query: str, **binds: Any) -> list[dict[str, Any]]:
    """Run one of the queries by its name in ``sql/ledger/standing``."""
    text = load_sql(ENGINE_SQL / "ledger" / "standing" / f"{query}.sql").text
    return [dict(row) for row in connection.execute(sa.text(text), binds).mappings()]
