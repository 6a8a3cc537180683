"""Daybreak in processes of their own, which can be killed at a chosen line.

They are forks of one process that has imported everything, so that starting one takes no seconds.
"""

import gc
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any

import daybreak
from daybreak.batch.snapshot import Snapshot
from daybreak.garbage import collect_seldom
from daybreak.ledger.runs import Counts
from daybreak.local.preload import ENGINE as TASKS
from daybreak.local.preload import MODULES
from daybreak.run.plan import Plan
from daybreak.run.planning import Request, plan_run
from daybreak.run.runner import Runner
from daybreak.settings import Settings
from daybreak.workspace import Workspace
from waiting import LONG

ENGINE = str(Path(daybreak.__file__).parent)
FORKS = multiprocessing.get_context("forkserver")
_RECEIVER = ["uvicorn", "retail.promotions_system.app"]
# What is installed, not what is in tests/: Python 3.11 does not hand on where to look for modules, and says nothing.
IMPORTED = [*MODULES, *TASKS, *_RECEIVER, "daybreak.cli.app", "httpx"]
FORKS.set_forkserver_preload(IMPORTED)

Line = tuple[str, int]
Tracer = Callable[[FrameType, str, Any], Any]


@dataclass(frozen=True)
class Death:
    """Where a process kills itself: at a line, or when a function is called for the nth time."""

    line: Line | None = None
    function: str = ""
    call: int = 1


def environment(settings: Settings) -> dict[str, str]:
    """Turn settings into the variables that they would be read from."""
    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    for field in ("source", "alert"):
        values |= {f"{field}_{name}": value for name, value in values.pop(field).items()}
    shown = {name: v.get_secret_value() if hasattr(v, "get_secret_value") else v for name, v in values.items()}
    return {f"DAYBREAK_{name.upper()}": str(value) for name, value in shown.items() if value is not None}


def start(settings: Settings, *arguments: str, death: Death | None = None, lines: Path | None = None) -> BaseProcess:
    """Start ``daybreak`` with arguments; its output goes into the home's ``output`` file."""
    return _started(_command, settings, arguments, death, lines)


def start_tasks(
    settings: Settings, folder: Path, day: str, *, death: Death | None = None, lines: Path | None = None
) -> BaseProcess:
    """Start a process that runs the tasks that ``folder`` has no reference of yet."""
    return _started(_tasks, settings, (str(folder), day), death, lines)


def run_tasks(workspace: Workspace, folder: Path, day: str) -> None:
    """Run a day task by task as Airflow does; a task is done when its reference is in the folder."""
    pipeline = workspace.pipeline("parcel_hours")

    def task(name: str, body: Callable[[Runner], dict[str, Any]]) -> dict[str, Any]:
        reference = folder / f"{name}.json"
        if not reference.exists():
            unfinished = folder / f"{name}.{os.getpid()}"
            unfinished.write_text(json.dumps(body(Runner(workspace, pipeline))))
            unfinished.rename(reference)
        found: dict[str, Any] = json.loads(reference.read_text())
        return found

    folder.mkdir(exist_ok=True)
    request = Request(day, trigger="scheduled", origin=f"parcel_hours/{folder.name}")
    plan = Plan.from_json(task("plan", lambda _: plan_run(workspace, pipeline, request).to_json()))
    snapshot = Snapshot(**task("extract", lambda runner: asdict(runner.extract(plan))))
    task("validate", lambda runner: {"quarantined": runner.validate(plan, snapshot)})
    counts = Counts(**task("score", lambda runner: asdict(runner.score(plan, snapshot))))
    task("publish", lambda runner: {"run_id": runner.publish(plan, counts).run_id})


def ended(process: BaseProcess) -> int | None:
    """Wait for a process; return its exit code, or minus the number of the signal that killed it."""
    process.join(LONG)
    return process.exitcode


def settle_after_fork() -> None:
    """Make a fork as cheap as it can be, and one that may be killed."""
    from tqdm import tqdm

    collect_seldom()
    gc.freeze()  # what was imported before the fork stays: the collector would look through it, and copy it
    tqdm.set_lock(threading.RLock())  # its own is a semaphore that a killed process would leave behind


def _started(target: Callable[..., None], settings: Settings, *arguments: Any) -> BaseProcess:
    output = settings.home / "output"
    process = FORKS.Process(target=_prepared, args=(target, environment(settings), output, *arguments), daemon=True)
    process.start()
    return process


def _prepared(
    target: Callable[..., None],
    variables: dict[str, str],
    output: Path,
    arguments: tuple[str, ...],
    death: Death | None,
    lines: Path | None,
) -> None:
    settle_after_fork()
    os.environ.update(variables)
    with output.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    seen: set[Line] = set()
    if death or lines:
        tracer = _killing(death) if death else _recording(seen)
        threading.settrace(tracer)
        sys.settrace(tracer)
    try:
        target(*arguments)
    finally:
        sys.settrace(None)
        if lines:
            lines.write_text(json.dumps(sorted(seen)))


def _command(*arguments: str) -> None:
    from daybreak.cli.app import main

    sys.argv = ["daybreak", *arguments]
    main()


def _tasks(folder: str, day: str) -> None:
    run_tasks(Workspace(Settings()), Path(folder), day)


def _killing(death: Death) -> Tracer:
    calls = 0

    def at_line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and death.line and frame.f_lineno == death.line[1]:
            os.kill(os.getpid(), signal.SIGKILL)
        return at_line

    def at_call(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal calls
        code = frame.f_code
        if not code.co_filename.startswith(ENGINE):
            return None
        if death.function and code.co_qualname == death.function:
            calls += 1
            if calls == death.call:
                os.kill(os.getpid(), signal.SIGKILL)
        return at_line if death.line and code.co_filename == death.line[0] else None

    return at_call


def _recording(seen: set[Line]) -> Tracer:
    def at_line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            seen.add((frame.f_code.co_filename, frame.f_lineno))
        return at_line

    def at_call(frame: FrameType, event: str, _: Any) -> Any:
        return at_line if frame.f_code.co_filename.startswith(ENGINE) else None

    return at_call


def kill(process: BaseProcess) -> None:
    """Kill a process, whatever it is doing."""
    with suppress(ProcessLookupError):
        os.kill(process.pid or 0, signal.SIGKILL)
    process.join(LONG)
