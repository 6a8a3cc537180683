"""Signs of life: locks by which others see that a process still works on a run.

They are held on one connection of the process's own, so they go when the process does, however it ends.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from daybreak.errors import DaybreakError
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.faults import translated

# Whoever holds a sign may be busy elsewhere for hours; servers before version 14 have no such setting.
_PATIENT = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'"


def sign(run_id: Any) -> sa.ColumnElement[int]:
    """Return the key of a run's sign, a shared lock: a run may be planned by one and worked on by another."""
    return sa.func.hashtextextended(sa.func.concat("alive/", run_id), 0)


class SignsOfLife:
    """Hold the signs of the runs that this process works on."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._runs: set[int] = set()
        self._connection: Connection | None = None
        self._opened = ExitStack()
        self._alone = Lock()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction on the connection that holds the signs."""
        with self._alone, translated():
            connection = self._held()
            with connection.begin():
                yield connection

    def take(self, connection: Connection, run_id: int) -> None:
        """Show a sign from within ``begin``: a run that is opened there is never seen without it."""
        if run_id not in self._runs:
            connection.execute(sa.select(sa.func.pg_advisory_lock_shared(sign(run_id))))
            self._runs.add(run_id)

    def release(self, run_id: int) -> None:
        """Take a sign back; one that is gone with its connection is no error."""
        with self._alone:
            known = run_id in self._runs
            self._runs.discard(run_id)
            if known and self._connection is not None:
                with suppress(DaybreakError, sa.exc.SQLAlchemyError), self._connection.begin():
                    self._connection.execute(sa.select(sa.func.pg_advisory_unlock_shared(sign(run_id))))

    def close(self) -> None:
        """Take all signs back."""
        with self._alone:
            self._runs.clear()
            self._forget()

    def _forget(self) -> None:
        self._connection = None
        with suppress(DaybreakError, sa.exc.SQLAlchemyError):
            self._opened.close()

    def _held(self) -> Connection:
        """Return the connection; one that was lost is replaced, and the signs are shown on the new one."""
        if self._connection is not None:
            try:
                self._connection.execute(sa.text("SELECT 1"))
                self._connection.rollback()
                return self._connection
            except sa.exc.DBAPIError:
                self._forget()
        connection = self._opened.enter_context(self._warehouse.session())
        connection.exec_driver_sql(_PATIENT)
        for run_id in self._runs:
            connection.execute(sa.select(sa.func.pg_advisory_lock_shared(sign(run_id))))
        connection.commit()
        self._connection = connection
        return connection
