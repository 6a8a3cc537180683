"""Commands on a test's own database."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from command_line import Daybreak, commands
from daybreak.settings import Settings


@pytest.fixture
def daybreak(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Daybreak:
    """Return a function that runs a command on the test's own database."""
    return commands(monkeypatch, capsys, settings)


@pytest.fixture
def printed(daybreak: Daybreak) -> Callable[..., Any]:
    """Return a function that runs a command with --json and reads what it prints."""

    def run(*arguments: object) -> Any:
        code, out, err = daybreak(*arguments, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return run
