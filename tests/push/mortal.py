"""The push task in processes of its own, which die at a chosen moment, as a task does that the kernel kills."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

from daybreak.batch.snapshot import Snapshot
from daybreak.push.runner import PushRunner
from daybreak.push.target import DeliveryTarget
from daybreak.run.plan import Plan
from daybreak.settings import Settings
from daybreak.workspace import Workspace
from processes import settle_after_fork
from waiting import LONG

from .shelf_offers import SHELF_OFFERS

_forks = get_context("forkserver")


@dataclass(frozen=True)
class Death:
    """A process kills itself when a function is called for the nth time, in whichever of its threads.

    A coroutine counts each time that it goes on, so moments are named by functions that are none: ``signed_headers`` is
    called just before a request, ``judge_answer`` just after its answer.
    """

    function: str
    call: int = 1


def start_push(
    settings: Settings, plan: Plan, snapshot: Snapshot, target: DeliveryTarget, death: Death | None = None
) -> BaseProcess:
    """Start the push task of a run whose rows are staged; references travel as JSON, as between tasks."""
    arguments = (settings, plan.to_json(), asdict(snapshot), target, death)
    process = _forks.Process(target=_push, args=arguments, daemon=True)
    process.start()
    return process


def killed(process: BaseProcess) -> bool:
    """Wait for a process to end, and tell whether it was killed; that it fails otherwise is an error."""
    process.join(LONG)
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return process.exitcode != 0


def die(death: Death) -> None:
    """Let this process kill itself at the chosen moment."""
    seen = 0

    def called(frame: Any, event: str, _: Any) -> None:
        nonlocal seen
        if event == "call" and frame.f_code.co_qualname == death.function:
            seen += 1
            if seen == death.call:
                os.kill(os.getpid(), signal.SIGKILL)

    watch: Callable[..., None] = called
    threading.setprofile(watch)
    sys.setprofile(watch)


def _push(
    settings: Settings, plan: dict[str, Any], snapshot: dict[str, Any], target: DeliveryTarget, death: Death | None
) -> None:
    settle_after_fork()
    output = os.open(settings.home / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    runner = PushRunner(Workspace(settings), SHELF_OFFERS, target)
    if death:
        die(death)
    runner.push(Plan.from_json(plan), Snapshot(**snapshot))
