"""Waiting for what another process or thread does: until it has happened, however slow the machine is."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

# Only what never happens takes so many seconds, also where other work has most of the processor.
LONG = 900


def until(look: Callable[[], Found], what: str, *, pause: float = 0.02) -> Found:
    """Look again and again until something is found, and return it; between two looks are ``pause`` seconds."""
    deadline = time.monotonic() + LONG
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(pause)
    return found
