"""The command line: everything Daybreak does, without Airflow.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from daybreak.errors import DaybreakError, PublicationRefused
from daybreak.local.commands import local
from daybreak.partition import parse_day
from daybreak.settings import Settings

if TYPE_CHECKING:
    from daybreak.runner import Outcome
    from daybreak.workspace import Workspace

app = typer.Typer(
    help="Batch inference whose every prediction is accounted for.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(local, name="local", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="PIPELINE", help="Name of the pipeline, for example demand_forecast.")]
Day = Annotated[str, typer.Argument(metavar="DAY", help="The partition, as YYYY-MM-DD.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Version = Annotated[int | None, typer.Option("--model-version", min=1, help="Use this version, not the champion.")]
Leakage = Annotated[
    bool, typer.Option("--allow-leakage", help="Accept a model that has seen days after the partition.")
]
RunId = Annotated[int | None, typer.Option("--run", help="This run, not the current one.")]


def main() -> None:
    """Run the command line; a refusal is one line on standard error and exit code 1."""
    from daybreak.display import print_error

    try:
        app()
    except DaybreakError as error:
        print_error(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        print_error("Interrupted. Nothing of the unfinished run is visible. Next: run the command again.")
        sys.exit(1)


@contextmanager
def _workspace() -> "Iterator[Workspace]":
    from daybreak.workspace import Workspace

    workspace = Workspace(Settings())
    try:
        yield workspace
    finally:
        workspace.close()


@app.command()
def run(
    pipeline: Name,
    partition: Annotated[
        str | None, typer.Option(help="Day to score, YYYY-MM-DD; default: the last complete one.")
    ] = None,
    model_version: Version = None,
    allow_leakage: Leakage = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do everything but publish, and print the counts.")
    ] = False,
) -> None:
    """Score one partition and publish it."""
    from daybreak.planning import Request, plan_run
    from daybreak.progress import rows_progress
    from daybreak.runner import Runner

    with _workspace() as workspace:
        declared = workspace.pipeline(pipeline)
        workspace.ledger.sweep()
        request = Request(partition, model_version=model_version, allow_leakage=allow_leakage)
        plan = plan_run(workspace, declared, request)
        with rows_progress(f"{pipeline} {plan.partition.key}") as progress:
            outcome = Runner(workspace, declared).run(plan, dry_run=dry_run, progress=progress)
        _print_outcomes(f"{pipeline} {plan.partition.key}", [outcome])


@app.command()
def backfill(
    pipeline: Name,
    first: Annotated[str, typer.Argument(metavar="FROM", help="First day, YYYY-MM-DD.")],
    last: Annotated[str, typer.Argument(metavar="TO", help="Last day, included.")],
    model_version: Version = None,
    allow_leakage: Leakage = False,
) -> None:
    """Score every partition of a range, in one process. A day that is refused does not stop the others."""
    from daybreak.display import print_error
    from daybreak.partition import days
    from daybreak.planning import Request, plan_run
    from daybreak.progress import days_progress
    from daybreak.runner import Runner

    wanted = days(parse_day(first), parse_day(last))
    outcomes, refusals = [], []
    with _workspace() as workspace:
        declared = workspace.pipeline(pipeline)
        workspace.ledger.sweep()
        runner = Runner(workspace, declared)
        with days_progress(pipeline, len(wanted)) as progress:
            for day in wanted:
                request = Request(
                    day.isoformat(), trigger="backfill", model_version=model_version, allow_leakage=allow_leakage
                )
                try:
                    outcomes.append(runner.run(plan_run(workspace, declared, request)))
                except DaybreakError as error:
                    refusals.append(str(error))
                progress(day)
        _print_outcomes(f"{pipeline} {first} to {last}", outcomes)
    for refusal in refusals:
        print_error(refusal)
    if refusals:
        raise typer.Exit(1)


@app.command()
def train(
    pipeline: Name,
    through: Annotated[str | None, typer.Option(help="Last day that may be seen, held-out weeks included.")] = None,
    promote: Annotated[bool, typer.Option(help="Make the new version the champion.")] = True,
) -> None:
    """Train the pipeline's model, hold it against its baseline on held-out weeks, and register it."""
    from daybreak.display import out, print_table
    from daybreak.progress import steps_progress
    from daybreak.train import train as train_model

    with _workspace() as workspace:
        declared = workspace.pipeline(pipeline)
        with steps_progress(f"training {pipeline}") as progress:
            version, trained = train_model(
                workspace, declared, through=parse_day(through) if through else None, promote=promote, progress=progress
            )
    print_table(
        f"{version.name} version {version.version}, trained through {version.trained_through}",
        ["held-out metric", "model", "baseline", "model / baseline"],
        [
            [k, v, trained.baseline.get(k), v / trained.baseline[k]]
            for k, v in trained.metrics.items()
            if k in trained.baseline
        ],
    )
    out.print(f"{'It is the champion now.' if promote else 'The champion is unchanged.'}")


@app.command()
def runs(
    pipeline: Annotated[str | None, typer.Argument(metavar="[PIPELINE]", help="Only this pipeline's.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 30,
    json: Json = False,
) -> None:
    """List runs, the newest first."""
    from daybreak.display import out, print_json, print_table
    from daybreak.history import list_runs

    with _workspace() as workspace:
        if pipeline:
            workspace.pipeline(pipeline)
        workspace.ledger.sweep()
        found = list_runs(workspace.ledger, pipeline, limit)
    if json:
        print_json(found)
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
                str(row["model_version"] or "-"),
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


@app.command()
def show(pipeline: Name, day: Day, run: RunId = None, json: Json = False) -> None:
    """Show one run in full: what it used, what came of every row, what was expected, what is published."""
    from daybreak.display import print_json
    from daybreak.history import show_partition
    from daybreak.report import print_run

    with _workspace() as workspace:
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


@app.command()
def rollback(pipeline: Name, day: Day) -> None:
    """Make the publication before the current one current again."""
    from daybreak.display import out
    from daybreak.runner import Runner

    with _workspace() as workspace:
        publisher = Runner(workspace, workspace.pipeline(pipeline)).publisher
        workspace.ledger  # noqa: B018 - opens it, which brings the tables up to date
        publication = publisher.roll_back(parse_day(day))
    out.print(f"{pipeline} {day}: run {publication.run_id} is the current one again.")


@app.command()
def replay(
    pipeline: Name,
    day: Day,
    source: Annotated[
        str, typer.Option("--from", help="`source`: read the rows again; `snapshot`: as they were extracted.")
    ] = "source",
) -> None:
    """Validate and score quarantined rows again, after the source or the rule was mended."""
    from daybreak.replay import replay as replay_rows
    from daybreak.runner import Outcome, Runner

    if source not in ("source", "snapshot"):
        raise typer.BadParameter("choose source or snapshot", param_hint="--from")
    started = datetime.now(UTC)
    with _workspace() as workspace:
        workspace.ledger.sweep()
        runner = Runner(workspace, workspace.pipeline(pipeline))
        plan, counts, publication = replay_rows(runner, parse_day(day), read_source=source == "source")
        seconds = (datetime.now(UTC) - started).total_seconds()
        _print_outcomes(f"replay of {pipeline} {day}", [Outcome(plan, counts, seconds, publication)])


@app.command()
def reproduce(pipeline: Name, day: Day, run: RunId = None, json: Json = False) -> None:
    """Derive a run's predictions again from what it used, and compare them bit for bit."""
    from dataclasses import asdict

    from daybreak.display import out, print_json
    from daybreak.reproduce import reproduce as reproduce_run
    from daybreak.runner import Runner

    with _workspace() as workspace:
        workspace.ledger  # noqa: B018 - opens it, which brings the tables up to date
        runner = Runner(workspace, workspace.pipeline(pipeline))
        found = reproduce_run(runner, run or runner.publisher.current(parse_day(day)))
    if json:
        print_json(asdict(found))
    else:
        out.print(f"Run {found.run_id}: {found.rows:,} predictions derived again, {found.different:,} differ.")
        for note in found.changed:
            out.print(f"  note: {note}")
    if found.different:
        raise typer.Exit(1)


@app.command()
def models(
    pipeline: Annotated[str | None, typer.Argument(metavar="[PIPELINE]", help="Only this pipeline's.")] = None,
    json: Json = False,
) -> None:
    """List model versions with their aliases and held-out metrics."""
    from daybreak.display import print_json, print_table
    from daybreak.registry import to_json

    with _workspace() as workspace:
        wanted = [workspace.pipeline(pipeline)] if pipeline else list(workspace.pipelines.values())
        found = [version for declared in wanted for version in workspace.registry.versions(declared.model.name)]
    if json:
        print_json([to_json(version) for version in found])
        return
    print_table(
        "Model versions",
        ["model", "version", "aliases", "trained through", "scikit-learn", "held-out metrics", "digest"],
        [
            [
                version.name,
                version.version,
                ", ".join(version.aliases),
                version.trained_through,
                version.libraries.get("scikit-learn", ""),
                ", ".join(f"{k} {v:.4f}" for k, v in sorted(version.metrics.items())),
                version.digest[:12],
            ]
            for version in found
        ],
    )


@app.command("load-demo")
def load_demo(
    last_day: Annotated[str | None, typer.Option(help="Day that the data ends on; default: yesterday.")] = None,
    promotions: Annotated[bool, typer.Option("--promotions", help="Also the 20.9 million rows of promotions.")] = False,
) -> None:
    """Load the demonstration data: a year of real grocery sales, moved to end yesterday."""
    from zoneinfo import ZoneInfo

    from daybreak.display import out
    from daybreak.local.demonstration_data import TIMEZONE, load_demonstration_data

    yesterday = datetime.now(ZoneInfo(TIMEZONE)).date() - timedelta(days=1)
    with _workspace() as workspace:
        load_demonstration_data(
            workspace.warehouse,
            workspace.settings.sql,
            parse_day(last_day) if last_day else yesterday,
            promotions=promotions,
            progress=lambda table, rows: out.print(f"  retail.{table}: {rows:,} rows"),
        )


@app.command()
def url() -> None:
    """Print the warehouse's SQLAlchemy URL, password included."""
    with _workspace() as workspace:
        print(workspace.warehouse.url.render_as_string(hide_password=False))


def _print_outcomes(title: str, outcomes: "list[Outcome]") -> None:
    from daybreak.display import print_table

    states = {None: "dry run", True: "published", False: "superseded"}
    print_table(
        title,
        ["day", "run", "rows in", "quarantined", "failed", "scored", "model version", "seconds", "outcome"],
        [
            [
                outcome.plan.partition.day,
                str(outcome.plan.run_id),
                outcome.counts.rows_extracted,
                outcome.counts.rows_quarantined,
                outcome.counts.rows_failed,
                outcome.counts.rows_scored,
                str(outcome.plan.model.version),
                round(outcome.seconds, 2),
                states[outcome.publication.published if outcome.publication else None],
            ]
            for outcome in outcomes
        ],
    )
