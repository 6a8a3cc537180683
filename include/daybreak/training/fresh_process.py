"""A fresh process: one that has imported the libraries and nothing else, and forks itself for each question.

It is a program of its own, so it holds nothing of the process that trains, and a fork holds nothing of the question
before. To import the libraries takes seconds: who asks again has waited for them already. It ends when its standard
input does, with the process that started it.
"""

import gc
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from daybreak.garbage import collect_seldom

QUESTION, ANSWER, ERRORS = "question", "answer", "errors"


class FreshProcess:
    """A process that runs ``module``, which calls ``serve``, and waits for questions.

    With an ``environment`` it knows nothing else of that, and finds only what is installed.
    """

    def __init__(self, module: str, environment: dict[str, str] | None = None) -> None:
        # Unbuffered, for a fork ends without asking anybody, or is killed, and what it had printed is among its errors.
        self._command = [sys.executable, "-u", *([] if environment is None else ["-I"]), "-m", module]
        self._environment = environment
        self._alone = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, question: bytes, seconds: float) -> "subprocess.CompletedProcess[bytes]":
        """Return how a fork ended that was asked, with its answer and its errors.

        Raises subprocess.TimeoutExpired.
        """
        with self._alone, tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            (place / QUESTION).write_bytes(question)
            process = self._running()
            late = threading.Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
            late.start()
            code = _told(process, folder)
            expired = late.finished.is_set()
            late.cancel()
            if expired:
                process.wait()  # or the next question might still find it alive
                raise subprocess.TimeoutExpired(self._command, seconds)
            # One that does not fork, or was killed, has ended itself.
            returncode = int(code) if code else process.wait()
            answer, errors = (_content(place / name) for name in (ANSWER, ERRORS))
        return subprocess.CompletedProcess(self._command, returncode, answer, errors)

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,
            )
        return self._process


def fresh_process(module: str, environment: dict[str, str] | None = None) -> FreshProcess:
    """Return the process that answers to this one; a fork of this one has another."""
    return _known.setdefault((os.getpid(), module), FreshProcess(module, environment))


def serve(answer: Callable[[BinaryIO, BinaryIO], None], libraries: Sequence[str]) -> None:
    """Fork for each line of standard input: a folder, with the question and for the answer."""
    collect_seldom()
    with suppress(ImportError):  # who needs it will say so
        for library in libraries:
            importlib.import_module(library)
    gc.freeze()  # the collector would touch, and so copy, the pages of the libraries in every fork
    for line in sys.stdin:
        # Elsewhere a fork may not use the libraries that its parent has loaded: this process answers, and ends.
        child = os.fork() if sys.platform == "linux" else 0
        if not child:
            _answer(answer, Path(line.removesuffix("\n")))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201


def _answer(answer: Callable[[BinaryIO, BinaryIO], None], folder: Path) -> None:
    try:
        errors = os.open(folder / ERRORS, os.O_WRONLY | os.O_CREAT)
        os.dup2(errors, 1)
        os.dup2(errors, 2)
        with (folder / QUESTION).open("rb") as asked, (folder / ANSWER).open("wb") as answered:
            answer(asked, answered)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)


def _told(process: "subprocess.Popen[bytes]", folder: str) -> bytes:
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    with suppress(BrokenPipeError):
        process.stdin.write(f"{folder}\n".encode())
        process.stdin.flush()
    return process.stdout.readline()


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


_known: dict[tuple[int, str], FreshProcess] = {}
