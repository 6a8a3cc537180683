"""Own process: a child in an environment of its own, asked through pipes, and ended with whoever asks.

It is told where its libraries are and how to speak, and nothing that it could log in with. It leads a session of its
own, so that all that it may start ends with it.
"""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from daybreak.errors import DaybreakError, EnvironmentUnavailable, ModelRefused, ScoringFailed
from daybreak.settings import environment_of

if TYPE_CHECKING:
    import numpy as np

_KNOWN = ("PATH", "HOME", "LANG", "TZ", "OMP_WAIT_POLICY")
_PROGRAM = Path(__file__).with_name("child.py")
# Of a pipe: the most that Linux gives without asking, so that a piece of a batch takes few turns.
_PIPE_BYTES = 1 << 20
# Seconds that a child which has closed its pipe has to end itself, so that it is told how it ended.
_PATIENCE = 5
# Of what a child that has ended wrote at last.
_LINES, _CHARACTERS = 3, 400
_REFUSALS: dict[str, type[DaybreakError]] = {error.__name__: error for error in (ModelRefused, ScoringFailed)}


class RaisedElsewhere(Exception):
    """What the model raised there; it is made of a subclass with the name of what that was."""


class OwnProcess:
    """A child that holds one model; ``called`` is what messages call it, ``seconds`` the longest wait for an answer."""

    def __init__(self, python: Path, called: str, seconds: float) -> None:
        self._called = called
        self._seconds = seconds
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it is read when the child has ended
        self._process = subprocess.Popen(
            [str(python), "-I", "-u", str(_PROGRAM)],  # what a model printed is there when it has died
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment_of(*_KNOWN),
            cwd="/",
            start_new_session=True,
            pipesize=_PIPE_BYTES,
        )
        # Both are pipes, which the type does not say.
        self._questions = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)
        self._writing = threading.Lock()
        self._ending = threading.Lock()
        self._over = threading.Event()
        self._numbers = count()
        self._waiting: dict[int, Future[np.ndarray]] = {}
        self._heard = time.monotonic()
        self._hung = False
        for work in (self._listen, self._watch):
            threading.Thread(target=work, name="daybreak-own-process", daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether it will answer no more."""
        return self._over.is_set()

    def tell(self, do: str, content: "bytes | memoryview" = b"", **told: Any) -> None:
        """Send what has no answer; where the child has ended, whoever waits for an answer is told so."""
        line = json.dumps({"do": do, "bytes": len(content), **told}).encode() + b"\n"
        if not self._waiting:
            self._heard = time.monotonic()
        with self._writing, suppress(BrokenPipeError, ValueError):
            self._questions.write(line)
            self._questions.write(content)
            self._questions.flush()

    def ask(self, do: str, **told: Any) -> Callable[[], "np.ndarray"]:
        """Send a question; what is returned waits for the answer, and raises what the model raised.

        Raises EnvironmentUnavailable where no answer comes in time or the child was killed, ScoringFailed where it
        ended otherwise.
        """
        number, answer = next(self._numbers), Future[Any]()
        self.tell(do, id=number, **told) if self._kept(number, answer) else self._give_up()
        return answer.result

    def end(self, patience: float = 0) -> None:
        """End the child and all that it has started; with ``patience`` it has so many seconds to end itself."""
        with self._ending:
            if self._over.is_set():
                return
            until = time.monotonic() + patience
            while not self._is_dead() and time.monotonic() < until:
                time.sleep(0.01)
            # While its own number is still taken: another process might get it.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._over.set()
        with self._writing, suppress(BrokenPipeError, ValueError):
            self._questions.close()

    def _kept(self, number: int, answer: "Future[np.ndarray]") -> bool:
        if not self._waiting:
            self._heard = time.monotonic()
        self._waiting[number] = answer
        return not self.ended

    def _is_dead(self) -> bool:
        with suppress(ChildProcessError):
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        return True

    def _listen(self) -> None:
        with self._answers as answers, suppress(ValueError, OSError):
            while told := _read(answers):
                self._heard = time.monotonic()
                settle = self._waiting.pop(told[0]["id"])
                if "raised" in told[0]:
                    settle.set_exception(_error_of(told[0]))
                else:
                    settle.set_result(_array(*told))
        self.end(_PATIENCE)
        self._give_up()

    def _watch(self) -> None:
        # A machine that is busy may be slow with each; a child that hangs answers none, and may read none.
        while not self._over.wait(min(self._seconds / 4, 1)):
            busy = bool(self._waiting) or self._writing.locked()
            self._hung = busy and time.monotonic() - self._heard > self._seconds
            # What a dead one has started may hold its pipe open.
            if self._hung or self._is_dead():
                self.end()

    def _give_up(self) -> None:
        """Tell everybody who still waits why there is no answer."""
        while self._waiting:
            with suppress(KeyError):
                _, answer = self._waiting.popitem()
                answer.set_exception(self._why())

    def _why(self) -> DaybreakError:
        code, said = self._process.returncode, self._last_lines()
        if self._hung:
            return EnvironmentUnavailable(
                f"{self._called} gave no answer for {self._seconds:g} s in its own environment{said}.",
                next_step="it is tried again; if it takes that long, set DAYBREAK_MODEL_TIMEOUT_SECONDS to more.",
            )
        if code == -signal.SIGKILL:
            return EnvironmentUnavailable(
                f"The process of {self._called} in its own environment was killed{said}.",
                next_step="it is tried again; if it lasts, see whether this machine runs out of memory.",
            )
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return ScoringFailed(
            f"The process of {self._called} in its own environment ended {how} before it had answered{said}.",
            next_step="see that the model works in a Python of its requirements.txt, and register it again.",
        )

    def _last_lines(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        told = " ".join(" ".join(lines[-_LINES:]).split())[-_CHARACTERS:].rstrip(".")
        return f": {told}" if told else ""


def _read(answers: IO[bytes]) -> tuple[Mapping[str, Any], bytes] | None:
    """Read one answer, None where there are no more, or one that was cut off."""
    line = answers.readline()
    if not line.endswith(b"\n"):
        return None
    told = json.loads(line)
    content = answers.read(told["bytes"])
    return None if len(content) < told["bytes"] else (told, content)


def _array(told: Mapping[str, Any], content: bytes) -> "np.ndarray":
    import numpy as np

    # A copy, as what is read may not be written.
    return np.frombuffer(content, dtype=np.float64).reshape(told["shape"]).copy()


def _error_of(told: Mapping[str, Any]) -> Exception:
    name = str(told["raised"])
    if name in _REFUSALS and "next_step" in told:
        return _REFUSALS[name](told["problem"], next_step=told["next_step"])
    if name == MemoryError.__name__:
        return MemoryError(told["text"])
    # By its name it is told in the quarantine, as it would be had it been raised here.
    raised: Exception = type(name, (RaisedElsewhere,), {})(told["text"])
    return raised
