"""Progress: bars and steps on standard error, for work that takes a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from daybreak.cli.display import err


@contextmanager
def rows_progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show rows done of rows in all."""
    with _progress() as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, rows: progress.update(task, completed=done, total=rows)


@contextmanager
def days_progress(title: str, total: int) -> Iterator[Callable[[date], None]]:
    """Show partitions done of partitions in all."""
    with _progress() as progress:
        task = progress.add_task(title, total=total)
        yield lambda day: progress.update(task, advance=1, description=f"{title} {day}")


@contextmanager
def steps_progress(title: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(title, total=None)

        def step(text: str) -> None:
            progress.update(task, description=f"{title}: {text}")
            if not err.is_terminal:
                err.print(f"{title}: {text}")

        yield step


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=err, transient=True)
