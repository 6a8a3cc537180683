"""A real Airflow on this machine: api-server, scheduler and dag-processor on the embedded PostgreSQL."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.embedded.processes import end, forget, record, recorded
from daybreak.errors import ConfigurationError, TerminalError, TransientError
from daybreak.local.airflow_api import AirflowApi
from daybreak.local.airflow_environment import USER, VIEWER, airflow_environment, password, write_local_settings
from daybreak.local.airflow_health import still_missing
from daybreak.local.airflow_tables import note_current_tables, tables_are_current
from daybreak.local.keeper import COMPONENTS, MIGRATION, MIGRATION_FAILED
from daybreak.local.promotions import COMPONENT, HOST, LocalPromotions
from daybreak.settings import Settings

# A keeper gives the scheduler and then the api-server five seconds before it kills them, and stops PostgreSQL.
_END_SECONDS = 30


class LocalAirflow:
    """One Airflow in ``<home>/airflow``, which ends with the process that started it.

    As a context manager it is healthy inside, and ``dags`` are parsed. Without ``schedules`` it starts nothing by the
    clock: there is no scheduled run beside a backfill. With ``promotions`` that system is started too, and Airflow has
    a Connection to it.
    """

    def __init__(
        self,
        settings: Settings,
        postgres: EmbeddedPostgres,
        *,
        dags: Sequence[str] = (),
        schedules: bool = True,
        promotions: LocalPromotions | None = None,
        progress: Callable[[str], None] = lambda message: None,
    ) -> None:
        self.url = f"http://localhost:{settings.port}"
        self.folder = settings.home.resolve() / "airflow"
        self._settings = promotions.receiving(settings) if promotions else settings
        self._promotions = promotions
        self._postgres = postgres
        self._dags = dags
        self._schedules = schedules
        self._progress = progress
        self._run = self.folder / "run"
        self._lock: int | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._launched = datetime.now(UTC)
        self._api: AirflowApi | None = None
        self._handler_before: Any = None

    def __enter__(self) -> "LocalAirflow":
        try:
            self.launch()
            self.wait_until_healthy()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def today(self) -> str:
        """Address of the page that says how the pipelines stand."""
        return f"{self.url}/plugin/daybreak"

    @property
    def api(self) -> AirflowApi:
        """A client that is logged in as the user ``admin``."""
        if self._api is None:
            self._api = AirflowApi(f"http://{HOST}:{self._settings.port}", USER, self.password)
        return self._api

    @property
    def password(self) -> str:
        """The password of the user ``admin`` of this home."""
        return password(self._settings.home)

    @property
    def password_of_viewer(self) -> str:
        """The password of the user ``viewer`` of this home, who may look and change nothing."""
        return password(self._settings.home, VIEWER)

    def launch(self) -> None:
        """Start Airflow and return at once, so that other work can go on until it is healthy."""
        if self._keeper is not None:
            return
        for folder in (self._run, self.folder / "logs"):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            self._leave_in_order_on_sigterm()
            self._lock = self._lock_home()
            self._end_leftovers()
            _refuse_a_port_in_use(self._settings.port, "DAYBREAK_PORT")
            if self._promotions:
                _refuse_a_port_in_use(self._promotions.port, "DAYBREAK_PROMOTIONS_PORT")
            self._start_keeper(self._settings.home.resolve(), self._lock)
        except BaseException:
            self.stop()
            raise

    def wait_until_healthy(self, *dags: str, timeout: float = 240) -> None:
        """Wait until every component is healthy and the DAGs, these and those of the constructor, are parsed."""
        deadline = time.monotonic() + timeout
        shown = None
        while missing := self._missing([*self._dags, *dags]):
            self._raise_if_ended()
            if missing != shown:
                self._progress(f"Waiting for {missing}.")
                shown = missing
            if time.monotonic() > deadline:
                raise TransientError(
                    f"Airflow is not healthy after {timeout:.0f} s: still waiting for {missing}.",
                    next_step=f"read the logs in {self.folder / 'logs'}, then start it again.",
                )
            time.sleep(0.2)
        note_current_tables(self._postgres.url("airflow"), self.folder)
        self._progress("Airflow is healthy.")

    def watch(self) -> None:
        """Stay until a component ends by itself, and say which."""
        while True:
            self._raise_if_ended()
            time.sleep(1)

    def stop(self) -> None:
        """End Airflow and wait until nothing of it is left; what was not started is left alone."""
        if self._keeper is not None and self._keeper.stdin is not None:
            self._progress("Stopping Airflow.")
            self._keeper.stdin.close()
            try:
                self._keeper.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._keeper.kill()
                self._keeper.wait()
            self._end_leftovers()
        if self._api is not None:
            self._api.close()
        if self._lock is not None:
            os.close(self._lock)
        self._keeper = self._api = self._lock = None
        if self._handler_before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._handler_before)
            self._handler_before = None

    def _leave_in_order_on_sigterm(self) -> None:
        # Only the main thread may; from another one the keeper still sees that the process is gone.
        if self._handler_before is None and threading.current_thread() is threading.main_thread():
            self._handler_before = signal.signal(signal.SIGTERM, leave)

    def _start_keeper(self, home: Path, lock: int) -> None:
        self._postgres.use()
        write_local_settings(home)
        order = ["start" if tables_are_current(self._postgres.url("airflow"), self.folder) else "migrate"]
        if self._promotions:
            order += [self._promotions.module, str(self._promotions.port)]
        self._launched = datetime.now(UTC)
        record(self._run, "up", os.getpid(), self.url)
        with (self.folder / "logs" / "keeper.log").open("wb") as log:
            self._keeper = subprocess.Popen(
                [sys.executable, "-P", "-m", "daybreak.local.keeper", str(home), *order],
                env=airflow_environment(self._settings, self._postgres, schedules=self._schedules),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock,),  # the home is taken until the keeper is done, too
            )

    def _lock_home(self) -> int:
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        deadline = time.monotonic() + _END_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return lock
            except BlockingIOError:
                up = recorded(self._run).get("up")
                if (up and up.alive()) or time.monotonic() > deadline:
                    os.close(lock)
                    raise ConfigurationError(
                        f"An Airflow of {self._settings.home} runs already, at {up.url if up else 'another address'}.",
                        next_step="use that one, or stop it: `daybreak local down`.",
                    ) from None
                self._progress("Waiting for the Airflow before this one to end.")
                time.sleep(0.5)

    def _end_leftovers(self) -> None:
        # There are some only where the keeper was killed, for it ends them otherwise.
        left = recorded(self._run)
        end([process for name, process in left.items() if name != "up"], patience=0)
        forget(self._run, left)

    def _missing(self, dags: Sequence[str]) -> str | None:
        if "api-server" not in recorded(self._run):
            return "Airflow's tables to be created"
        if self._promotions and not self._promotions.healthy():
            return "the promotions system"
        return still_missing(self.api, dags, self._settings.checkout / "dags", since=self._launched)

    def _raise_if_ended(self) -> None:
        started = recorded(self._run)
        migration_failed = self._keeper is not None and self._keeper.poll() == MIGRATION_FAILED
        dead = [name for name in (*COMPONENTS, COMPONENT) if name in started and not started[name].alive()]
        if migration_failed:
            dead = [*MIGRATION]
        elif self._keeper is None or self._keeper.poll() is not None:
            dead = ["keeper"]
        if dead:
            log = self.folder / "logs" / f"{dead[0]}.log"
            raise TerminalError(
                f"The {dead[0]} ended by itself. Its log ends: {_last_lines(log)}",
                next_step=f"read {log}.",
            )


def _refuse_a_port_in_use(port: int, setting: str) -> None:
    with socket.socket() as listener, socket.socket() as caller:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            in_use = False
        except OSError:
            in_use = True
        if in_use or caller.connect_ex((HOST, port)) == 0:
            raise ConfigurationError(
                f"Port {port} is in use by another program.",
                next_step=f"stop that program, or choose another port with {setting}.",
            )


def _last_lines(log: Path, lines: int = 3) -> str:
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return "(there is none)"
    return " | ".join([line.strip()[:200] for line in text.splitlines() if line.strip()][-lines:]) or "(it is empty)"


def leave(number: int, _: FrameType | None) -> None:
    """End the process in order on a signal: what was started is ended on the way out."""
    raise SystemExit(128 + number)
