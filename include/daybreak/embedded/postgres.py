"""Embedded PostgreSQL: real PostgreSQL from a wheel, on a socket in a folder.

Every process that uses the server holds a shared lock on a file beside it. Whoever leaves and finds nobody else there
stops the server. The kernel gives locks back when a process is killed, so no count can go wrong. Only one at a time
starts or stops it: that is a second lock. Files, locks and socket are those of the home's owner alone.
"""

import atexit
import fcntl
import os
import shlex
import time
from pathlib import Path

import psutil
import sqlalchemy as sa

from daybreak.embedded.account import Account, account_of, let_in, make_home
from daybreak.embedded.cluster import make_whole
from daybreak.embedded.locks import alone, open_lock, try_lock
from daybreak.embedded.postmaster import Postmaster
from daybreak.embedded.programs import ProgramFailed, run
from daybreak.embedded.socket_folder import PORT, socket_folder
from daybreak.errors import ConfigurationError, WarehouseUnavailable

DATABASES = ("daybreak", "airflow", "mlflow", "promotions")
_START_SECONDS = 240
_ANSWER_SECONDS = 60


class EmbeddedPostgres:
    """One server in ``<home>/postgres``, shared by all processes of this machine that name the same home."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.folder = self.home / "postgres"
        self._starting = self.home / "postgres.starting"
        self._held: tuple[int, int] | None = None

    def use(self) -> "EmbeddedPostgres":
        """Start the server unless it runs, and keep it running until this process ends or calls ``release``.

        Raises ConfigurationError where it cannot be started, or is somebody else's; WarehouseUnavailable where it does
        not answer in time.
        """
        if self._held is None:
            try:
                make_home(self.home)
            except OSError as error:
                raise ConfigurationError(
                    f"{self.home} cannot be made: {error.strerror}.", next_step="name another folder in DAYBREAK_HOME."
                ) from error
            account = account_of(self.home, self.folder)
            starting = open_lock(self._starting)
            try:
                used = open_lock(self.home / "postgres.lock")
                try:
                    with alone(starting, self._starting):
                        fcntl.flock(used, fcntl.LOCK_SH)  # who takes it alone holds the other one too
                        self._start(account)
                except BaseException:
                    os.close(used)
                    raise
            except BaseException:
                os.close(starting)
                raise
            self._held = starting, used
            atexit.register(self.release)
        return self

    def release(self) -> None:
        """Let go of the server, and stop it if no other process uses it."""
        if self._held is None:
            return
        (starting, used), self._held = self._held, None
        try:
            with alone(starting, self._starting):
                if try_lock(used, fcntl.LOCK_EX):
                    self.stop()
        except WarehouseUnavailable:
            pass  # who starts or stops it now is its next user
        finally:
            os.close(used)
            os.close(starting)
            atexit.unregister(self.release)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server whoever uses it; what was committed stays."""
        if self.running():
            run("pg_ctl", "-w", "-m", mode, "-D", ".", "stop", folder=self.folder, account=self._account())

    def running(self) -> bool:
        """Tell whether the server runs."""
        found = Postmaster.read(self.folder)
        return found is not None and found.runs()

    def url(self, database: str = "daybreak") -> str:
        """Return the SQLAlchemy URL of one of the server's databases."""
        found = Postmaster.read(self.folder)
        if found is None:
            raise ConfigurationError("The embedded PostgreSQL is not running.", next_step="start it: `make up`.")
        return sa.URL.create(
            "postgresql+psycopg2", "postgres", database=database, query={"host": str(found.socket_folder)}
        ).render_as_string()

    def _account(self) -> Account:
        return account_of(self.home, self.folder)

    def _start(self, account: Account) -> None:
        deadline = time.monotonic() + _ANSWER_SECONDS
        while True:
            if not self.running():
                self._launch(account)
            try:
                return self._create_databases()
            except sa.exc.OperationalError as error:
                # Somebody else is stopping it, or it is not through with mending what a crash has left.
                if time.monotonic() > deadline:
                    reason = " ".join(str(error.orig).split())
                    raise WarehouseUnavailable(
                        f"The embedded PostgreSQL does not answer ({reason}).",
                        next_step=f"read the end of {self.folder / 'log'}, and run the command again.",
                    ) from error
            time.sleep(0.2)

    def _launch(self, account: Account) -> None:
        make_whole(self.folder, account)
        if account.other:
            let_in(account, self.folder)
        self._forget_another_process()
        folder = socket_folder(self.folder, account)
        # No TCP at all; the socket is the account's even where its folder was opened to others.
        options = ["-h", "", "-p", str(PORT), "-k", str(folder), "-c", "unix_socket_permissions=0700"]
        log = self.folder / "log"
        try:
            run(
                "pg_ctl", "-w", "-t", str(_START_SECONDS), "-o", shlex.join(options), "-l", "log", "-D", ".", "start",
                folder=self.folder, account=account,
            )  # fmt: skip
        except ProgramFailed as error:
            reason = _last_complaint(log) or str(error)
            read = f"read the end of {log}" if log.exists() else f"see that {self.folder} can be written to"
            raise ConfigurationError(
                f"The embedded PostgreSQL does not start: {reason}.",
                next_step=f"{read}; if nothing in this database is needed any more, delete {self.folder} and run the "
                "command again.",
            ) from error

    def _forget_another_process(self) -> None:
        """Remove the file of a server that is gone where its number is another process's by now: it would not start."""
        found = Postmaster.read(self.folder)
        if found and not found.runs() and psutil.pid_exists(found.pid):
            (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def _create_databases(self) -> None:
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            known = set(connection.scalars(sa.text("SELECT datname FROM pg_database")))
            for name in DATABASES:
                if name not in known:
                    connection.exec_driver_sql(f"CREATE DATABASE {name}")


def _last_complaint(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()[-50:]
    except OSError:
        return ""
    said = [line.partition("FATAL:")[2] or line.partition("PANIC:")[2] for line in lines]
    return next((" ".join(text.split()) for text in reversed(said) if text), "")
