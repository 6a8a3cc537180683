"""The demonstration: real data, a trained model, a real Airflow, and a backfill of the last seven days."""

import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from rich.live import Live

from daybreak.display import err, out, print_table, table
from daybreak.errors import ModelRefused, TerminalError
from daybreak.history import list_runs
from daybreak.local.airflow import LocalAirflow
from daybreak.local.airflow_api import AirflowRun
from daybreak.local.demonstration_data import TIMEZONE, load_demonstration_data
from daybreak.local.postgres import EmbeddedPostgres
from daybreak.settings import Settings
from daybreak.workspace import Workspace

PIPELINE = "demand_forecast"
DAYS = 7
TASKS = ("plan", "extract", "validate", "score", "publish")
_MARKS = {"success": "done", "running": "[cyan]running[/cyan]", "failed": "[red]failed[/red]", "skipped": "skipped"}
_SAMPLES = sa.text(
    "SELECT DISTINCT ON (predicted_units, store_id) forecast_date, store_id, product_category, predicted_units, "
    "model_version, published_at FROM predictions.demand_forecast WHERE partition_date = :day "
    "ORDER BY predicted_units DESC, store_id LIMIT 3"
)


def demonstrate(settings: Settings) -> None:
    """Load, train, start Airflow, backfill seven days through it, show what came of it, stop everything."""
    started = time.monotonic()

    def say(step: str) -> None:
        err.print(f"[dim]{time.monotonic() - started:5.0f} s[/dim]  {step}")

    workspace = Workspace(settings)
    postgres = EmbeddedPostgres(settings.home).use()
    airflow = LocalAirflow(settings, postgres, dags=[PIPELINE], schedules=False, progress=say)
    try:
        say("Starting Airflow in the background.")
        airflow.launch()
        last_day = prepare(workspace, say)
        airflow.wait_until_healthy()
        first_day = last_day - timedelta(days=DAYS - 1)
        say(f"Asking Airflow for a backfill of {first_day} to {last_day}.")
        airflow.api.unpause(PIPELINE)
        runs = airflow.api.backfill(PIPELINE, first_day, last_day, reprocess="completed")
        states = _follow(airflow, runs, say)
        _show(workspace, last_day)
        failed = [run.partition for run in states if run.state != "success"]
        if failed:
            raise TerminalError(
                f"Airflow's run of {', '.join(map(str, failed))} failed.",
                next_step=f"read why with `daybreak show {PIPELINE} {failed[0]}`.",
            )
    finally:
        airflow.stop()
        workspace.close()
        postgres.release()
    say("Everything that was started is stopped. Look around with `make up`, or without Airflow: `daybreak --help`.")


def prepare(workspace: Workspace, say: Callable[[str], None]) -> date:
    """See to data that ends yesterday and a champion trained on it; return yesterday. What is there is kept."""
    from daybreak.train import source_last_day, train

    pipeline = workspace.pipeline(PIPELINE)
    yesterday = datetime.now(ZoneInfo(TIMEZONE)).date() - timedelta(days=1)
    fresh = source_last_day(workspace, pipeline) == yesterday
    if fresh:
        say(f"The demonstration data is there and ends on {yesterday}.")
    else:
        say(f"Loading the demonstration data, moved to end on {yesterday}.")
        loaded = load_demonstration_data(workspace.warehouse, workspace.settings.sql, yesterday)
        say("Loaded " + ", ".join(f"{rows:,} {name}" for name, rows in loaded.items()) + ".")
    try:
        champion = workspace.registry.resolve(pipeline.model) if fresh else None
    except ModelRefused:
        champion = None
    if champion is None:
        champion, trained = train(workspace, pipeline, progress=lambda step: say(f"Training: {step}."))
        compared = ", ".join(f"{k} {trained.metrics[k]:.4f} (baseline {v:.4f})" for k, v in trained.baseline.items())
        say(f"Registered version {champion.version}; held-out four weeks: {compared}.")
    else:
        say(f"The champion is version {champion.version}, trained through {champion.trained_through}.")
    return yesterday


def _follow(airflow: LocalAirflow, runs: Sequence[AirflowRun], say: Callable[[str], None]) -> list[AirflowRun]:
    states: list[AirflowRun] = []
    done = 0
    with Live(console=err, refresh_per_second=4, transient=True) as live:
        for states in airflow.api.follow(runs, timeout=600):
            live.update(
                table(
                    "Backfill",
                    ["day", "run", *TASKS],
                    [[r.partition, r.state, *(_MARKS.get(r.tasks.get(t, ""), "") for t in TASKS)] for r in states],
                    markup=True,
                )
            )
            finished = sum(run.finished for run in states)
            if finished > done:
                done = finished
                say(f"{done} of {len(states)} days finished.")
    return states


def _show(workspace: Workspace, last_day: date) -> None:
    runs = {row["partition_date"]: row for row in reversed(list_runs(workspace.ledger, PIPELINE, 100))}
    wanted = [runs[day] for n in reversed(range(DAYS)) if (day := last_day - timedelta(days=n)) in runs]
    print_table(
        f"{PIPELINE}: the last {DAYS} days, run by Airflow",
        ["day", "rows in", "quarantined", "failed", "scored", "model version", "seconds", "state"],
        [
            [
                row["partition_date"],
                row["rows_extracted"],
                row["rows_quarantined"],
                row["rows_failed"],
                row["rows_scored"],
                str(row["model_version"]),
                round(((row["finished_at"] or row["started_at"]) - row["started_at"]).total_seconds(), 1),
                row["state"],
            ]
            for row in wanted
        ],
    )
    with workspace.warehouse.begin() as connection:
        samples = connection.execute(_SAMPLES, {"day": last_day}).mappings().all()
    print_table(
        "Three of tomorrow's highest forecasts (predictions.demand_forecast)",
        ["forecast for", "store", "product category", "units", "model version", "published"],
        [
            [
                row["forecast_date"],
                str(row["store_id"]),
                row["product_category"],
                round(row["predicted_units"], 2),
                str(row["model_version"]),
                row["published_at"],
            ]
            for row in samples
        ],
    )
    out.print()


def keep_up(settings: Settings) -> None:
    """Run the same stack in the foreground until Ctrl-C, with Airflow's UI."""
    workspace = Workspace(settings)
    say = err.print
    postgres = EmbeddedPostgres(settings.home).use()
    try:
        with LocalAirflow(settings, postgres, dags=[PIPELINE], progress=say) as airflow:
            prepare(workspace, say)
            airflow.api.unpause(PIPELINE)
            out.print(f"\nAirflow: {airflow.url}   user admin, password {airflow.password}")
            out.print(f"Warehouse: {workspace.warehouse.url.render_as_string(hide_password=False)}")
            out.print("Ctrl-C stops everything.\n")
            airflow.watch()
    except KeyboardInterrupt:
        say("Stopped.")
    finally:
        workspace.close()
        postgres.release()
