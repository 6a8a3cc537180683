"""Progress: bars and steps on standard error, for work that takes a while."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from daybreak.cli.display import err, print_note

if TYPE_CHECKING:
    from daybreak.errors import SourceAwaited

_BETWEEN_LOOKS_SECONDS = 60.0


@contextmanager
def rows_progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show rows done of rows in all."""
    with _progress() as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, rows: progress.update(task, completed=done, total=rows)


@contextmanager
def partitions_progress(title: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show partitions done of partitions in all."""
    with _progress() as progress:
        task = progress.add_task(title, total=total)
        yield lambda key: progress.update(task, advance=1, description=f"{title} {key}")


@contextmanager
def steps_progress(title: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(title, total=None)

        def step(text: str) -> None:
            progress.update(task, description=f"{title}: {text}")
            if not err.is_terminal:
                print_note(f"{title}: {text}")

        yield step


@contextmanager
def waiting_progress() -> Iterator[Callable[["SourceAwaited"], None]]:
    """Say what is waited for and until when, if anything is, and look again after a minute."""
    told = ""
    with ExitStack() as shown:

        def pause(waiting: "SourceAwaited") -> None:
            nonlocal told
            if told != str(waiting):
                told = str(waiting)
                columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
                shown.enter_context(Progress(*columns, console=err, transient=True)).add_task(told, total=None)
                if not err.is_terminal:
                    print_note(told)
            left = (waiting.until - datetime.now(UTC)).total_seconds()
            time.sleep(min(_BETWEEN_LOOKS_SECONDS, max(left, 0.0)))

        yield pause


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=err, transient=True)
