"""The commands that only look: runs, deliveries and models."""

from typing import TYPE_CHECKING, Annotated

import typer

from daybreak.cli.arguments import Json, Key, Name, RunId, open_workspace, tell_untold
from daybreak.errors import PublicationRefused

if TYPE_CHECKING:
    from daybreak.workspace import Workspace

looking = typer.Typer()


@looking.command()
def runs(
    pipeline: Annotated[str | None, typer.Argument(metavar="[PIPELINE]", help="Only this pipeline's.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 30,
    stale: Annotated[
        bool, typer.Option("--stale", help="Only current ones whose upstream has been published anew since.")
    ] = False,
    missing: Annotated[bool, typer.Option("--missing", help="Partitions of which nothing is current instead.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Partitions whose last run failed instead.")] = False,
    outdated: Annotated[
        bool, typer.Option("--outdated", help="Current ones whose source has changed since, by changed.sql, instead.")
    ] = False,
    json: Json = False,
) -> None:
    """List runs, the newest first."""
    only = {"missing": missing, "failed": failed, "outdated": outdated}
    if any(only.values()):
        _list_partitions(pipeline, limit, {name for name, chosen in only.items() if chosen}, json=json)
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
def show(pipeline: Name, partition: Key, run: RunId = None, json: Json = False) -> None:
    """Show one run in full: what it used, what came of every row, what was expected, what is published."""
    from daybreak.cli.display import print_json
    from daybreak.cli.report import print_run
    from daybreak.ledger.history import show_partition

    with open_workspace() as workspace:
        key = workspace.pipeline(pipeline).calendar.partition(partition).key
        found = show_partition(workspace.ledger, pipeline, key, run)
    if found is None:
        raise PublicationRefused(
            f"There is no {f'run {run}' if run else 'run'} of this partition.",
            next_step=f"run it: `daybreak run {pipeline} --partition {partition}`.",
            pipeline=pipeline,
            partition=partition,
        )
    print_json(found) if json else print_run(found)


@looking.command()
def deliveries(
    pipeline: Name,
    partition: Key,
    open_only: Annotated[bool, typer.Option("--open", help="Only chunks that are not acknowledged.")] = False,
    json: Json = False,
) -> None:
    """List what was pushed for a partition: chunks by key, with counts and states, never a prediction."""
    from daybreak.cli.display import out, print_json, print_table
    from daybreak.ledger.deliveries import Deliveries

    with open_workspace() as workspace:
        day = workspace.pipeline(pipeline).calendar.partition(partition).first_day
        found = Deliveries(workspace.ledger.warehouse, pipeline, day).list(only_open=open_only)
    if json:
        print_json(found)
        return
    columns = ("generation", "kind", "position", "idempotency_key", "items", "rejected", "state", "attempts")
    print_table(
        f"Deliveries of {pipeline} {partition}",
        [*(name.replace("_", " ") for name in columns), "run", "acknowledged"],
        [[*(row[name] for name in columns), str(row["run_id"]), row["acknowledged_at"]] for row in found],
    )
    if any(row["state"] == "open" for row in found):
        out.print(f"Next: `daybreak push {pipeline} {partition} --resume` scores and sends what is open.")


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


def _list_partitions(pipeline: str | None, limit: int, only: set[str], *, json: bool) -> None:
    """List the partitions since a pipeline's first that are missing, failed or outdated, the newest first."""
    from daybreak.cli.display import print_json, print_table
    from daybreak.run.backfill import partitions_to_run

    with open_workspace() as workspace:
        names = [workspace.pipeline(pipeline).name] if pipeline else _that_tell(workspace, only)
        workspace.ledger.sweep()
        found = [(name, one) for name in names for one in partitions_to_run(workspace, workspace.pipeline(name), only)]
        if "outdated" in only:
            for name in names:
                tell_untold(workspace, workspace.pipeline(name))
    found = sorted(found, key=lambda one: one[1].partition.start, reverse=True)[:limit]
    if json:
        print_json([{"pipeline": name, "partition_key": one.partition.key, "now": one.says} for name, one in found])
        return
    print_table(
        f"Partitions that are {' or '.join(sorted(only))}",
        ["pipeline", "partition", "now", "next"],
        [
            [name, one.partition.key, one.says, f"daybreak run {name} --partition {one.partition.key}"]
            for name, one in found
        ],
    )


def _that_tell(workspace: "Workspace", only: set[str]) -> list[str]:
    """Return the pipelines that can be asked: whether the source has changed not every one says."""
    from daybreak.sources.queries import CHANGED

    declared = workspace.pipelines.values()
    return [one.name for one in declared if only != {"outdated"} or workspace.queries(one).has(CHANGED)]
