"""Standing table: what needs a person, and one line a pipeline, laid out for the terminal."""

from datetime import datetime
from typing import TYPE_CHECKING

from daybreak.monitoring.in_words import (
    error_in_words,
    model_in_words,
    next_in_words,
    open_in_words,
    state_in_words,
)
from daybreak.monitoring.pipeline_standing import PipelineStanding
from daybreak.monitoring.standing import Standing

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = (
    "pipeline",
    "partition",
    "is it there?",
    "rows in",
    "quarantined",
    "failed",
    "out",
    "model",
    "error (training)",
    "drift",
    "open",
    "next",
)


def needs_shown(found: Standing) -> list[str]:
    """Return one block of lines for each thing that needs a person, or one line that says that nothing does."""
    if found.quiet:
        return ["Nothing needs a person.\n"]
    lines = [f"{len(found.needs)} {'thing needs' if len(found.needs) == 1 else 'things need'} a person:\n"]
    for need in found.needs:
        place = " ".join(part for part in (need.pipeline, need.partition) if part)
        lines.append(f"  {place}: {need.problem}\n    Next: {need.next_step}")
        if need.command and need.command not in need.next_step:
            lines.append(f"    $ {need.command}")
        lines.append("")
    return lines


def pipelines_shown(found: Standing) -> "Table":
    """Lay out one line a pipeline."""
    from daybreak.cli.display import table

    rows = [row_of(one, found.now) for one in found.pipelines]
    return table(f"Pipelines at {found.now:%Y-%m-%d %H:%M} UTC", COLUMNS, rows)


def row_of(one: PipelineStanding, now: datetime) -> list[object]:
    """Return one pipeline's line."""
    expected = one.expected
    return [
        one.name,
        expected.key,
        state_in_words(one, expected, now),
        expected.rows_in,
        expected.rows_quarantined,
        expected.rows_failed,
        expected.rows_published,
        model_in_words(expected, now),
        error_in_words(one),
        "-" if one.drift is None else f"{one.drift.drifted} of {one.drift.columns}",
        open_in_words(one),
        next_in_words(one, now),
    ]
