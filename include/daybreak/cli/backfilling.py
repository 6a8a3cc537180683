"""The command that runs a range of partitions."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from daybreak.cli.arguments import Leakage, Name, Policy, Version, open_workspace, tell_stale, tell_untold
from daybreak.cli.outcomes import print_outcomes
from daybreak.errors import DaybreakError

if TYPE_CHECKING:
    from daybreak.run.backfill import Due
    from daybreak.run.outcome import Outcome

backfilling = typer.Typer()


@backfilling.command()
def backfill(
    pipeline: Name,
    first: Annotated[str, typer.Argument(metavar="FROM", help="First partition, such as a day YYYY-MM-DD.")],
    last: Annotated[str, typer.Argument(metavar="TO", help="Last one, included.")],
    missing: Annotated[bool, typer.Option("--missing", help="Only those of which nothing is current.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Only those whose last run failed.")] = False,
    outdated: Annotated[
        bool, typer.Option("--outdated", help="Only those whose source has changed since, by changed.sql.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show which, why, with which versions, about how long; run nothing."),
    ] = False,
    model_version: Version = None,
    policy: Policy = None,
    allow_leakage: Leakage = False,
    push: Annotated[
        bool, typer.Option("--push", help="Also send, where the pipeline pushes; without it none is sent.")
    ] = False,
) -> None:
    """Score every partition of a range, in one process. One that is refused does not stop the others."""
    from daybreak.cli.display import out
    from daybreak.cli.progress import partitions_progress
    from daybreak.monitoring.observed_runs import observed_runs
    from daybreak.push.runner import runner_for
    from daybreak.run.backfill import (
        FAILED,
        MISSING,
        OUTDATED,
        choose_partitions,
        expected_seconds,
        leave_out,
        plan_backfill,
    )
    from daybreak.run.planning import Request, plan_run

    asked = ((MISSING, missing), (FAILED, failed), (OUTDATED, outdated))
    only = {name for name, chosen in asked if chosen}
    outcomes: list[Outcome] = []
    refusals: list[DaybreakError] = []
    with open_workspace() as workspace:
        declared = workspace.pipeline(pipeline)
        calendar = declared.calendar
        wanted = calendar.open_between(calendar.partition(first), calendar.partition(last))
        workspace.ledger.sweep()
        if outdated:
            tell_untold(workspace, declared)
        wanted, left_out = leave_out(workspace, declared, wanted)
        refusals += left_out
        chosen = choose_partitions(workspace, declared, wanted, only) if only or dry_run else None
        if dry_run:
            due = plan_backfill(workspace, declared, chosen or [], model_version, policy)
            _print_plan(f"{pipeline} {first} to {last}", due, expected_seconds(workspace, declared, len(due)))
            _tell(refusals)
            return
        if chosen is not None:
            wanted = [one.partition for one in chosen]
        if not wanted:
            what = " or ".join(sorted(only)) or "open"
            out.print(f"{pipeline} {first} to {last}: no {calendar.every.word} is {what}.")
            _tell(refusals)
            return
        runner = runner_for(workspace, declared)
        with partitions_progress(pipeline, len(wanted)) as progress, observed_runs(workspace) as runs:
            for partition in wanted:
                request = Request(
                    partition.key,
                    trigger="backfill",
                    model_version=model_version,
                    policy=policy,
                    allow_leakage=allow_leakage,
                    push=push,
                )
                try:
                    with runs.one(declared) as begun:
                        plan = plan_run(workspace, declared, request)
                        begun(plan.run_id)
                        outcomes.append(runner.run(plan))
                except DaybreakError as error:
                    refusals.append(error)
                progress(partition.key)
        print_outcomes(f"{pipeline} {first} to {last}", outcomes)
        tell_stale(workspace, pipeline)
    _tell(refusals)


def _tell(refusals: list[DaybreakError]) -> None:
    from daybreak.cli.display import print_error

    for refusal in refusals:
        print_error(str(refusal), refusal)
    if refusals:
        raise typer.Exit(1)


def _print_plan(title: str, due: "list[Due]", seconds: float | None) -> None:
    from daybreak.cli.display import out, print_table

    rows = [[one.partition.key, one.why, f"refused: {one.model}" if one.refused else one.model] for one in due]
    print_table(f"{title}: would be run", ["partition", "now", "model version"], rows)
    if due and seconds is not None:
        took = str(timedelta(seconds=round(seconds)))
        count = f"{len(due)} partition{'' if len(due) == 1 else 's'}"
        out.print(f"{count}, about {took} (hours, minutes, seconds) after the last runs. Nothing was run.")
