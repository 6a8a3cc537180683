"""Drills in a real Airflow: what goes wrong is one incident, is told once and shown on Today, and closes when mended.

The receiver that is down is drilled in test_daily_promotions.py, the approval that is wanted in test_models_life.py.
"""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from airflow_stack import DAG, WATCH, Looked, SharedAirflow, Stack
from local_days import local_day
from past_runs import repeat_run
from retail.demand_forecast import DEMAND_FORECAST
from retail.demand_forecast.training import CATEGORIES

LATE, NULLS = f"late/{DAG}", f"nulls/{DAG}"


@dataclass(frozen=True)
class Drill:
    """What the look after something went wrong has found, and the one after it was mended."""

    seen: Looked
    mended: Looked


@pytest.fixture(scope="module")
def stack(sales_airflow: SharedAirflow) -> Iterator[Stack]:
    with sales_airflow.with_dags(DAG, WATCH) as running:
        yield running


@pytest.fixture(scope="module")
def never_made(stack: Stack) -> Drill:
    """Look when no run was made for yesterday, and when one was."""
    seen = stack.look()
    publish(stack)
    return Drill(seen, stack.look())


@pytest.fixture(scope="module")
def empty_and_raised(stack: Stack, never_made: Drill) -> tuple[Drill, Drill]:
    """Publish a day of which half the rows have no price, and let a model raise on it; one run mends both."""
    [(run,)] = stack.ask("SELECT run_id FROM ledger.publications WHERE withdrawn_at IS NULL")
    repeat_run(stack.ask, run, 1, 60)
    # Every other store has sold no unit for four weeks, so that there is no average price.
    with changed_sales(stack, stack.day(28), "store_id % 2 = 0", "quantity = 0"):
        publish(stack)
        empty = stack.look()
    raising = register_one_that_raises(stack)
    [failed] = stack.finished(stack.trigger(yesterday(stack), model_version=raising))
    assert (failed.state, failed.tasks["score"]) == ("failed", "failed")
    raised = stack.look()
    publish(stack)
    mended = stack.look()
    return Drill(empty, mended), Drill(raised, mended)


@pytest.fixture(scope="module")
def not_landed(stack: Stack, empty_and_raised: tuple[Drill, Drill]) -> Drill:
    """Let yesterday's sales come when its run has waited for them, which then goes on by itself."""
    ago = "partition_key = CAST(partition_date - 70 AS text), partition_date = partition_date - 70"
    windows = "window_start = window_start - interval '70 days', window_end = window_end - interval '70 days'"
    for changes in (f"runs SET {ago}, {windows}", f"publications SET {ago}"):
        stack.ask(f"UPDATE ledger.{changes} WHERE partition_date = :day", day=yesterday(stack))
    with changed_sales(stack, stack.day(1), "true", None):
        run = stack.trigger(yesterday(stack))
        stack.records.wait_for_task(run, "plan", "up_for_reschedule")
        seen = stack.look()
    stack.hurry(run)
    [done] = stack.finished(run)
    assert (done.state, stack.tries(done)["plan"]) == ("success", 1)
    return Drill(seen, stack.look())


def yesterday(stack: Stack) -> date:
    return stack.day(1)


def publish(stack: Stack) -> None:
    [run] = stack.finished(stack.trigger(yesterday(stack)))
    assert run.state == "success"


def register_one_that_raises(stack: Stack) -> int:
    """Register a version that has seen a hundred rows, and raises at a category that was not among them."""
    sample = stack.sales.trained.sample
    encoded = make_column_transformer((OneHotEncoder(handle_unknown="error"), CATEGORIES))
    model = make_pipeline(encoded, LinearRegression()).fit(sample, range(len(sample)))
    return stack.workspace.registry.register(
        DAG, model, sample, trained_through=stack.sales.trained.trained_through
    ).version


@contextmanager
def changed_sales(stack: Stack, first: date, which: str, into: str | None) -> Iterator[None]:
    """Take sales from a day on out of the source, or have them changed, and bring them back."""
    since = local_day(first, DEMAND_FORECAST.timezone).start.replace(tzinfo=None)
    chosen = f"WHERE transaction_timestamp >= :since AND {which}"
    stack.ask(f"CREATE TABLE retail.kept AS SELECT * FROM retail.transactions {chosen}", since=since)
    change = f"UPDATE retail.transactions SET {into}" if into else "DELETE FROM retail.transactions"
    stack.ask(f"{change} {chosen}", since=since)
    try:
        yield
    finally:
        stack.ask(f"DELETE FROM retail.transactions {chosen}", since=since)
        stack.ask("INSERT INTO retail.transactions SELECT * FROM retail.kept")
        stack.ask("DROP TABLE retail.kept")


def opened_by(drill: Drill) -> set[str]:
    """Return what of the forecast was opened."""
    return {cause for cause in drill.seen.opened if f"/{DAG}" in cause}


def own(causes: set[str]) -> set[str]:
    """Leave out what the pipelines are late with that nobody has run here."""
    return {cause for cause in causes if cause.split("/")[1] == DAG}


def told(look: Looked, title: str) -> str:
    """Return the one message with a title."""
    [message] = [text for found, text in look.told if found == title]
    return message


def shown(look: Looked, *texts: str) -> bool:
    page = html.unescape(look.today)
    return all(text in page for text in texts)


def test_no_run_was_made_for_a_day(stack: Stack, never_made: Drill) -> None:
    assert own(never_made.seen.opened) == {LATE}
    assert never_made.mended.closed == {LATE}
    message = told(never_made.seen, f"{DAG} {yesterday(stack)}: late")
    assert "and no run was made for it." in message
    page = f"https://airflow.example.com/plugin/daybreak/daybreak/dags/{DAG}/partitions/{yesterday(stack)}"
    assert f"Page: {page}" in message
    assert shown(never_made.seen, "and no run was made for it.")
    assert not shown(never_made.mended, f"{DAG} --partition")
    assert told(never_made.mended, f"Over: {DAG} {yesterday(stack)}: late")


def test_half_of_the_rows_are_without_a_value(stack: Stack, empty_and_raised: tuple[Drill, Drill]) -> None:
    empty, _ = empty_and_raised
    assert own(empty.seen.opened) == {NULLS}
    message = told(empty.seen, f"{DAG} {yesterday(stack)}: nulls unusual")
    assert "column average_price_28d" in message
    assert shown(empty.seen, "The share of rows without a value is unusual: column average_price_28d")
    assert not shown(empty.mended, "The share of rows without a value")
    assert told(empty.mended, f"Over: {DAG} {yesterday(stack)}: nulls unusual")


def test_a_model_raises(stack: Stack, empty_and_raised: tuple[Drill, Drill]) -> None:
    _, raised = empty_and_raised
    failed = f"failed/{DAG}/{yesterday(stack)}"
    assert own(raised.seen.opened) == {failed}
    assert raised.mended.closed == {failed, NULLS}, "one run mends both"
    message = told(raised.seen, f"{DAG} {yesterday(stack)}: run failed")
    assert "could not be scored" in message
    assert shown(raised.seen, "could not be scored", "The share of rows without a value is unusual")
    assert told(raised.mended, f"Over: {DAG} {yesterday(stack)}: run failed")


def test_the_source_does_not_land(stack: Stack, not_landed: Drill) -> None:
    assert own(not_landed.seen.opened) == {LATE}
    assert not_landed.mended.closed == {LATE}
    message = told(not_landed.seen, f"{DAG} {yesterday(stack)}: late")
    assert "its source has not landed: The source holds nothing of this day" in message
    assert shown(not_landed.seen, "its source has not landed")
    assert not shown(not_landed.mended, "its source has not landed")


def test_each_is_one_incident_and_told_once_when_it_opens_and_once_when_it_closes(
    stack: Stack, not_landed: Drill
) -> None:
    incidents = stack.ask(
        "SELECT cause, closed_by IS NULL, closed_by LIKE 'watch/%', reminders FROM ledger.incidents "
        "WHERE pipeline = :name ORDER BY incident_id",
        name=DAG,
    )
    failed = f"failed/{DAG}/{yesterday(stack)}"
    assert incidents == [(cause, False, True, 0) for cause in (LATE, NULLS, failed, LATE)]
    # The other pipelines have neither a model nor a run here, and owe nothing.
    assert stack.ask("SELECT count(*) FROM ledger.incidents WHERE pipeline <> :name", name=DAG) == [(0,)]
    by_incident = stack.ask(
        "SELECT incident_id, occasion, channel, count(*), min(attempts), max(attempts), bool_and(sent_at IS NOT NULL) "
        "FROM ledger.messages GROUP BY 1, 2, 3"
    )
    assert {row[3:] for row in by_incident} == {(1, 1, 1, True)}
    wanted = stack.ask("SELECT count(*) + count(closed_at) FROM ledger.incidents")
    assert [(len(stack.receivers.messages()),)] == wanted
    assert len(by_incident) == 2 * wanted[0][0]


def test_no_category_no_prediction_and_no_address_is_in_a_message_or_a_log_of_the_look(
    stack: Stack, not_landed: Drill
) -> None:
    categories = [name for (name,) in stack.ask("SELECT DISTINCT product_category FROM retail.products") if name]
    predictions = {
        f"{units:.6f}" for (units,) in stack.ask("SELECT predicted_units FROM predictions.demand_forecast_runs")
    }
    port = stack.receivers.posted.url.rpartition(":")[2]
    logs = list((stack.airflow.folder / "logs" / f"dag_id={WATCH}").rglob("*.log"))
    assert len(logs) >= 7
    texts = [f"{title} {text}" for title, text in stack.receivers.messages()]
    for text in (*texts, *(file.read_text() for file in logs)):
        assert not [name for name in categories if name in text]
        assert port not in text
        assert not predictions & set(re.findall(r"\d+\.\d{6}", text))
