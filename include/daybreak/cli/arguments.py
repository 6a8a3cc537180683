"""What the commands share: their arguments, and the workspace they open."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from daybreak.settings import read_settings

if TYPE_CHECKING:
    from daybreak.declaration.pipeline import Pipeline
    from daybreak.workspace import Workspace

Name = Annotated[str, typer.Argument(metavar="PIPELINE", help="Name of the pipeline, for example demand_forecast.")]
Key = Annotated[
    str,
    typer.Argument(
        metavar="PARTITION", help="The partition: a day or first day of a week YYYY-MM-DD, YYYY-MM-DDTHH, or YYYY-MM."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Version = Annotated[int | None, typer.Option("--model-version", min=1, help="Use this version, not the champion.")]
Leakage = Annotated[
    bool, typer.Option("--allow-leakage", help="Accept a model that has seen days after the partition.")
]
Policy = Annotated[
    str | None, typer.Option(help="Version for the past: current, as_of or a number; default: the pipeline's policy.")
]
IntoNamedWarehouse = Annotated[
    bool,
    typer.Option("--into-named-warehouse", help="Load the demonstration into the warehouse of DAYBREAK_WAREHOUSE_URL."),
]
RunId = Annotated[int | None, typer.Option("--run", help="This run, not the current one.")]


@contextmanager
def open_workspace() -> "Iterator[Workspace]":
    """Open what the settings lead to, and close it again; a local promotions system that runs is what is pushed to.

    Where all declared pipelines were looked at, those that are broken are named at the end.
    """
    from daybreak.local.promotions import running
    from daybreak.workspace import Workspace

    settings = read_settings()
    promotions = running(settings)
    workspace = Workspace(promotions.receiving(settings) if promotions else settings)
    try:
        yield workspace
    finally:
        workspace.close()
        tell_broken(workspace)


def tell_broken(workspace: "Workspace") -> None:
    """Print on standard error which declared pipelines cannot be used, if they were looked at."""
    from daybreak.cli.display import print_error

    for error in workspace.broken:
        print_error(str(error), error)


def tell_stale(workspace: "Workspace", upstream: str, partition: str | None = None) -> None:
    """Print which publications are stale now that this upstream was published anew, if any are."""
    from daybreak.cli.report import print_stale
    from daybreak.ledger.stale import list_stale

    if found := list_stale(workspace.ledger, upstream, partition):
        print_stale(found)


def tell_untold(workspace: "Workspace", pipeline: "Pipeline") -> None:
    """Print on standard error of how many current runs nobody knows what they saw of the source, if of any."""
    from daybreak.cli.display import print_note
    from daybreak.run.source_state import count_untold

    if count := count_untold(workspace, pipeline):
        told = f"note {pipeline.name}: {count} current run{'' if count == 1 else 's'} from before changed.sql"
        print_note(f"{told}: whether their source has changed is not known. Next: run them again once.")
