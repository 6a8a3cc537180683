"""The demand forecast on real sales in a real Airflow, with what goes wrong at night."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from airflow_stack import DAG, SharedAirflow, Stack
from daybreak.declaration.segments import ModelRef
from daybreak.errors import TerminalError
from daybreak.local.airflow_api import AirflowRun
from daybreak.local.demonstration_data import TIMEZONE
from daybreak.models.aliases import Decision
from local_days import local_day

# There is no challenger: the shadow has nothing to do, and says so without being skipped.
DONE = {**dict.fromkeys(["plan", "extract", "validate", "score", "publish"], "success"), "shadow": "success"}


@pytest.fixture(scope="module")
def stack(sales_airflow: SharedAirflow) -> Iterator[Stack]:
    with sales_airflow.with_dags(DAG) as running:
        yield running


@pytest.fixture(scope="module")
def backfilled(stack: Stack) -> list[AirflowRun]:
    """Ask for three days through Airflow's backfill, and wait for them. On the last one all stores were closed."""
    return stack.finished(*stack.airflow.api.backfill(DAG, stack.day(8), stack.day(6)))


@pytest.fixture(scope="module")
def other_version(stack: Stack) -> int:
    """Register the champion's model once more, under a version that no alias points to."""
    trained = stack.sales.trained
    return stack.workspace.registry.register(
        DAG, trained.model, trained.sample, trained_through=trained.trained_through
    ).version


@pytest.fixture(scope="module")
def interrupted(stack: Stack, other_version: int) -> dict[str, AirflowRun]:
    """SIGKILL one run's task while it writes, and restart the database under another one's: both will be tried again.

    That takes Airflow half a minute, in which others run.
    """
    killed = stack.trigger(stack.day(10))
    with stack.holding("predictions.demand_forecast_runs"):
        stack.records.wait_for_task(killed, "score", "running")
        stack.wait_for_a_waiting_task()
        assert stack.kill_tasks() >= 1
    lost = stack.trigger(stack.day(11))
    with stack.holding("ledger.quarantine"):
        stack.records.wait_for_task(lost, "validate", "running")
        stack.wait_for_a_waiting_task()
        stack.restart_warehouse()
    return {"killed": killed, "lost": lost}


@pytest.fixture(scope="module")
def tried_again(stack: Stack, interrupted: dict[str, AirflowRun]) -> dict[str, AirflowRun]:
    """Wait until the interrupted runs have come to their end."""
    return dict(zip(interrupted, stack.finished(*interrupted.values()), strict=True))


def test_a_backfill_publishes_each_day_once(stack: Stack, backfilled: list[AirflowRun]) -> None:
    assert [(run.partition, run.state, run.run_type, dict(run.tasks)) for run in backfilled] == [
        (str(stack.day(back)), "success", "backfill", DONE) for back in (8, 7, 6)
    ]
    published = stack.ask("SELECT partition_date, count(*) FROM ledger.publications GROUP BY 1 ORDER BY 1")
    assert published == [(stack.day(back), 1) for back in (8, 7, 6)]


def test_every_row_of_a_backfilled_day_is_accounted_for(stack: Stack, backfilled: list[AirflowRun]) -> None:
    for run in backfilled:
        [row] = stack.ledger(run)
        partition = local_day(row["partition_date"], TIMEZONE)
        start = local_day(partition.first_day - timedelta(days=27), TIMEZONE).start
        [(keys, unknown)] = stack.ask(
            "SELECT count(*), count(*) FILTER (WHERE product_category IS NULL) FROM (SELECT DISTINCT store_id, "
            "product_category FROM retail.transactions LEFT JOIN retail.products USING (product_id) WHERE "
            "product_type IS DISTINCT FROM 'GASOLINE-REG UNLEADED' AND transaction_timestamp >= :start "
            "AND transaction_timestamp < :end) AS keys",
            start=start.replace(tzinfo=None),
            end=partition.end.replace(tzinfo=None),
        )
        assert (row["window_start"], row["window_end"]) == (partition.start, partition.end)
        assert (row["rows_extracted"], row["rows_quarantined"], row["rows_failed"]) == (keys, unknown, 0)
        assert row["rows_scored"] == keys - unknown == len(stack.forecasts(partition.first_day))
        assert (row["state"], row["trigger"], row["model_version"]) == ("published", "backfill", 1)
        assert set(row["seconds"]) == {"extract", "validate", "score", "publish"}


def test_each_publication_is_an_event_of_the_asset_with_its_partition(
    stack: Stack, backfilled: list[AirflowRun]
) -> None:
    events = stack.http.send("GET", "/api/v2/assets/events", params={"source_dag_id": DAG, "limit": 100})
    of_run = {event["source_run_id"]: event for event in events["asset_events"]}
    for run in backfilled:
        [row] = stack.ledger(run)
        assert of_run[run.run_id]["partition_key"] == run.partition
        assert of_run[run.run_id]["extra"]["run_id"] == row["run_id"]


@pytest.mark.usefixtures("interrupted")
def test_a_run_without_a_key_scores_yesterday(stack: Stack) -> None:
    [run] = stack.finished(stack.trigger(None))
    [row] = stack.ledger(run)
    assert (run.state, row["partition_date"], row["trigger"]) == ("success", stack.day(1), "manual")
    assert len(stack.forecasts(stack.day(1))) == row["rows_scored"]


def test_a_day_from_trigger_to_publication(stack: Stack) -> None:
    run = stack.trigger(stack.day(2))
    triggered = stack.http.send("GET", f"/api/v2/dags/{DAG}/dagRuns/{run.run_id}")["queued_at"]
    assert triggered
    stack.finished(run)
    [(seconds,)] = stack.ask(
        "SELECT extract(epoch FROM published_at - CAST(:triggered AS timestamptz))::float FROM ledger.publications "
        "WHERE partition_date = :day",
        triggered=triggered,
        day=stack.day(2),
    )
    assert seconds > 0
    print(f"one day, trigger to publication: {seconds:.1f} s")


def test_a_day_that_is_not_over_and_a_malformed_key_are_refused_when_they_are_asked_for(stack: Stack) -> None:
    before = stack.ask("SELECT count(*) FROM ledger.runs")
    # Airflow itself reads the second key as a date; as a partition it would be another one than 2026-01-05.
    for key, reason in (
        (stack.day(0), "not over in America/New_York. Next: choose"),
        ("2026-1-5", "'2026-1-5' is not a partition key. Next: give"),
    ):
        with pytest.raises(TerminalError, match=reason):
            stack.trigger(key)
    assert stack.forecasts(stack.day(0)) == []
    assert stack.ask("SELECT count(*) FROM ledger.runs") == before


def test_a_person_can_force_a_model_version(stack: Stack, other_version: int) -> None:
    [run] = stack.finished(stack.trigger(stack.day(3), model_version=other_version))
    [row] = stack.ledger(run)
    assert (run.state, row["model_version"], other_version) == ("success", 2, 2)
    versions = stack.ask(
        "SELECT DISTINCT model_version FROM predictions.demand_forecast WHERE partition_date = :day", day=stack.day(3)
    )
    assert versions == [(2,)]


def test_a_version_that_is_not_there_is_refused_at_plan(stack: Stack) -> None:
    [run] = stack.finished(stack.trigger(stack.day(4), model_version=99))
    assert (run.state, stack.tries(run)["plan"]) == ("failed", 1)
    assert "has no version 99" in stack.ledger(run)[0]["error"]


def test_a_whole_run_cleared_publishes_the_same_rows_under_a_new_attempt(
    stack: Stack, backfilled: list[AirflowRun]
) -> None:
    run, day = backfilled[0], stack.day(8)
    before = stack.forecasts(day)
    stack.clear(run)
    [again] = stack.finished(run)
    first, second = stack.ledger(run)
    assert again.state == "success"
    assert (first["attempt"], second["attempt"], second["state"]) == (1, 2, "published")
    assert first["snapshot_digest"] == second["snapshot_digest"]
    assert stack.forecasts(day) == before
    shown = stack.ask(
        "SELECT run_id FROM ledger.publications WHERE partition_date = :day AND withdrawn_at IS NULL", day=day
    )
    assert shown == [(second["run_id"],)]


def test_an_alias_moved_between_tasks_does_not_change_the_run(stack: Stack, other_version: int) -> None:
    run = stack.trigger(stack.day(5))
    model = ModelRef(DAG)
    with stack.holding("ledger.quarantine"):
        stack.records.wait_for_task(run, "validate", "running")
        stack.workspace.aliases(model).move(other_version, Decision("test"))
    try:
        [done] = stack.finished(run)
    finally:
        stack.workspace.aliases(model).move(1, Decision("test"))
    [row] = stack.ledger(run)
    assert (done.state, row["model_version"]) == ("success", 1)


def test_a_task_killed_while_it_writes_is_tried_again_and_its_rows_are_there_once(
    stack: Stack, tried_again: dict[str, AirflowRun]
) -> None:
    run = tried_again["killed"]
    [row] = stack.ledger(run)
    assert (run.state, row["state"], row["attempt"]) == ("success", "published", 1)
    assert stack.tries(run)["score"] >= 2
    _refuse_doubles(stack, run)


def test_a_database_restarted_under_a_task_costs_a_retry_and_no_row(
    stack: Stack, tried_again: dict[str, AirflowRun]
) -> None:
    run = tried_again["lost"]
    [row] = stack.ledger(run)
    assert (run.state, row["state"]) == ("success", "published")
    assert stack.tries(run)["validate"] >= 2
    _refuse_doubles(stack, run)
    before = stack.forecasts(stack.day(11))
    stack.clear(run)
    [again] = stack.finished(run)
    assert again.state == "success"
    assert stack.forecasts(stack.day(11)) == before


def test_too_many_broken_rows_fail_at_validate_without_a_retry_and_change_nothing(
    stack: Stack, backfilled: list[AirflowRun]
) -> None:
    day = stack.day(7)
    before = stack.forecasts(day)
    partition = local_day(day, TIMEZONE)
    window = {"start": partition.start.replace(tzinfo=None), "end": partition.end.replace(tzinfo=None)}
    broken = (
        "UPDATE retail.transactions SET retail_disc = retail_disc {} 1000 "
        "WHERE transaction_timestamp >= :start AND transaction_timestamp < :end"
    )
    stack.ask(broken.format("-"), **window)
    try:
        [run] = stack.finished(stack.trigger(day))
    finally:
        stack.ask(broken.format("+"), **window)
    [row] = stack.ledger(run)
    assert (run.state, run.tasks["validate"], run.tasks["score"]) == ("failed", "failed", "upstream_failed")
    assert stack.tries(run)["validate"] == 1
    assert row["state"] == "failed"
    assert row["error"].startswith(f"demand_forecast {day}: ")
    assert "break a critical expectation, most often 'discount_share_28d" in row["error"]
    assert stack.forecasts(day) == before != []


def _refuse_doubles(stack: Stack, run: AirflowRun) -> None:
    [row] = stack.ledger(run)
    shown = stack.forecasts(row["partition_date"])
    assert len({key[:2] for key in shown}) == len(shown) == row["rows_scored"] > 15_000
    stored = stack.ask("SELECT count(*) FROM predictions.demand_forecast_runs WHERE run_id = :run", run=row["run_id"])
    assert stored == [(row["rows_scored"],)]
