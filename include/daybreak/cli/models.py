"""The commands of a model's life: train, promote, demote."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daybreak.cli.arguments import Json, Name, open_workspace
from daybreak.declaration.partition import parse_day

if TYPE_CHECKING:
    from daybreak.declaration.pipeline import Pipeline
    from daybreak.promotion.promoting import Verdict

models = typer.Typer()

ModelName = Annotated[str | None, typer.Option("--model", help="This registered model, where a pipeline has several.")]


@models.command()
def train(
    pipeline: Name,
    through: Annotated[str | None, typer.Option(help="Last day that may be seen, held-out weeks included.")] = None,
    promote: Annotated[bool, typer.Option(help="Make it the champion if there is none yet.")] = True,
    search: Annotated[bool, typer.Option("--search", help="Compare the declared settings first.")] = False,
) -> None:
    """Train the pipeline's model, hold it against its baseline on held-out weeks, and register it."""
    from daybreak.cli.display import out, print_table
    from daybreak.cli.model_tables import print_candidates
    from daybreak.cli.progress import steps_progress
    from daybreak.training.train import train as train_model

    with open_workspace() as workspace:
        declared = workspace.pipeline(pipeline)
        with steps_progress(f"training {pipeline}") as progress:
            registered = train_model(
                workspace,
                declared,
                through=None if through is None else parse_day(through),
                promote=promote,
                search=search,
                progress=progress,
            )
    for version, trained in registered:
        print_table(
            f"{version.name} version {version.version}, trained through {version.trained_through}",
            ["held-out metric", "model", "baseline", "model / baseline"],
            [[k, trained.metrics[k], v, trained.metrics[k] / v if v else None] for k, v in trained.baseline.items()],
        )
        print_candidates(trained.candidates)
        if "champion" in version.aliases:
            day = version.trained_through + timedelta(days=1)
            told = f"daybreak history {_named(declared, version.name)} --declare {version.version} --since {day}"
            out.print(f"It is the champion now. If it was in force before, declare since when: `{told}`.")
        else:
            told = f"daybreak promote {_named(declared, version.name)}"
            out.print(f"It is the challenger, the champion is unchanged. Next: `{told}`.")


@models.command()
def promote(
    pipeline: Name,
    model: ModelName = None,
    version: Annotated[int | None, typer.Option(min=1, help="Judge this version, not the challenger.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge, and move nothing.")] = False,
    json: Json = False,
) -> None:
    """Make the challenger the champion, if it is better on rows that neither has seen and nothing speaks against it."""
    from daybreak.cli.progress import steps_progress
    from daybreak.promotion.promoting import promote as promote_model

    with open_workspace() as workspace, steps_progress(f"judging {pipeline}") as progress:
        declared = workspace.pipeline(pipeline)
        verdict = promote_model(workspace, declared, model=model, version=version, dry_run=dry_run, progress=progress)
    _print_verdict(declared, verdict, dry_run=dry_run, json=json)
    if not verdict.accepted:
        raise typer.Exit(1)


@models.command()
def demote(pipeline: Name, model: ModelName = None) -> None:
    """Put the champion before the current one back. Runs that are planned keep their version."""
    from daybreak.cli.display import out
    from daybreak.promotion.promoting import demote as demote_model

    with open_workspace() as workspace:
        ref = workspace.pipeline(pipeline).ref(model)
        before, now = demote_model(workspace, ref)
    out.print(f"{ref.name}: version {now} is the champion again, version {before} is not any more.")


@models.command()
def history(
    pipeline: Name,
    model: ModelName = None,
    declare: Annotated[
        int | None, typer.Option(min=1, metavar="VERSION", help="This version was champion before it was recorded.")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="The first day it was, as YYYY-MM-DD.")] = None,
    json: Json = False,
) -> None:
    """Show every decision about the champion: who, since when, from which version to which, and why.

    With `--declare VERSION --since DAY`, first write down what was in force before Daybreak recorded it.
    """
    from daybreak.cli.display import out, print_json
    from daybreak.cli.model_tables import print_decisions
    from daybreak.models.declaring import declare as declare_version
    from daybreak.promotion.report import list_decisions

    if (declare is None) != (since is None):
        raise typer.BadParameter("give both --declare and --since", param_hint="--declare")
    with open_workspace() as workspace:
        declared = workspace.pipeline(pipeline)
        refs = (declared.ref(model),) if model else declared.model_refs
        if declare is not None and since is not None:
            aliases = workspace.aliases(declared.ref(model))
            known = not declare_version(workspace.registry, aliases, declared, declare, parse_day(since))
            if not json:
                out.print("It is known already, nothing was written." if known else "Declared. The alias is unchanged.")
        found = list_decisions(workspace, refs)
    print_json(found) if json else print_decisions(pipeline, found)


def _named(pipeline: "Pipeline", model: str) -> str:
    """Name a model as the commands do."""
    return pipeline.name if len(pipeline.model_refs) == 1 else f"{pipeline.name} --model {model}"


def _print_verdict(pipeline: "Pipeline", verdict: "Verdict", *, dry_run: bool, json: bool) -> None:
    from daybreak.cli.display import out, print_json, print_table

    if json:
        found: dict[str, Any] = {"model": verdict.model, "challenger": verdict.challenger, "champion": verdict.champion}
        checks = [check.to_json() for check in verdict.checks]
        print_json(found | {"accepted": verdict.accepted, "moved": verdict.moved, "checks": checks})
        return
    against = f"champion version {verdict.champion}" if verdict.champion else "no champion"
    answers = {True: "yes", False: "no", None: "not asked"}
    print_table(
        f"{verdict.model}: version {verdict.challenger} against {against}",
        ["check", "met", "found"],
        [[check.name, answers[check.met], check.says] for check in verdict.checks],
    )
    if verdict.moved:
        told = f"daybreak demote {_named(pipeline, verdict.model)}"
        out.print(f"Version {verdict.challenger} is the champion now. To go back: `{told}`.")
    elif dry_run:
        out.print(f"It would {'be promoted' if verdict.accepted else 'be refused'}. Nothing was moved.")
    else:
        told = f"daybreak history {_named(pipeline, verdict.model)}"
        out.print(f"Refused: the champion is unchanged. It is written down: `{told}`. Next: {_after(verdict)}")


def _after(verdict: "Verdict") -> str:
    """Say what to do about a refusal: of a version that takes what no row has, no later one is another case."""
    from daybreak.promotion.judging import COLUMNS

    if any(check.name == COLUMNS and check.met is False for check in verdict.checks):
        return (
            "give those columns in extract.sql, or train on those that it gives. Where the champion has to be left "
            f'behind, give the new model a name of its own in the declaration, such as ModelRef("{verdict.model}_2"): '
            "its first version is the champion at once, so before that hold what training measured of it against "
            "what it measured of this one (`daybreak models`)."
        )
    return "train another challenger."
