"""Files that only their owner can read: secrets that are made up once and kept."""

import json
import os
from collections.abc import Callable
from pathlib import Path


def kept_private(file: Path, make: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Read the file, which is made with what ``make`` returns if it is not there."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".new")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            json.dump(make(), stream)
        unfinished.replace(file)
    found: dict[str, str] = json.loads(file.read_text())
    return found
