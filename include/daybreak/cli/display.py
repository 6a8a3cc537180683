"""Display: rows as tables for people, or as JSON for programs."""

import json
import logging
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

# Written to a file or through a pipe there is no terminal whose width would count: do not fold at 80 columns.
_WIDTH = None if Console().is_terminal else 160
# What is folded is at least so wide, where there is room.
_FOLDED = 8

out = Console(highlight=False, width=_WIDTH)
err = Console(stderr=True, highlight=False)
log = logging.getLogger("daybreak")


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    print(json.dumps(value, default=str, indent=2))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under their column names; numbers are aligned to the right. Of no rows, say that there are none."""
    found = list(rows)
    out.print(table(title, columns, found) if found else f"{title}: none.", markup=bool(found))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, markup: bool = False) -> Table:
    """Lay rows out under their column names; with ``markup`` texts may carry Rich's.

    Where they are wider than the screen, texts are folded between their words, and names and numbers stay whole.
    """
    cells = [[(value, False) if markup else _cell(value) for value in row] for row in rows]
    numeric = [bool(cells) and all(row[at][1] for row in cells) for at in range(len(columns))]
    title, columns = escape(title), [escape(column) for column in columns]
    widths = _whole([[column, *(row[at][0] for row in cells)] for at, column in enumerate(columns)], numeric)
    laid_out = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE_HEAD)
    for column, number, width in zip(columns, numeric, widths, strict=True):
        laid_out.add_column(column, justify="right" if number else "left", overflow="fold", width=width)
    for row in cells:
        laid_out.add_row(*(text for text, _ in row))
    return laid_out


def _whole(columns: Sequence[Sequence[str]], numeric: Sequence[bool]) -> list[int | None]:
    """Return how wide each column of single words has to be, and None for the others, and where there is no need.

    Where not all find room, numbers and then the narrowest do: a number in two lines is two numbers.
    """
    shown = [[Text.from_markup(text).plain for text in texts] for texts in columns]
    widths: list[int | None] = [None] * len(shown)
    room = out.width - 3 * len(shown)
    if sum(max(map(cell_len, texts)) for texts in shown) <= room:
        return widths
    longest = [max(cell_len(word) for text in texts for word in (*text.split(), "")) for texts in shown]
    room -= sum(min(width, _FOLDED) for width in longest)
    for position in sorted(range(len(shown)), key=lambda at: (not numeric[at], longest[at])):
        if all(len(text.split()) <= 1 for text in shown[position][1:]):
            room -= longest[position] - min(longest[position], _FOLDED)
            if room < 0:
                break
            widths[position] = longest[position]
    return widths


def print_facts(facts: dict[str, Any]) -> None:
    """Print named values one below the other; empty ones are left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in facts.items():
        if value is not None:
            grid.add_row(f"[bold]{name}[/bold]", _cell(value)[0])
    out.print(grid)


def print_error(message: str, error: BaseException | None = None) -> None:
    """Print one line on standard error; as JSON it says which run the error belongs to."""
    if err.quiet:
        log.error("%s", message, exc_info=error)
    else:
        err.print(f"[bold red]error[/bold red] {escape(message)}", soft_wrap=True)


def print_note(message: str) -> None:
    """Print one line on standard error that is no error."""
    if err.quiet:
        log.info("%s", message)
    else:
        err.print(message, soft_wrap=True, markup=False)


def write_json_lines() -> None:
    """Write nothing but JSON lines to standard error from here on: no bars, and no texts."""
    from daybreak.telemetry.json_lines import log_json_lines

    err.quiet = True
    log_json_lines()


def _cell(value: Any) -> tuple[str, bool]:
    if value is None:
        return "-", True
    if isinstance(value, bool):
        return ("yes" if value else "no"), False
    if isinstance(value, int):
        return f"{value:,}", True
    if isinstance(value, float):
        return f"{value:,.3f}", True
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S %Z"), False
    if isinstance(value, date):
        return value.isoformat(), False
    return escape(str(value)), False
