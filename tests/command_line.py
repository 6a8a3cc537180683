"""The command line in this process: what a command prints, and how it ends."""

import sys
from collections.abc import Callable

import pytest

from daybreak.cli.app import main
from daybreak.settings import Settings
from processes import environment

Daybreak = Callable[..., tuple[int, str, str]]
Captured = pytest.CaptureFixture[str]


def commands(monkeypatch: pytest.MonkeyPatch, captured: Captured, settings: Settings | None = None) -> Daybreak:
    """Return a function that runs a command: exit code, standard output, standard error.

    The settings, where there are any, are what it finds in its environment.
    """
    for name, value in environment(settings).items() if settings else ():
        monkeypatch.setenv(name, value)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["daybreak", *map(str, arguments)])
        captured.readouterr()
        code = 0
        try:
            main()
        except SystemExit as left:
            code = int(left.code or 0)
        shown = captured.readouterr()
        return code, shown.out, shown.err

    return run
