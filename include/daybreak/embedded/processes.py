"""Processes by file: what was started, whether it still runs, and how it ends with everything it started.

Each recorded process leads a session of its own. Airflow gives every task its own process group, and a task whose
parents were killed has no tree that leads to it; but the session it stays in finds it.
"""

import json
import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

_SAME_START_SECONDS = 1

# The scheduler ends by an exception in its signal handler, which is lost where it strikes a callback of the collector.
_ASK_AGAIN_SECONDS = 2


@dataclass(frozen=True)
class Recorded:
    """A process that was started, told apart from a later one with the same number by its start after boot."""

    name: str
    pid: int
    started: float
    url: str = ""

    def alive(self) -> bool:
        """Tell whether this very process still runs."""
        try:
            process = psutil.Process(self.pid)
            return self._same(process) and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this very process, if it still runs."""
        with suppress(ProcessLookupError):
            if self.alive():
                os.kill(self.pid, number)

    def session(self) -> list[psutil.Process]:
        """List the living members of the session this process leads or led."""
        with suppress(psutil.NoSuchProcess):
            if not self._same(psutil.Process(self.pid)):
                return []  # its number belongs to another by now, and with it the session of that number
        members = []
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, OSError):
                if os.getsid(process.pid) == self.pid and process.status() != psutil.STATUS_ZOMBIE:
                    members.append(process)
        return members

    def _same(self, process: psutil.Process) -> bool:
        return abs(_since_boot(process) - self.started) < _SAME_START_SECONDS


def record(folder: Path, name: str, pid: int, url: str = "") -> Recorded:
    """Write down a process that was just started."""
    process = Recorded(name, pid, _since_boot(psutil.Process(pid)), url)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{name}.new"
    unfinished.write_text(json.dumps(asdict(process)))
    unfinished.replace(folder / f"{name}.pid")
    return process


def recorded(folder: Path) -> dict[str, Recorded]:
    """Read which processes were started, by name; whether they run is another question."""
    found = {}
    for file in sorted(folder.glob("*.pid")):
        with suppress(OSError, ValueError, TypeError):  # removed in between, or not ours
            found[file.stem] = Recorded(**json.loads(file.read_text()))
    return found


def forget(folder: Path, names: Iterable[str]) -> None:
    """Remove the records of processes that ended."""
    for name in names:
        (folder / f"{name}.pid").unlink(missing_ok=True)


def end(leaders: Iterable[Recorded], *, patience: float) -> None:
    """Ask the processes to end, wait, and kill what is left of their sessions."""
    leaders = list(leaders)
    for leader in leaders:
        if leader.session():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(leader.pid, signal.SIGTERM)
    asked = time.monotonic()
    deadline = asked + patience
    while left := [process for leader in leaders for process in leader.session()]:
        now = time.monotonic()
        if now > deadline:
            for process in left:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        elif now > asked + _ASK_AGAIN_SECONDS:
            asked = now
            for leader in leaders:
                leader.signal(signal.SIGTERM)
        time.sleep(0.1)


def _since_boot(process: psutil.Process) -> float:
    # Not the time of day: setting the clock would make every process another one.
    return process.create_time() - psutil.boot_time()
