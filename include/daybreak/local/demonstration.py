"""The demonstration: real data, trained models, a real Airflow; forecasts, lists by segment, and offers sent."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from daybreak.declaration.segments import ModelRef
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.errors import ModelRefused, TerminalError
from daybreak.local.airflow import LocalAirflow
from daybreak.local.demonstration_data import TIMEZONE, load_demonstration_data
from daybreak.local.demonstration_report import follow, lists_shown, publications_shown, push_shown, show_today
from daybreak.local.demonstration_schema import refuse_named_warehouse
from daybreak.local.promotions import to_be_started
from daybreak.local.screen import Screen
from daybreak.settings import Settings
from daybreak.workspace import Workspace

PUBLISHED, PUSHED = "demand_forecast", "daily_promotions"
# The second runs after the first, with what the first has published.
CASCADE = ["customer_segments", "customer_recommendations"]
DAYS = 7


def demonstrate(settings: Settings, screen: Screen, *, into_named_warehouse: bool = False) -> None:
    """Load, train, start Airflow, run the pipelines through it, show what came of it, stop everything."""
    refuse_named_warehouse(settings, asked=into_named_warehouse)
    say = screen.step
    # Demonstration offers never go to a receiver that the settings name.
    promotions = to_be_started(settings.model_copy(update={"push_url": None}))
    pipelines = [PUBLISHED, *CASCADE, PUSHED] if promotions else [PUBLISHED, *CASCADE]
    workspace = Workspace(settings)
    postgres = EmbeddedPostgres(settings.home).use()
    airflow = LocalAirflow(settings, postgres, dags=pipelines, schedules=False, promotions=promotions, progress=say)
    try:
        say("Starting Airflow in the background.")
        airflow.launch()
        last_day = prepare(workspace, pipelines, say)
        airflow.wait_until_healthy()
        for pipeline in pipelines:
            airflow.api.unpause(pipeline)
        first_day = last_day - timedelta(days=DAYS - 1)
        say(f"Asking Airflow for a backfill of {PUBLISHED}, {first_day} to {last_day}.")
        runs = airflow.api.backfill(PUBLISHED, first_day, last_day, reprocess="completed")
        if promotions:
            say(f"Asking Airflow for {PUSHED} of {last_day}; it sends to the promotions system at {promotions.url}.")
            runs.append(airflow.api.trigger(PUSHED, last_day.isoformat()))
        first, then = CASCADE
        say(f"Asking Airflow for {first} of {last_day}; its publication starts {then}.")
        known = {run.run_id for run in airflow.api.runs(then)}
        runs.append(airflow.api.trigger(first, last_day.isoformat()))
        states = follow(airflow, runs, screen)
        if states[-1].state == "success":
            states += follow(airflow, [airflow.api.triggered(then, last_day.isoformat(), known)], screen)
        results = [publications_shown(workspace, PUBLISHED, last_day, DAYS), lists_shown(workspace, CASCADE, last_day)]
        if promotions:
            results.append(push_shown(workspace, PUSHED, last_day, promotions))
        for shown in chain(*results):
            screen.show(shown)
        show_today(workspace, pipelines, screen)
        if failed := [run for run in states if run.state != "success"]:
            raise TerminalError(
                f"Airflow's run of {', '.join(f'{run.dag_id} {run.partition}' for run in failed)} failed.",
                next_step=f"read why with `daybreak show {failed[0].dag_id} {failed[0].partition}`.",
            )
    finally:
        airflow.stop()
        workspace.close()
        postgres.release()
    say("Everything that was started is stopped. Look around with `make up`, or without Airflow: `daybreak --help`.")
    screen.line(f"Today, as a page in Airflow: `make up`, then {airflow.today}")


def prepare(workspace: Workspace, pipelines: list[str], say: Callable[[str], None]) -> date:
    """See to data that ends yesterday and champions trained on it; return yesterday. What is there is kept."""
    from daybreak.training.past import source_last_day

    yesterday = datetime.now(ZoneInfo(TIMEZONE)).date() - timedelta(days=1)
    fresh = source_last_day(workspace, workspace.pipeline(PUBLISHED)) == yesterday
    if fresh:
        say(f"The demonstration data is there and ends on {yesterday}.")
    else:
        say(f"Loading the demonstration data, moved to end on {yesterday}.")
        loaded = load_demonstration_data(workspace.warehouse, workspace.settings.checkout / "sql", yesterday)
        say("Loaded " + ", ".join(f"{rows:,} {name}" for name, rows in loaded.items()) + ".")
    for pipeline in pipelines:
        _see_to_champion(workspace, pipeline, say, keep=fresh)
    return yesterday


def _see_to_champion(workspace: Workspace, name: str, say: Callable[[str], None], *, keep: bool) -> None:
    from daybreak.models.aliases import Decision
    from daybreak.models.declaring import declare_first
    from daybreak.training.train import train

    pipeline = workspace.pipeline(name)
    try:
        champions = [workspace.registry.resolve(ref) for ref in pipeline.model_refs] if keep else []
    except ModelRefused:
        champions = []
    for champion in champions:
        through = champion.trained_through
        say(f"The champion of {champion.name} is version {champion.version}, trained through {through}.")
    if champions:
        return
    first = {}
    for version, trained in train(workspace, pipeline, progress=lambda step: say(f"Training {name}: {step}.")):
        aliases, number = workspace.aliases(ModelRef(version.name)), version.version
        if "champion" in version.aliases:
            reason = "the demonstration's sales are of the past, moved"
            first[version.name] = declare_first(workspace.registry, aliases, pipeline, number, reason)
        else:
            # What was the champion before has seen other data: these were loaded anew, moved by other days.
            aliases.move(number, Decision("the demonstration data was loaded anew"))
        compared = ", ".join(f"{k} {trained.metrics[k]:.4f} (baseline {v:.4f})" for k, v in trained.baseline.items())
        say(f"Registered {version.name} version {version.version}; held-out weeks: {compared}.")
    if days := sorted({day for day in first.values() if day}):
        say(f"Declared as champion since {days[0]}, as if in force then: {', '.join(first)}.")
