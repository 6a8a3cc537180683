"""The screen of the local stack: steps on standard error, results on standard output."""

import time
from collections.abc import Iterable

from rich.live import Live

from daybreak.cli.display import err, out, print_note, print_table, table
from daybreak.local.screen import Shown


class Terminal:
    """Show on this terminal; with ``clock`` each step is shown beside the seconds since the beginning."""

    def __init__(self, *, clock: bool) -> None:
        self._started = time.monotonic() if clock else None

    def step(self, text: str) -> None:
        """Say what is being done."""
        seconds = "" if self._started is None else f"[dim]{time.monotonic() - self._started:5.0f} s[/dim]  "
        if err.quiet:
            print_note(text)
        else:
            err.print(f"{seconds}{text}")

    def line(self, text: str) -> None:
        """Say what a person will want to keep."""
        out.print(text)

    def show(self, shown: Shown) -> None:
        """Show a result."""
        print_table(shown.title, shown.columns, shown.rows)

    def live(self, changing: Iterable[Shown]) -> None:
        """Show each in the place of the one before, as they come."""
        with Live(console=err, refresh_per_second=4, transient=True) as live:
            for shown in changing:
                live.update(table(shown.title, shown.columns, shown.rows, markup=shown.markup))
