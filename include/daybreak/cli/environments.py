"""The command for models' own environments: installed ahead of time, so that no run waits for that."""

from typing import Annotated

import typer

from daybreak.cli.arguments import Json, open_workspace
from daybreak.declaration.segments import ModelRef

environments = typer.Typer()


@environments.command()
def environment(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The registered model.")],
    version: Annotated[int | None, typer.Option(min=1, help="This version; default: the one of the alias.")] = None,
    alias: Annotated[str, typer.Option(help="The alias whose version it is.")] = "champion",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be installed, and do nothing.")] = False,
    json: Json = False,
) -> None:
    """Install the environment that a model's version is scored in, where that is one of its own."""
    from daybreak.cli.display import out, print_json
    from daybreak.cli.progress import steps_progress

    with open_workspace() as workspace:
        registry = workspace.registry
        found = registry.resolve(ModelRef(model, alias), version)
        called, why = f"{model} version {found.version}", found.elsewhere
        required = registry.loader.required(found) if why else None
        installed = registry.loader.installed(found) if why else None
        if why and installed is None and not dry_run:
            with steps_progress(called) as progress:
                installed = registry.loader.environment(found, progress)
    folder, packages = (installed.folder, list(installed.packages)) if installed else (None, [])
    if json:
        requires = list(required.packages) if required else []
        told = {"model": model, "version": found.version, "own": why is not None, "reason": why, "requires": requires}
        print_json(told | {"folder": str(folder) if folder else None, "packages": packages})
    elif required is None:
        fits = found.misfit or "fits what is installed here, and nothing declares otherwise"
        out.print(f"{called} {fits}: it has no environment of its own.", markup=False, soft_wrap=True)
    elif folder:
        out.print(f"{called} {why}. It is installed: {folder}", markup=False, soft_wrap=True)
        out.print(f"  {', '.join(packages)}", markup=False, soft_wrap=True)
    else:
        out.print(f"{called} {why}. It would be installed of:", markup=False, soft_wrap=True)
        out.print(f"  {' '.join(required.packages)}", markup=False, soft_wrap=True)
