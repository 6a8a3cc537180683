"""Run and watch healthy days of the demonstration, of which none may open an incident.

`PYTHONPATH=tests python tests/benchmarks/healthy_days.py`. Each day is run by the code that any run is, measured, held
against its thresholds, and looked at the morning after. `healthy_counts.py` counts the rows of such days alone, for
the suite to hold the bands against.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from daybreak.cli.display import err, print_table
from daybreak.declaration.pipeline import Pipeline
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.local.demonstration_data import TIMEZONE, load_demonstration_data
from daybreak.models.aliases import Decision
from daybreak.monitoring.measure import measure
from daybreak.monitoring.retraining import watch_newest
from daybreak.monitoring.watching import Watch
from daybreak.run.planning import Request, plan_run
from daybreak.run.runner import Runner
from daybreak.settings import PROJECT, Settings
from daybreak.training.train import train
from daybreak.workspace import Workspace
from quick_retail import PIPELINES

LEARNED, HEALTHY = 28, 30
# What is pushed needs somebody who takes it; its rows are of the same sales.
NAMES = tuple(one.name for one in PIPELINES if not one.push)


def opened_workspace(folder: Path, names: Sequence[str]) -> Workspace:
    """Open a workspace of these pipelines alone."""
    workspace = Workspace(Settings(home=folder, project=PROJECT, pipelines="quick_retail", alerts_storage_percent=100))
    pipelines = {name: workspace.pipeline(name) for name in names}
    workspace.__dict__["declared"] = replace(workspace.declared, pipelines=pipelines, broken={})
    return workspace


def run_days(workspace: Workspace, learned: int, healthy: int) -> list[dict[str, Any]]:
    """Run so many days, and look each morning of the healthy ones; return what was opened."""
    pipelines = workspace.pipelines
    last = datetime.now(ZoneInfo(TIMEZONE)).date() - timedelta(days=1)
    first = last - timedelta(days=learned + healthy - 1)
    load_demonstration_data(workspace.warehouse, PROJECT / "sql", last)
    for pipeline in pipelines.values():
        say(f"training {pipeline.name}")
        # Later days have not been seen.
        for version, _ in train(workspace, pipeline, through=first - timedelta(days=1)):
            workspace.aliases(next(ref for ref in pipeline.model_refs if ref.name == version.name)).move(
                version.version, Decision("healthy days")
            )
    opened = []
    for back in range(learned + healthy - 1, -1, -1):
        day = last - timedelta(days=back)
        for pipeline in pipelines.values():
            _run(workspace, pipeline, day, measured=back < healthy)
        if back < healthy:
            morning = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=12)
            look = Watch(workspace, "healthy days").look(morning)
            opened += [{"morning": day + timedelta(days=1), **row} for row in look.changed.opened]
            say(f"{day}: {', '.join(row['cause'] for row in look.changed.opened) or 'quiet'}")
    return opened


def _run(workspace: Workspace, pipeline: Pipeline, day: date, *, measured: bool) -> None:
    Runner(workspace, pipeline).run(plan_run(workspace, pipeline, Request(str(day))))
    if measured:
        if pipeline.measures:
            measure(workspace, pipeline)
        if pipeline.retrain:
            watch_newest(workspace, pipeline)


def say(text: str) -> None:
    err.print(f"  {text}")


def main(
    pipelines: Annotated[str, typer.Option(help="Which, separated by commas.")] = ",".join(NAMES),
    learned: Annotated[int, typer.Option(min=14, help="Days before, of which it is learned what is usual.")] = LEARNED,
    healthy: Annotated[int, typer.Option(min=1, help="Days that are looked at.")] = HEALTHY,
) -> None:
    """Run, watch, and fail if an incident was opened."""
    started = time.process_time()
    with TemporaryDirectory(prefix="daybreak-healthy-") as folder:
        server = EmbeddedPostgres(Path(folder)).use()
        try:
            workspace = opened_workspace(Path(folder), pipelines.split(","))
            opened = run_days(workspace, learned, healthy)
            workspace.close()
        finally:
            server.stop()
            server.release()
    wanted = [[str(row["morning"]), row["cause"], row["problem"]] for row in opened]
    print_table(f"Incidents in {healthy} healthy days of {pipelines}", ["morning", "cause", "what"], wanted)
    say(f"{time.process_time() - started:.0f} s of this process")
    sys.exit(1 if opened else 0)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
