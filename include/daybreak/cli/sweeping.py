"""The command that clears away what failed runs have left."""

from typing import Annotated

import typer

from daybreak.cli.arguments import Json, open_workspace

sweeping = typer.Typer()


@sweeping.command()
def sweep(
    pipeline: Annotated[str | None, typer.Argument(metavar="[PIPELINE]", help="Only this pipeline's.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what there is; close nothing, remove nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Close runs whose process is gone, and remove what failed runs have left: predictions and snapshots.

    What was published, and what a run that is alive is writing, is never touched.
    """
    from dataclasses import asdict

    from daybreak.cli.display import out, print_json, print_table
    from daybreak.run.leftovers import remove_leftovers

    with open_workspace() as workspace:
        wanted = [workspace.pipeline(pipeline)] if pipeline else list(workspace.pipelines.values())
        workspace.see_to_ledger()
        closed = 0 if dry_run else workspace.ledger.sweep()
        warehouse, batches = workspace.warehouse, workspace.settings.batches
        found = [left for one in wanted for left in remove_leftovers(warehouse, one, batches, dry_run=dry_run)]
    if json:
        print_json({"closed": closed, "removed": not dry_run, "leftovers": [asdict(left) for left in found]})
        return
    if closed:
        out.print(f"{closed} run(s) whose process is gone were closed.")
    print_table(
        f"Leftovers of failed runs, {'to be removed' if dry_run else 'removed'}",
        ["pipeline", "partition", "run", "predictions", "snapshot files"],
        [[left.pipeline, left.partition, str(left.run_id), left.predictions, left.files] for left in found],
    )
