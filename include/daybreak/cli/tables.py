"""The command that sees to the tables of predictions: daybreak tables."""

from typing import Annotated

import typer

from daybreak.cli.arguments import open_workspace
from daybreak.errors import ConfigurationError, DaybreakError

tables = typer.Typer()


@tables.command("tables")
def see_to(
    pipeline: Annotated[str | None, typer.Argument(metavar="[PIPELINE]", help="Only this pipeline's.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the statements, and change nothing.")] = False,
) -> None:
    """Bring tables and views of predictions to what the pipelines declare. Runs do the same when they are planned."""
    from daybreak.cli.display import out, print_error
    from daybreak.run.tables import foresee_tables, see_to_tables, upstreams_first

    refusals = []
    with open_workspace() as workspace:
        if pipeline and workspace.pipeline(pipeline).push:
            raise ConfigurationError(
                f"{pipeline} pushes what it predicts, and keeps it in no table.",
                next_step="name a pipeline that publishes, or none for all of them.",
            )
        for declared in upstreams_first(workspace.pipelines):
            if pipeline not in (None, declared.name):
                continue
            try:
                changes = (
                    foresee_tables(workspace, declared) if dry_run else see_to_tables(workspace, declared, anyway=True)
                )
            except DaybreakError as error:
                refusals.append(str(error.located(declared.name, None)))
                continue
            if not changes:
                out.print(f"{'-- ' * dry_run}{declared.name}: nothing to do.", markup=False)
            elif dry_run:
                print(f"-- {declared.name}\n" + "".join(f"{change.statement};\n" for change in changes))
            else:
                out.print(f"{declared.name}:", markup=False)
                for change in changes:
                    out.print(f"  {change.says}", markup=False, soft_wrap=True)
    for refusal in refusals:
        print_error(refusal)
    if refusals:
        raise typer.Exit(1)
