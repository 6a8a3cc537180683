"""How often Python looks for garbage: seldom, and not when there is nothing more to do."""

import subprocess
import sys

import pytest

ENDED = """
import sys
from daybreak.garbage import collect_seldom


class Told:
    def __del__(self):
        print("looked at")


if sys.argv[1:] == ["seldom"]:
    collect_seldom()
    collect_seldom()
told = Told()
told.itself = told
"""


@pytest.mark.parametrize(("asked", "printed"), [([], "looked at\n"), (["seldom"], "")])
def test_a_process_that_ends_looks_through_its_objects_unless_it_looks_seldom(asked: list[str], printed: str) -> None:
    done = subprocess.run([sys.executable, "-c", ENDED, *asked], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (printed, "")
