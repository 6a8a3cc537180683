"""Waits: no statement waits for a lock without a bound, and who waited in vain says for what and who holds it.

The bound is set in each transaction, not in the connection's options: a pooler between us and the server refuses those.
Once a statement was given up it is too late to ask what it waited for, so a thread looks at transactions that take
long.
"""

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import Context, copy_context
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url

from daybreak.errors import WarehouseUnavailable
from daybreak.warehouse.lock_holders import HeldLock, find_held_locks

if TYPE_CHECKING:
    from sqlalchemy.engine import ExceptionContext
    from sqlalchemy.pool import ConnectionPoolEntry

log = logging.getLogger("daybreak")

_LOCK_NOT_AVAILABLE = "55P03"
# Seconds until a server that is not reached, or is not there any more, is given up; read by the driver, not the server.
_REACHED = {
    "application_name": "daybreak",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
_LONGEST_LOOK = 5.0


def bounded_url(url: str | URL) -> URL:
    """Return a URL by which a server that cannot be reached is given up in time, unless it says otherwise itself."""
    found = make_url(url)
    return found.update_query_dict({name: value for name, value in _REACHED.items() if name not in found.query})


class Waits:
    """Bound the waits of one database's connections, and remember what is waited for."""

    def __init__(self, url: str | URL, lock_timeout_seconds: float) -> None:
        self._url = bounded_url(url)
        self._seconds = lock_timeout_seconds
        self._interval = min(_LONGEST_LOOK, lock_timeout_seconds / 4)
        self._began: dict[int, float] = {}
        self._worked_on: dict[int, Context] = {}
        self._seen: dict[int, HeldLock] = {}
        # Whose transaction has ended. It is said here without a lock, for a connection that was forgotten is given back
        # by whoever looks for garbage, in the middle of anything, also of what is done under the lock.
        self._over: deque[int] = deque()
        self._alone = Lock()
        self._thread: Thread | None = None

    def engine(self, **options: Any) -> Engine:
        """Make an engine whose every transaction is bounded."""
        # Whether the server has hstore would be asked by each connection, and nothing here is one.
        engine = sa.create_engine(self._url, use_native_hstore=False, **options)
        self.attach(engine)
        return engine

    def attach(self, engine: Engine) -> None:
        """Bound every transaction of an engine that somebody else has made."""
        sa.event.listen(engine, "begin", self._begun)
        sa.event.listen(engine, "commit", self._ended)
        sa.event.listen(engine, "rollback", self._ended)
        sa.event.listen(engine, "handle_error", self._failed)
        # Of a connection that is lost or thrown away nobody says that its transaction has ended.
        sa.event.listen(engine, "checkin", self._given_back)

    @contextmanager
    def bulk(self, connection: Any, first: Sequence[str] = ()) -> Iterator[None]:
        """Bound the transaction of an ADBC connection, which opens with the statements that have to come first."""
        with connection.cursor() as cursor:
            for statement in first:
                cursor.execute(statement)
            cursor.execute(f"SET LOCAL lock_timeout = {self._milliseconds}")
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        self._watch(pid)
        try:
            yield
        except Exception as error:
            if _in_vain(error):
                raise self._explained(pid) from error
            raise
        finally:
            self._forget(pid)

    @property
    def _milliseconds(self) -> int:
        return max(1, int(self._seconds * 1000))

    def _begun(self, connection: Connection) -> None:
        bounded = "SELECT set_config('lock_timeout', '%d', true), pg_backend_pid()"
        # Asked of the server: what the driver says is the pooler's number, if there is one.
        pid = connection.exec_driver_sql(bounded % self._milliseconds).one()[1]
        connection.info["pid"] = pid
        self._watch(pid)

    def _ended(self, connection: Connection) -> None:
        if not connection.invalidated:
            self._forget(connection.info.pop("pid", None))

    def _given_back(self, _: Any, record: "ConnectionPoolEntry") -> None:
        self._forget(record.info.pop("pid", None))

    def _failed(self, context: "ExceptionContext") -> None:
        if _in_vain(context.original_exception) and context.connection is not None:
            raise self._explained(context.connection.info.get("pid")) from context.original_exception

    def _explained(self, pid: int | None) -> WarehouseUnavailable:
        with self._alone:
            held = self._seen.get(pid) if pid is not None else None
        waited = f"Waited {self._seconds:g} s for {held.what if held else 'a lock'}"
        after = "it is tried again; if it lasts"
        if held is None or held.pid is None:
            return WarehouseUnavailable(
                f"{waited} and did not get it (lock timeout).",
                next_step=f"{after}, see who holds it with `SELECT * FROM pg_stat_activity;`.",
            )
        return WarehouseUnavailable(
            f"{waited}, which {held.holder} holds (lock timeout).",
            next_step=f"{after}, wait for that process or end it: `SELECT pg_terminate_backend({held.pid});`.",
        )

    def _watch(self, pid: int) -> None:
        with self._alone:
            self._drop()
            self._began[pid] = time.monotonic()
            self._worked_on[pid] = copy_context()
            self._seen.pop(pid, None)
            # A process that was forked has this object and not its thread.
            if not (self._thread and self._thread.is_alive()):
                self._thread = Thread(target=self._look, name="daybreak-waits", daemon=True)
                self._thread.start()

    def _forget(self, pid: int | None) -> None:
        if pid is not None:
            self._over.append(pid)

    def _drop(self) -> None:
        """Forget, under the lock, whose transaction has ended; a connection begins its next one after that."""
        while self._over:
            pid = self._over.popleft()
            self._began.pop(pid, None)
            self._worked_on.pop(pid, None)

    def _look(self) -> None:
        engine = sa.create_engine(self._url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        while True:
            time.sleep(self._interval)
            before = time.monotonic() - self._interval
            with self._alone:
                self._drop()
                if not self._began:
                    self._thread = None
                    return
                long = {pid: began for pid, began in self._began.items() if began < before}
            # What cannot be looked at now is looked at again; the one who waits hears of it in any case.
            with suppress(sa.exc.SQLAlchemyError):
                if long:
                    with engine.connect() as connection:
                        self._note(find_held_locks(connection, list(long)), long)

    def _note(self, found: dict[int, HeldLock], began: dict[int, float]) -> None:
        with self._alone:
            self._drop()
            # One that has ended meanwhile waits no more, and what its connection does next waits for something else.
            found = {pid: held for pid, held in found.items() if self._began.get(pid) == began[pid]}
            told = [(held, self._worked_on[pid]) for pid, held in found.items() if pid not in self._seen]
            self._seen.update(found)
        for held, waiting in told:
            told_of = ("Waiting at most %g s for %s, which %s holds.", self._seconds, held.what, held.holder)
            waiting.copy().run(log.warning, *told_of)


def _in_vain(error: BaseException) -> bool:
    """Tell whether an error of either driver says that a lock was not had in time."""
    return _LOCK_NOT_AVAILABLE in (getattr(error, "pgcode", None), getattr(error, "sqlstate", None))
