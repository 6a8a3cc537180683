"""The commands that only look: runs, deliveries and models."""

from typing import Annotated

import typer

from daybreak.cli.arguments import Day, Json, Name, RunId, open_workspace
from daybreak.declaration.partition import parse_day
from daybreak.errors import PublicationRefused

looking = typer.Typer()


@looking.command()
def runs(
    pipeline: Annotated[str | None, typer.Argument(metavar="[PIPELINE]", help="Only this pipeline's.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 30,
    stale: Annotated[
        bool, typer.Option("--stale", help="Only current ones whose upstream has been published anew since.")
    ] = False,
    missing: Annotated[bool, typer.Option("--missing", help="Days of which nothing is current instead.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Days whose last run failed instead.")] = False,
    json: Json = False,
) -> None:
    """List runs, the newest first."""
    if missing or failed:
        _list_days(pipeline, limit, missing=missing, failed=failed, json=json)
        return
    from daybreak.cli.display import out, print_json, print_table
    from daybreak.cli.report import print_stale
    from daybreak.ledger.history import list_runs
    from daybreak.ledger.stale import list_stale

    with open_workspace() as workspace:
        if pipeline:
            workspace.pipeline(pipeline)
        workspace.ledger.sweep()
        if stale:
            found = [row for row in list_stale(workspace.ledger) if pipeline in (None, row["pipeline"])][:limit]
        else:
            found = list_runs(workspace.ledger, pipeline, limit)
    if json:
        print_json(found)
        return
    if stale:
        print_stale(found)
        return
    print_table(
        "Runs",
        [
            "run",
            "pipeline",
            "partition",
            "state",
            "current",
            "trigger",
            "model",
            "rows in",
            "quarantined",
            "failed",
            "scored",
        ],
        [
            [
                str(row["run_id"]),
                row["pipeline"],
                row["partition_key"],
                row["state"],
                row["current"],
                row["trigger"],
                str(row["model_version"] or ("per segment" if row["model_digest"] else "-")),
                row["rows_extracted"],
                row["rows_quarantined"],
                row["rows_failed"],
                row["rows_scored"],
            ]
            for row in found
        ],
    )
    for row in reversed(found):
        if row["error"]:
            out.print(f"  run {row['run_id']} failed: {row['error']}", soft_wrap=True, markup=False)


@looking.command()
def show(pipeline: Name, day: Day, run: RunId = None, json: Json = False) -> None:
    """Show one run in full: what it used, what came of every row, what was expected, what is published."""
    from daybreak.cli.display import print_json
    from daybreak.cli.report import print_run
    from daybreak.ledger.history import show_partition

    with open_workspace() as workspace:
        workspace.pipeline(pipeline)
        found = show_partition(workspace.ledger, pipeline, parse_day(day), run)
    if found is None:
        raise PublicationRefused(
            f"There is no {f'run {run}' if run else 'run'} of this partition.",
            next_step=f"run it: `daybreak run {pipeline} --partition {day}`.",
            pipeline=pipeline,
            partition=day,
        )
    print_json(found) if json else print_run(found)


@looking.command()
def deliveries(
    pipeline: Name,
    day: Day,
    open_only: Annotated[bool, typer.Option("--open", help="Only chunks that are not acknowledged.")] = False,
    json: Json = False,
) -> None:
    """List what was pushed for a partition: chunks by key, with counts and states, never a prediction."""
    from daybreak.cli.display import out, print_json, print_table
    from daybreak.ledger.deliveries import Deliveries

    with open_workspace() as workspace:
        workspace.pipeline(pipeline)
        found = Deliveries(workspace.ledger.warehouse, pipeline, parse_day(day)).list(only_open=open_only)
    if json:
        print_json(found)
        return
    columns = ("generation", "kind", "position", "idempotency_key", "items", "rejected", "state", "attempts")
    print_table(
        f"Deliveries of {pipeline} {day}",
        [*(name.replace("_", " ") for name in columns), "run", "acknowledged"],
        [[*(row[name] for name in columns), str(row["run_id"]), row["acknowledged_at"]] for row in found],
    )
    if any(row["state"] == "open" for row in found):
        out.print(f"Next: `daybreak push {pipeline} {day} --resume` scores and sends what is open.")


@looking.command()
def models(
    pipeline: Annotated[str | None, typer.Argument(metavar="[PIPELINE]", help="Only this pipeline's.")] = None,
    json: Json = False,
) -> None:
    """List model versions with aliases and held-out metrics, and the challenger beside the champion.

    A version that no run may use, such as one that others have registered, is listed with what it lacks.
    """
    from dataclasses import asdict

    from daybreak.cli.display import print_json
    from daybreak.cli.model_tables import print_models
    from daybreak.models.version import to_json

    with open_workspace() as workspace:
        wanted = [workspace.pipeline(pipeline)] if pipeline else list(workspace.pipelines.values())
        names = dict.fromkeys(ref.name for declared in wanted for ref in declared.model_refs)
        found = [listed for name in names for listed in workspace.registry.listed(name)]
        if not json:
            print_models(workspace, found)
    if json:
        print_json([{**(to_json(v.model) if v.model else asdict(v)), "lacks": v.lacks} for v in found])


def _list_days(pipeline: str | None, limit: int, *, missing: bool, failed: bool, json: bool) -> None:
    """List the days since a pipeline's first that are missing or failed, the newest first."""
    from daybreak.cli.display import print_json, print_table
    from daybreak.run.backfill import FAILED, MISSING, days_to_run

    only = {name for name, chosen in ((MISSING, missing), (FAILED, failed)) if chosen}
    with open_workspace() as workspace:
        names = [workspace.pipeline(pipeline).name] if pipeline else list(workspace.pipelines)
        workspace.ledger.sweep()
        found = [(name, day) for name in names for day in days_to_run(workspace, workspace.pipeline(name), only)]
    found = sorted(found, key=lambda one: one[1].day, reverse=True)[:limit]
    if json:
        print_json([{"pipeline": name, "partition_date": day.day, "now": day.says} for name, day in found])
        return
    print_table(
        f"Days that are {' or '.join(sorted(only))}",
        ["pipeline", "day", "now", "next"],
        [[name, day.day, day.says, f"daybreak run {name} --partition {day.day}"] for name, day in found],
    )
