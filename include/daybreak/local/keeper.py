"""The process that keeps the local Airflow, and a promotions system with it: starts them, ends them with its parent.

It stands between the command that wants an Airflow and Airflow's processes. The command holds a pipe to it; however
the command ends, by Ctrl-C, by an error or by SIGKILL, the kernel closes the pipe. So there is one way to stop, and
nothing is left behind. It holds the embedded PostgreSQL too, and lets it go last.

Run as ``python -m daybreak.local.keeper HOME start|migrate [MODULE PORT]``, in a session of its own, with Airflow's
environment; MODULE and PORT are those of the promotions system.
"""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from daybreak.embedded.processes import Recorded, end, forget, record
from daybreak.local.promotions import COMPONENT, LocalPromotions

# Task logs are read from the folder they are written to, so no log server. No triggerer either: it serves deferrable
# operators only, there are none, and it costs 200 MB and four seconds of a core.
COMPONENTS: dict[str, tuple[str, ...]] = {
    "api-server": ("airflow", "api-server"),
    "scheduler": ("airflow", "scheduler", "--skip-serve-logs"),
    "dag-processor": ("airflow", "dag-processor"),
}
MIGRATION: dict[str, tuple[str, ...]] = {"migration": ("airflow", "db", "migrate")}
MIGRATION_FAILED = 3

# A running task does not listen to SIGTERM: it has this long to finish, and is tried again after the next start if not.
_PATIENCE_SECONDS = 5


class Keeper:
    """Start Airflow's components and see to their end."""

    def __init__(self, home: Path, promotions: LocalPromotions | None = None) -> None:
        self._home = home
        self._promotions = promotions
        self._logs = home / "airflow" / "logs"
        self._run = home / "airflow" / "run"
        self._parent = os.getppid()
        self._signalled = False
        self._started: dict[str, tuple[subprocess.Popen[bytes], Recorded]] = {}

    def keep(self, *, migrate: bool) -> int:
        """Run until the parent closes the pipe, ends, or a signal comes; then end everything."""
        from daybreak.embedded.postgres import EmbeddedPostgres
        from daybreak.local.airflow_environment import promotions_environment

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._remember_signal)
        record(self._run, "keeper", os.getpid())
        postgres = EmbeddedPostgres(self._home)
        try:
            self._start(MIGRATION if migrate else COMPONENTS)
            postgres.use()
            if self._promotions:
                environment = promotions_environment(self._promotions, postgres)
                self._start({COMPONENT: (self._promotions.module,)}, self._promotions.url, environment)
            if migrate:
                if self._wait_for_migration() != 0:
                    return 0 if self._ending() else MIGRATION_FAILED
                self._start(COMPONENTS)
            while not self._ending(wait=0.5):
                for process, _ in self._started.values():
                    process.poll()  # takes a dead component off the process table, where the parent looks for it
            return 0
        finally:
            self._end()
            postgres.use().release()

    def _start(
        self, commands: dict[str, tuple[str, ...]], url: str = "", environment: dict[str, str] | None = None
    ) -> None:
        for name, arguments in commands.items():
            with (self._logs / f"{name}.log").open("wb") as log:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", *arguments],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self._started[name] = (process, record(self._run, name, process.pid, url))

    def _wait_for_migration(self) -> int | None:
        process, _ = self._started["migration"]
        while process.poll() is None and not self._ending(wait=0.1):
            pass
        return process.returncode

    def _end(self) -> None:
        # A task that is told to end still has its word with the promotions system and the api-server: they go last.
        last = [record for name, (_, record) in self._started.items() if name in ("api-server", COMPONENT)]
        end([record for _, record in self._started.values() if record not in last], patience=_PATIENCE_SECONDS)
        end(last, patience=_PATIENCE_SECONDS)
        for process, _ in self._started.values():
            process.wait()
        forget(self._run, [*self._started, "up", "keeper"])

    def _ending(self, wait: float = 0) -> bool:
        closed, _, _ = select.select([sys.stdin], [], [], wait)
        return bool(closed) or self._signalled or os.getppid() != self._parent

    def _remember_signal(self, *_: object) -> None:
        self._signalled = True


def _main(home: str, order: str, module: str = "", port: str = "") -> int:
    promotions = LocalPromotions(Path(home), module, int(port)) if module else None
    return Keeper(Path(home), promotions).keep(migrate=order == "migrate")


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
