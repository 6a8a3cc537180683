"""The command that makes what Daybreak needs where it was installed: databases, and a package for one's pipelines."""

from pathlib import Path
from typing import Annotated

import typer

from daybreak.cli.arguments import open_workspace
from daybreak.errors import ConfigurationError

installing = typer.Typer()


@installing.command()
def init(
    package: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also a package for your pipelines, such as my_pipelines.")
    ] = None,
    dags: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where Airflow reads its DAG files from.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be made.")] = False,
) -> None:
    """Make what is missing: databases, schemas, tables, roles; print the statements for what this login may not.

    What is there stays as it is: run it again after every upgrade.
    """
    from daybreak.cli.display import out
    from daybreak.starting.databases import prepare
    from daybreak.starting.own_package import see_to_package, to_be_set

    if dags is not None and package is None:
        raise ConfigurationError(
            "`--dags` says where the DAG files of a package go.", next_step="name the package with `--package` too."
        )
    with open_workspace() as workspace:
        settings = workspace.settings
        if package is not None:
            out.print(see_to_package(settings, package, dags, dry_run=dry_run), markup=False, soft_wrap=True)
        steps = prepare(workspace, dry_run=dry_run)
    for step in steps:
        out.print(step.says, markup=False, soft_wrap=True)
        for statement in step.statements:
            print(f"{statement};")
    if any(step.statements for step in steps):
        raise ConfigurationError(
            "Some of it this login may not make.",
            next_step="have the statements above run, then `daybreak init` again.",
        )
    if package is not None:
        if wanted := to_be_set(settings, package, dags):
            out.print("Next: set for every process of Airflow, and in the shell of the `daybreak` command:")
            for name, value in wanted.items():
                print(f"  export {name}={_in_shell(name, value)}")
        out.print("Then: `daybreak new NAME` makes a pipeline." if wanted else "Next: `daybreak new NAME`.")


def _in_shell(name: str, value: str) -> str:
    import shlex

    # What is on the path already stays there.
    return shlex.quote(value) + ('"${PYTHONPATH:+:$PYTHONPATH}"' if name == "PYTHONPATH" else "")
