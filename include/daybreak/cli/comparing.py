"""The command that compares two runs of a partition: diff."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from daybreak.cli.arguments import Json, Key, Leakage, Name, Version, open_workspace

if TYPE_CHECKING:
    from daybreak.run.diff import Difference, Segment

comparing = typer.Typer()


@comparing.command()
def diff(
    pipeline: Name,
    partition: Key,
    runs: Annotated[
        list[int] | None,
        typer.Argument(metavar="[RUN RUN]", help="The earlier and the later run; default: the last two published."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Against the current one: what would be published now.")
    ] = False,
    by: Annotated[str | None, typer.Option(help="Column to count by; default: that of the segments.")] = None,
    model_version: Version = None,
    allow_leakage: Leakage = False,
    json: Json = False,
) -> None:
    """Show what publishing a partition again has changed, or would: rows, spread, and the largest differences."""
    from dataclasses import asdict

    from daybreak.cli.display import print_json
    from daybreak.cli.progress import rows_progress
    from daybreak.run.diff import diff_dry_run, diff_publications
    from daybreak.run.planning import Request, plan_run
    from daybreak.run.runner import Runner

    if len(runs or []) not in (0, 2) or (runs and dry_run):
        raise typer.BadParameter("give two runs, or none, or --dry-run", param_hint="RUN RUN")
    with open_workspace() as workspace:
        workspace.ledger.sweep()
        runner = Runner(workspace, workspace.pipeline(pipeline))
        key = runner.pipeline.calendar.partition(partition).key
        if dry_run:
            runner.publisher.current(key)  # before anything is read
            request = Request(key, model_version=model_version, allow_leakage=allow_leakage, dry_run=True)
            plan = plan_run(workspace, runner.pipeline, request)
            with rows_progress(f"{pipeline} {partition}") as progress:
                found = diff_dry_run(runner, plan, progress, by)
        else:
            found = diff_publications(runner, key, (runs[0], runs[1]) if runs else None, by)
    if json:
        print_json(asdict(found))
    else:
        _print(f"{pipeline} {partition}", found)


def _print(title: str, found: "Difference") -> None:
    from daybreak.cli.display import out, print_table

    later = f"run {found.later_run}" if found.later_run else "a dry run"
    total = found.total
    out.print(f"[bold]{title}[/bold]: run {found.earlier_run} against {later}")
    columns = ["segment", "left", "came", "differ", "the same", "mean difference"]
    rows = [_counted("all", total)]
    if any(segment.segment is not None for segment in found.segments):
        rows += [_counted(segment.segment or "(none)", segment) for segment in found.segments]
    print_table("Rows", columns, rows)
    if not total.differ:
        return
    if found.spread:
        print_table("Later minus earlier", ["least", "5 %", "median", "95 %", "greatest"], [found.spread])
    if found.moved:
        print_table("Moved", ["from", "to", "rows"], found.moved)
    print_table("Largest differences", [*found.key, "earlier", "later"], found.largest)


def _counted(name: str, segment: "Segment") -> list[Any]:
    return [name, segment.left, segment.came, segment.differ, segment.same, segment.mean_difference]
