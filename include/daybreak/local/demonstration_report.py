"""What the demonstration shows: runs as they go, and what came of them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from daybreak.ledger.deliveries import Deliveries
from daybreak.ledger.history import list_runs
from daybreak.local.airflow import LocalAirflow
from daybreak.local.airflow_api import AirflowRun
from daybreak.local.promotions import LocalPromotions
from daybreak.local.screen import Screen, Shown
from daybreak.workspace import Workspace

TASKS = ("plan", "extract", "validate", "score", "publish", "shadow", "push", "discard")
OFFERS = 5
_MARKS = {"success": "done", "running": "[cyan]running[/cyan]", "failed": "[red]failed[/red]", "skipped": "skipped"}
_SAMPLES = sa.text(
    "SELECT DISTINCT ON (predicted_units, store_id) forecast_date, store_id, product_category, predicted_units, "
    "model_version, published_at FROM predictions.demand_forecast WHERE partition_date = :day "
    "ORDER BY predicted_units DESC, store_id LIMIT 3"
)
# Of each segment how many households there are; and the lists of three of them, one from each of three segments.
_SEGMENTS = sa.text(
    "SELECT segment, count(*) AS households FROM predictions.customer_segments WHERE partition_date = :day "
    "GROUP BY segment ORDER BY households DESC"
)
_LISTS = sa.text(
    "SELECT household_id, segment, model_name, model_version, string_agg(format('%s %s', product_category, "
    "to_char(probability, 'FM0.00')), ', ' ORDER BY rank) AS categories FROM predictions.customer_recommendations "
    "WHERE partition_date = :day AND household_id IN (SELECT min(household_id) FROM predictions.customer_segments "
    "WHERE partition_date = :day GROUP BY segment ORDER BY 1 LIMIT 3) GROUP BY 1, 2, 3, 4 ORDER BY 1"
)
_TYPES = sa.text("SELECT product_id, department, product_type FROM retail.products WHERE product_id = ANY(:products)")


def follow(airflow: LocalAirflow, runs: Sequence[AirflowRun], screen: Screen) -> list[AirflowRun]:
    """Show the runs until all have come to an end; return them as they ended."""
    states: list[AirflowRun] = []

    def changing() -> Iterator[Shown]:
        nonlocal states
        done = 0
        for states in airflow.api.follow(runs, timeout=600):
            yield Shown("Airflow", ["pipeline", "day", "run", *TASKS], [_tasks_of(run) for run in states], markup=True)
            finished = sum(run.finished for run in states)
            if finished > done:
                done = finished
                screen.step(f"{done} of {len(states)} runs finished.")

    screen.live(changing())
    return states


def publications_shown(workspace: Workspace, pipeline: str, last_day: date, days: int) -> Iterator[Shown]:
    """Yield what came of the last days' rows, and three of the predictions."""
    runs = {row["partition_date"]: row for row in reversed(list_runs(workspace.ledger, pipeline, 100))}
    wanted = [runs[day] for n in reversed(range(days)) if (day := last_day - timedelta(days=n)) in runs]
    yield Shown(
        f"{pipeline}: the last {days} days, run by Airflow",
        ["day", "rows in", "quarantined", "failed", "scored", "model version", "seconds", "state"],
        [[*_counted(row), str(row["model_version"]), _seconds(row), row["state"]] for row in wanted],
    )
    with workspace.warehouse.begin() as connection:
        samples = connection.execute(_SAMPLES, {"day": last_day}).mappings().all()
    yield Shown(
        f"Three of tomorrow's highest forecasts (predictions.{pipeline})",
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


def lists_shown(workspace: Workspace, cascade: Sequence[str], day: date) -> Iterator[Shown]:
    """Yield what came of the rows of two pipelines in a row, how large the segments are, and three lists."""
    runs = {name: next(iter(list_runs(workspace.ledger, name, 1)), None) for name in cascade}
    yield Shown(
        f"{' and then '.join(cascade)}: yesterday, run by Airflow",
        ["pipeline", "day", "rows in", "quarantined", "failed", "scored", "seconds", "state"],
        [[name, *_counted(row), _seconds(row), row["state"]] for name, row in runs.items() if row],
    )
    with workspace.warehouse.begin() as connection:
        segments = connection.execute(_SEGMENTS, {"day": day}).all()
        lists = connection.execute(_LISTS, {"day": day}).mappings().all()
    yield Shown("Households by segment", ["segment", "households"], [list(row) for row in segments])
    yield Shown(
        f"What three households will most probably buy within a week (predictions.{cascade[-1]})",
        ["household", "segment", "model version", "five most probable categories, with their probability"],
        [
            [str(row["household_id"]), row["segment"], str(row["model_version"]), row["categories"].lower()]
            for row in lists
        ],
    )


def push_shown(workspace: Workspace, pipeline: str, day: date, promotions: LocalPromotions) -> Iterator[Shown]:
    """Yield what came of the day's rows, what was acknowledged, and what the promotions system lists now."""
    [row] = list_runs(workspace.ledger, pipeline, 1)
    sent = Deliveries(workspace.warehouse, pipeline, day).list()
    acknowledged = sum(
        chunk["items"] - chunk["rejected"]
        for chunk in sent
        if (chunk["kind"], chunk["state"], chunk["generation"]) == ("offers", "acknowledged", sent[-1]["generation"])
    )
    yield Shown(
        f"{pipeline}: yesterday, run by Airflow; offers acknowledged by the promotions system",
        [
            "day",
            "rows in",
            "quarantined",
            "failed",
            "scored",
            "offers acknowledged",
            "model version",
            "seconds",
            "state",
        ],
        [[*_counted(row), acknowledged, str(row["model_version"]), _seconds(row), row["state"]]],
    )
    listed = promotions.listing(day, pipeline, OFFERS)
    with workspace.warehouse.begin() as connection:
        known = connection.execute(_TYPES, {"products": [offer["product_id"] for offer in listed["offers"]]})
        products = {found.product_id: found for found in known}
    yield Shown(
        f"The promotions system lists {listed['counts']['active']:,} offers of it; the first of them",
        ["rank", "product", "department", "product type", "action", "model version", "valid until"],
        [
            [
                offer["rank"],
                str(offer["product_id"]),
                products[offer["product_id"]].department,
                products[offer["product_id"]].product_type,
                offer["action"].replace("_", " "),
                str(offer["model_version"]),
                datetime.fromisoformat(offer["valid_until"]),
            ]
            for offer in listed["offers"]
        ],
    )


def show_today(workspace: Workspace, pipelines: Sequence[str], screen: Screen) -> None:
    """Show how the pipelines stand, as `daybreak status` does and Today in Airflow."""
    from daybreak.monitoring.in_words import COLUMNS, needs_in_words, row_in_words
    from daybreak.monitoring.standing import read_standing

    declared = [workspace.pipeline(name) for name in pipelines]
    found = read_standing(workspace.ledger.warehouse, declared, datetime.now(UTC))
    screen.show(Shown("Today", COLUMNS, [row_in_words(one, found.now) for one in found.pipelines]))
    for line in needs_in_words(found):
        screen.line(line)


def _tasks_of(run: AirflowRun) -> list[Any]:
    return [run.dag_id, run.partition, run.state, *(_MARKS.get(run.tasks.get(task, ""), "") for task in TASKS)]


def _counted(row: Any) -> list[Any]:
    names = ("partition_date", "rows_extracted", "rows_quarantined", "rows_failed", "rows_scored")
    return [row[name] for name in names]


def _seconds(row: Any) -> float:
    took: timedelta = (row["finished_at"] or row["started_at"]) - row["started_at"]
    return round(took.total_seconds(), 1)
