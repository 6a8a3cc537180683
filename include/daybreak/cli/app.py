"""The command line: everything Daybreak does, without Airflow.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted.
"""

import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated

import typer

from daybreak.cli.access import access
from daybreak.cli.arguments import (
    IntoNamedWarehouse,
    Json,
    Key,
    Leakage,
    Name,
    RunId,
    Version,
    open_workspace,
    tell_stale,
)
from daybreak.cli.backfilling import backfilling
from daybreak.cli.bringing import bringing
from daybreak.cli.comparing import comparing
from daybreak.cli.environments import environments
from daybreak.cli.installing import installing
from daybreak.cli.local import local
from daybreak.cli.looking import looking
from daybreak.cli.measuring import measuring
from daybreak.cli.models import models
from daybreak.cli.new import starting
from daybreak.cli.outcomes import print_outcomes
from daybreak.cli.standing import standing
from daybreak.cli.sweeping import sweeping
from daybreak.cli.tables import tables
from daybreak.cli.watching import alerts, watching
from daybreak.declaration.partition import parse_day
from daybreak.errors import DaybreakError
from daybreak.garbage import collect_seldom
from daybreak.settings import read_settings, share_cores

INTERRUPTED = 130
_INTERRUPTED = "Interrupted. Nothing of the unfinished run is visible. Next: run the command again."

app = typer.Typer(
    help="Batch inference whose every prediction is accounted for.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(standing)
app.add_typer(looking)
app.add_typer(backfilling)
app.add_typer(comparing)
app.add_typer(access)
app.add_typer(installing)
app.add_typer(starting)
app.add_typer(tables)
app.add_typer(models)
app.add_typer(bringing)
app.add_typer(environments)
app.add_typer(measuring)
app.add_typer(sweeping)
app.add_typer(watching)
app.add_typer(alerts, name="alerts", no_args_is_help=True)
app.add_typer(local, name="local", no_args_is_help=True)


def main() -> None:
    """Run the command line; a refusal is one line on standard error and exit code 1."""
    from daybreak.cli.display import print_error, write_json_lines

    share_cores()
    collect_seldom()
    if _asked_for_json():
        write_json_lines()
    try:
        _command()()
    except DaybreakError as error:
        from daybreak.warehouse.faults import was_cancelled

        interrupted = was_cancelled(error)
        print_error(_INTERRUPTED if interrupted else str(error), error)
        sys.exit(INTERRUPTED if interrupted else 1)
    except Exception as error:
        from daybreak.unforeseen import as_ours

        ours = as_ours(error, read_settings().tracebacks, during=shlex.join(["daybreak", *sys.argv[1:]]))
        print_error(str(ours), ours)
        sys.exit(1)
    except SystemExit as ended:
        # The command line's library makes this of Ctrl-C.
        if ended.code == INTERRUPTED:
            print_error(_INTERRUPTED)
        raise


def _asked_for_json() -> bool:
    try:
        return read_settings().log_json
    except DaybreakError:
        return False  # it is told by the command, unless that needs no settings


@cache
def _command() -> Callable[..., object]:
    # Once a process: to look through all commands and their options takes longer than most of them.
    return typer.main.get_command(app)


@app.command()
def run(
    pipeline: Name,
    partition: Annotated[
        str | None,
        typer.Option(help="The partition's key, such as a day YYYY-MM-DD; default: the last complete one."),
    ] = None,
    model_version: Version = None,
    allow_leakage: Leakage = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do everything but publish or send, and print the counts.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the source to land, as long as the pipeline declares.")
    ] = False,
) -> None:
    """Score one partition and publish it, or push it."""
    from daybreak.cli.progress import rows_progress, waiting_progress
    from daybreak.monitoring.observed_runs import observed_runs
    from daybreak.push.runner import runner_for
    from daybreak.run.planning import Request, plan_run

    with open_workspace() as workspace:
        declared = workspace.pipeline(pipeline)
        workspace.ledger.sweep()
        request = Request(
            partition, model_version=model_version, allow_leakage=allow_leakage, dry_run=dry_run, wait=wait
        )
        with observed_runs(workspace) as runs, runs.one(declared) as begun:
            with waiting_progress() as pause:
                plan = plan_run(workspace, declared, request, pause)
            begun(plan.run_id)
            with rows_progress(f"{pipeline} {plan.partition.key}") as progress:
                outcome = runner_for(workspace, declared).run(plan, progress)
        print_outcomes(f"{pipeline} {plan.partition.key}", [outcome])
        tell_stale(workspace, pipeline, plan.partition.key)


@app.command()
def push(
    pipeline: Name,
    partition: Key,
    resume: Annotated[bool, typer.Option("--resume", help="With the model version that the last run planned.")] = False,
) -> None:
    """Score one partition and send what the receiver has not acknowledged yet."""
    from daybreak.cli.progress import rows_progress
    from daybreak.monitoring.observed_runs import observed_runs
    from daybreak.push.resuming import resumption
    from daybreak.push.runner import PushRunner
    from daybreak.run.planning import Request, plan_run

    with open_workspace() as workspace:
        declared = workspace.pipeline(pipeline)
        workspace.ledger.sweep()
        request = (
            resumption(workspace.ledger, pipeline, declared.calendar.partition(partition))
            if resume
            else Request(partition)
        )
        with observed_runs(workspace) as runs, runs.one(declared) as begun:
            plan = plan_run(workspace, declared, request)
            begun(plan.run_id)
            with rows_progress(f"{pipeline} {partition}") as progress:
                outcome = PushRunner(workspace, declared).run(plan, progress)
        print_outcomes(f"{pipeline} {partition}", [outcome])


@app.command()
def rollback(pipeline: Name, partition: Key) -> None:
    """Make the publication before the current one current again."""
    from daybreak.cli.display import out
    from daybreak.run.runner import Runner

    with open_workspace() as workspace:
        declared = workspace.pipeline(pipeline)
        publisher, key = Runner(workspace, declared).publisher, declared.calendar.partition(partition).key
        workspace.see_to_ledger()
        publication = publisher.roll_back(key)
        out.print(f"{pipeline} {partition}: run {publication.run_id} is the current one again.")
        tell_stale(workspace, pipeline, key)


@app.command()
def replay(
    pipeline: Name,
    partition: Key,
    source: Annotated[
        str, typer.Option("--from", help="`source`: read the rows again; `snapshot`: as they were extracted.")
    ] = "source",
) -> None:
    """Validate and score quarantined rows again, after the source or the rule was mended."""
    from daybreak.monitoring.observed_runs import observed_runs
    from daybreak.run.outcome import Outcome
    from daybreak.run.replay import replay as replay_rows
    from daybreak.run.runner import Runner

    if source not in ("source", "snapshot"):
        raise typer.BadParameter("choose source or snapshot", param_hint="--from")
    started = datetime.now(UTC)
    with open_workspace() as workspace:
        workspace.ledger.sweep()
        runner = Runner(workspace, workspace.pipeline(pipeline))
        key = runner.pipeline.calendar.partition(partition).key
        with observed_runs(workspace) as runs, runs.one(runner.pipeline) as begun:
            plan, counts, publication = replay_rows(runner, key, read_source=source == "source", begun=begun)
        seconds = (datetime.now(UTC) - started).total_seconds()
        print_outcomes(f"replay of {pipeline} {partition}", [Outcome(plan, counts, seconds, publication)])


@app.command()
def reproduce(pipeline: Name, partition: Key, run: RunId = None, json: Json = False) -> None:
    """Derive a run's predictions again from what it used, and compare them bit for bit."""
    from dataclasses import asdict

    from daybreak.cli.display import out, print_json
    from daybreak.run.reproduce import reproduce as reproduce_run
    from daybreak.run.runner import Runner

    with open_workspace() as workspace:
        workspace.see_to_ledger()
        runner = Runner(workspace, workspace.pipeline(pipeline))
        found = reproduce_run(
            runner, run or runner.publisher.current(runner.pipeline.calendar.partition(partition).key)
        )
    if json:
        print_json(asdict(found))
    else:
        out.print(f"Run {found.run_id}: {found.rows:,} predictions derived again, {found.different:,} differ.")
        for note in found.changed:
            out.print(f"  note: {note}")
        for count in found.miscounted:
            out.print(f"  [bold red]wrong[/bold red]: {count}.")
        if found.miscounted:
            out.print("Next: find out who changed ledger or rows by hand; run the partition again to publish it anew.")
    if found.different or found.miscounted:
        raise typer.Exit(1)


@app.command("load-demo")
def load_demo(
    last_day: Annotated[str | None, typer.Option(help="Day that the data ends on; default: yesterday.")] = None,
    promotions: Annotated[bool, typer.Option("--promotions", help="Also the 20.9 million rows of promotions.")] = False,
    into_named_warehouse: IntoNamedWarehouse = False,
) -> None:
    """Load the demonstration data: a year of real grocery sales, moved to end yesterday."""
    from zoneinfo import ZoneInfo

    from daybreak.cli.display import out
    from daybreak.local.demonstration_data import TIMEZONE, load_demonstration_data
    from daybreak.local.demonstration_schema import refuse_named_warehouse

    yesterday = datetime.now(ZoneInfo(TIMEZONE)).date() - timedelta(days=1)
    with open_workspace() as workspace:
        refuse_named_warehouse(workspace.settings, asked=into_named_warehouse)
        load_demonstration_data(
            workspace.warehouse,
            workspace.settings.checkout / "sql",
            yesterday if last_day is None else parse_day(last_day),
            promotions=promotions,
            progress=lambda table, rows: out.print(f"  retail.{table}: {rows:,} rows"),
        )
