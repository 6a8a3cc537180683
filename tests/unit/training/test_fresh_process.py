"""A process that is asked again and again: no answer knows of the question before, and none is left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from daybreak.training.fresh_process import FreshProcess
from waiting import LONG, until

ANSWERING = """
import gc, os, signal, sys, time

from daybreak.training.fresh_process import serve

seen = []


def answer(asked, answered):
    question = asked.read().decode()
    seen.append(question)
    print("this is no answer")
    if question == "refuse":
        raise ValueError("it cannot be read")
    if question == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if question == "sleep":
        time.sleep(600)
    if question == "garbage":
        answered.write(str(gc.get_threshold()[0]).encode())
        return
    answered.write(f"{seen} {'json' in sys.modules} {os.getpid()} {os.getppid()}".encode())


if __name__ == "__main__":
    serve(answer, ["json", "there_is_no_such_library"])
"""


@pytest.fixture
def answering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FreshProcess]:
    (tmp_path / "answering.py").write_text(ANSWERING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    found = FreshProcess("answering")
    yield found
    if found._process:
        found._process.communicate()


def test_an_answer_knows_nothing_of_the_question_before(answering: FreshProcess) -> None:
    first, second = (answering.ask(question, LONG) for question in (b"one", b"two"))
    assert (first.returncode, first.stderr) == (0, b"this is no answer\n")
    (seen, loaded, one, _), (seen_then, _, other, _) = first.stdout.split(), second.stdout.split()
    assert (seen, loaded, seen_then) == (b"['one']", b"True", b"['two']")
    assert len({one, other, str(os.getpid()).encode()}) == 3


def test_what_goes_wrong_is_told_and_the_next_question_is_answered(answering: FreshProcess) -> None:
    refused = answering.ask(b"refuse", LONG)
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert refused.stderr.splitlines()[-1] == b"ValueError: it cannot be read"
    assert answering.ask(b"die", LONG).returncode == -signal.SIGKILL
    assert answering.ask(b"one", LONG).stdout.startswith(b"['one'] ")


def test_libraries_are_not_looked_through_for_garbage_again_and_again(answering: FreshProcess) -> None:
    assert int(answering.ask(b"garbage", LONG).stdout) > 10 * 700


def test_one_that_was_killed_is_started_again(answering: FreshProcess) -> None:
    parent = int(answering.ask(b"one", LONG).stdout.split()[3])
    os.kill(parent, signal.SIGKILL)
    psutil.Process(parent).wait(LONG)
    assert answering.ask(b"one", LONG).returncode == 0


def test_one_that_takes_too_long_is_ended_with_the_fork_that_answers(answering: FreshProcess) -> None:
    answering.ask(b"one", LONG)
    group = answering._running().pid
    with pytest.raises(subprocess.TimeoutExpired):
        answering.ask(b"sleep", 1)
    assert answering.ask(b"one", LONG).returncode == 0
    until(lambda: not [one for one in psutil.process_iter() if _group(one) == group], "the fork to end")


def _group(process: psutil.Process) -> int | None:
    with suppress(ProcessLookupError):
        return os.getpgid(process.pid)
    return None


def test_it_ends_with_the_process_that_asked(answering: FreshProcess) -> None:
    script = (
        "from daybreak.training.fresh_process import fresh_process\n"
        "print(fresh_process('answering').ask(b'one', 600).stdout.split()[3].decode())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    until(lambda: not psutil.pid_exists(int(done.stdout)), "the process to end")


def test_a_fork_has_one_of_its_own(answering: FreshProcess) -> None:
    script = (
        "import os\n"
        "from daybreak.training.fresh_process import fresh_process\n"
        "def asked(): return fresh_process('answering').ask(b'one', 600).stdout.split()[3]\n"
        "ours = asked()\n"
        "if os.fork() == 0:\n"
        "    print(asked() != ours, flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "print(asked() == ours)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "True\nTrue\n"
