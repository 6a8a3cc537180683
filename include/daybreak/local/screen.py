"""Screen: what shows a person how far the local stack is, and what came of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Shown:
    """Rows to be shown under their column names; with ``markup`` texts may carry Rich's."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    markup: bool = False


class Screen(Protocol):
    """Show steps as they are taken, results, and what changes while one waits for it."""

    def step(self, text: str) -> None:
        """Say what is being done."""

    def line(self, text: str) -> None:
        """Say what a person will want to keep."""

    def show(self, shown: Shown) -> None:
        """Show a result."""

    def live(self, changing: Iterable[Shown]) -> None:
        """Show each in the place of the one before, as they come."""
