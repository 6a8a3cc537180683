"""The command that says in one look whether today's predictions are there."""

import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from daybreak.cli.arguments import Json, open_workspace
from daybreak.errors import TransientError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from daybreak.monitoring.standing import Standing
    from daybreak.workspace import Workspace

standing = typer.Typer()

_SECONDS = 15.0


@standing.command()
def status(
    pipeline: Annotated[str | None, typer.Argument(metavar="[PIPELINE]", help="Only this pipeline's.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every 15 seconds, until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Show what needs a person, then one line a pipeline that says whether the expected partition is there.

    Exit code 1 if something needs a person, or if the ledger cannot be read.
    """
    if watch and json:
        raise typer.BadParameter("choose --watch or --json", param_hint="--watch")
    with open_workspace() as workspace:
        if watch:
            _watch(workspace, pipeline)
        found = _read(workspace, pipeline)
    if json:
        from daybreak.cli.display import print_json

        print_json(asdict(found) | {"quiet": found.quiet})
    else:
        from daybreak.cli.display import out

        for shown in _shown(found):
            out.print(shown, soft_wrap=isinstance(shown, str), markup=False)
    if not found.quiet:
        raise typer.Exit(1)


def _read(workspace: "Workspace", pipeline: str | None) -> "Standing":
    from daybreak.monitoring.standing import read_standing

    declared = [workspace.pipeline(pipeline)] if pipeline else list(workspace.pipelines.values())
    workspace.ledger.sweep()
    broken = {} if pipeline else workspace.declared.broken
    return read_standing(workspace.warehouse, declared, datetime.now(UTC), broken=broken)


def _watch(workspace: "Workspace", pipeline: str | None) -> None:
    """Show it in the place of what was shown before; a database that is away is said, and asked again."""
    from rich.console import Group
    from rich.live import Live

    from daybreak.cli.display import out

    with Live(console=out, auto_refresh=False, screen=out.is_terminal) as live:
        while True:
            try:
                found = Group(*_shown(_read(workspace, pipeline)))
            except TransientError as error:
                found = Group(f"{error} Looking again every {_SECONDS:.0f} s.")
            live.update(found, refresh=True)
            time.sleep(_SECONDS)


def _shown(found: "Standing") -> "list[RenderableType]":
    from daybreak.cli.display import table
    from daybreak.monitoring.in_words import COLUMNS, needs_in_words, row_in_words

    rows = [row_in_words(one, found.now) for one in found.pipelines]
    title = f"Pipelines at {found.now:%Y-%m-%d %H:%M} UTC; in each line the clock is that of the pipeline's own zone"
    return [*needs_in_words(found), table(title, COLUMNS, rows)]
