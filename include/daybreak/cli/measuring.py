"""The commands that hold predictions against what happened: measure, and look at what was measured."""

from typing import Annotated, Any

import typer

from daybreak.cli.arguments import Json, Name, open_workspace

measuring = typer.Typer()


@measuring.command()
def measure(
    pipeline: Name,
    first: Annotated[str | None, typer.Option("--from", help="First partition; default: all that is new.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last one, included.")] = None,
    json: Json = False,
) -> None:
    """Hold published or pushed predictions against the actuals, and keep the metrics."""
    from dataclasses import asdict

    from daybreak.cli.display import print_json, print_table
    from daybreak.cli.progress import partitions_progress
    from daybreak.monitoring.measure import Measuring
    from daybreak.training.metrics import PRIMARY

    with open_workspace() as workspace:
        declared = workspace.pipeline(pipeline)
        wanted = Measuring(workspace, declared)
        calendar = declared.calendar
        due = wanted.due(*(None if key is None else calendar.partition(key) for key in (first, last)))
        found = []
        with partitions_progress(pipeline, len(due)) as progress:
            for measured in wanted.each(due):
                found.append(measured)
                progress(measured.partition)
    if json:
        print_json([asdict(measured) for measured in found])
        return
    metric = PRIMARY[declared.measures].replace("_", " ") if declared.measures else ""
    print_table(
        f"{pipeline}: predictions against actuals",
        ["partition", "run", "rows", "of", f"{metric}, champion", f"{metric}, shadow", "outcome"],
        [
            [
                measured.partition,
                str(measured.run_id),
                measured.rows,
                measured.predictions,
                (measured.metrics or {}).get("champion"),
                (measured.metrics or {}).get("shadow"),
                measured.problem or "measured",
            ]
            for measured in found
        ],
    )


@measuring.command()
def performance(
    pipeline: Name,
    partitions: Annotated[int, typer.Option(min=1, help="How many, the newest.")] = 28,
    by_segment: Annotated[bool, typer.Option("--by-segment", help="Each segment of the newest partition.")] = False,
    json: Json = False,
) -> None:
    """Show how predictions compared with what happened, over time."""
    from daybreak.cli.display import out, print_json, print_table
    from daybreak.ledger.performance import list_performance, over_partitions, picture
    from daybreak.training.metrics import PRIMARY

    with open_workspace() as workspace:
        declared = workspace.pipeline(pipeline)
        by = (declared.measured_by or "") if by_segment else ""
        found = list_performance(workspace.ledger, pipeline, partitions=1 if by_segment else partitions, segment_by=by)
    if json:
        print_json(found)
        return
    lines = over_partitions(found)
    names = list(dict.fromkeys(name for line in lines for name in line["metrics"]))
    metrics = [name.replace("_", " ") for name in names]
    print_table(
        f"{pipeline}: predictions against actuals" + (f", by {by}" if by else ""),
        ["partition", "role", *([by] if by else []), "version", "rows", "of", *metrics],
        [_cells(line, names, by) for line in lines],
    )
    if not by and declared.measures:
        primary = PRIMARY[declared.measures]
        for role in dict.fromkeys(line["role"] for line in lines):
            values = [line["metrics"][primary] for line in lines if line["role"] == role]
            span = f"{min(values):.3f} to {max(values):.3f}"
            out.print(f"{primary.replace('_', ' ')}, {role}: {picture(values)}  {span}")


def _cells(line: dict[str, Any], names: list[str], by: str) -> list[Any]:
    segment = [line["segment"]] if by else []
    version = str(line["model_version"] or "per segment")
    metrics = [line["metrics"].get(name) for name in names]
    return [line["partition_key"], line["role"], *segment, version, line["rows"], line["predictions"], *metrics]
