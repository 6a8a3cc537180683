"""A model's life on real sales in a real Airflow: challenged, measured, judged, answered, taken back, trained again."""

import html
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from airflow_stack import DAG, WATCH, Looked, SharedAirflow, Stack
from daybreak.declaration.segments import ModelRef
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.errors import TerminalError
from daybreak.local.airflow import LocalAirflow
from daybreak.local.airflow_api import AirflowRun
from daybreak.models.aliases import Decision
from daybreak.monitoring.retraining import watch_newest
from daybreak.promotion.promoting import demote
from daybreak.training.past import Past
from daybreak.training.profiles import keep_profiles
from local_days import local_day
from retail.demand_forecast import DEMAND_FORECAST
from retail.demand_forecast.training import CATEGORIES, NUMBERS, TARGET, build
from waiting import LONG

MEASURE, PROMOTE, TRAIN = "measure_predictions", "promote_models", "train_models"
# The least number of days that a verdict is passed on follow the last one that the poor champion has seen.
SEEN = 8
SHADOWED, DEMOTED, DRIFTED = (5, 4, 3), (8, 7, 6), 2
GOOD, POOR, TRAINED = 1, 2, 3
CHAMPION, CHALLENGER = ModelRef(DAG), ModelRef(DAG, "challenger")


@dataclass(frozen=True)
class Answered:
    """A run of the promotion that a person has answered, and which version was champion before and after."""

    run: AirflowRun
    question: dict[str, Any]
    before: int | None
    after: int | None


@pytest.fixture(scope="module")
def stack(sales_airflow: SharedAirflow) -> Iterator[Stack]:
    with sales_airflow.with_dags(DAG, MEASURE, PROMOTE, TRAIN, WATCH) as running:
        _crown_a_poor_champion(running)
        yield running


def _crown_a_poor_champion(stack: Stack) -> None:
    """Make a version champion that hardly tells one store from another, and the good one its challenger."""
    past = Past(stack.workspace, DEMAND_FORECAST, stack.last_day)
    rows = past.rows(stack.day(SEEN + 2), stack.day(SEEN + 1)).to_pandas()
    model = build({"max_iter": 1, "learning_rate": 0.1}).fit(rows[CATEGORIES + NUMBERS], rows[TARGET])
    poor = stack.workspace.registry.register(DAG, model, rows[CATEGORIES + NUMBERS], trained_through=stack.day(SEEN))
    assert DEMAND_FORECAST.retrain is not None
    columns = rows[list(DEMAND_FORECAST.retrain.features)].assign(predicted_units=model.predict(rows))
    keep_profiles(stack.workspace.warehouse, DAG, poor.version, columns)
    stack.workspace.aliases(CHAMPION).move(poor.version, Decision("test"))
    stack.workspace.aliases(CHALLENGER).move(GOOD, Decision("test"))


@pytest.fixture(scope="module")
def shadowed(stack: Stack) -> list[AirflowRun]:
    """Backfill three days while there is a challenger."""
    return stack.finished(*stack.airflow.api.backfill(DAG, stack.day(SHADOWED[0]), stack.day(SHADOWED[-1])))


@pytest.fixture(scope="module")
def measured(stack: Stack, shadowed: list[AirflowRun]) -> AirflowRun:
    """Measure what the backfill has published."""
    return stack.finished(stack.start(MEASURE))[0]


@pytest.fixture(scope="module")
def looks() -> dict[str, Looked]:
    """What the DAG that watches has found before and after the answers."""
    return {}


@pytest.fixture(scope="module")
def answered(stack: Stack, measured: AirflowRun, looks: dict[str, Looked]) -> dict[str, Answered]:
    """Judge the challenger twice at once; a person rejects it, another one approves it then."""
    runs = {option: stack.start(PROMOTE, pipeline=DAG) for option in ("Reject", "Approve")}
    for run in runs.values():
        stack.records.wait_for_task(run, "ask", "awaiting_input")
        stack.records.wait_until_heard(run, "ask")
    looks["asked"] = stack.look()
    found = {}
    for option, run in runs.items():
        before, question = stack.workspace.aliases(CHAMPION).current(), _question(stack, run)
        _answer(stack, run, option)
        [done] = stack.finished(run)
        found[option] = Answered(done, question, before, stack.workspace.aliases(CHAMPION).current())
    looks["answered"] = stack.look()
    return found


@pytest.fixture(scope="module")
def demoted(stack: Stack, answered: dict[str, Answered]) -> list[AirflowRun]:
    """Take the champion back when two of a backfill's three runs are planned."""
    runs = stack.airflow.api.backfill(DAG, stack.day(DEMOTED[0]), stack.day(DEMOTED[-1]), max_active_runs=2)
    with stack.holding("ledger.quarantine"):
        for run in runs[:2]:
            stack.records.wait_for_task(run, "validate", "running")
        assert demote(stack.workspace, CHAMPION) == (GOOD, POOR)
    return stack.finished(*runs)


@pytest.fixture(scope="module")
def drifted(stack: Stack, demoted: list[AirflowRun]) -> AirflowRun:
    """Let prices rise fourfold, publish a day, and measure it when the last training is long ago."""
    partition = local_day(stack.day(DRIFTED), DEMAND_FORECAST.timezone)
    stack.ask(
        "UPDATE retail.transactions SET sales_value = sales_value * 4 WHERE transaction_timestamp >= :first",
        first=partition.start.replace(tzinfo=None) - timedelta(days=27),
    )
    assert stack.finished(stack.trigger(partition.first_day))[0].state == "success"
    _grow_old(stack, days=8)
    return stack.finished(stack.start(MEASURE))[0]


@pytest.fixture(scope="module")
def trained(stack: Stack, drifted: AirflowRun) -> Iterator[AirflowRun]:
    """Start the same Airflow with its schedules, of which none but the training's is awake."""
    for dag_id in (DAG, MEASURE, PROMOTE):
        stack.pause(dag_id)
    stack.airflow.stop()
    own = EmbeddedPostgres(stack.settings.home)
    airflow = LocalAirflow(stack.settings, own, dags=[TRAIN])
    airflow.launch()
    airflow.wait_until_healthy(timeout=LONG)
    with airflow:
        stack.records.wait_for_triggered(TRAIN)
        started = airflow.api.runs(TRAIN, run_type="asset_triggered")
        stack.records.wait_for_end(*started)
        *_, [done] = airflow.api.follow(started, timeout=LONG)
        yield done
    own.release()


def test_the_champion_is_published_and_the_challenger_scores_the_same_rows(
    stack: Stack, shadowed: list[AirflowRun]
) -> None:
    for run in shadowed:
        assert (run.state, set(run.tasks.values()), len(run.tasks)) == ("success", {"success"}, 6)
        [row] = stack.ledger(run)
        assert (row["state"], row["model_version"]) == ("published", POOR)
        assert len(stack.forecasts(row["partition_date"])) == row["rows_scored"] > 15_000
        [counts] = stack.ask(
            "SELECT state, model_version, rows_scored, problem FROM ledger.shadow_runs WHERE run_id = :run",
            run=row["run_id"],
        )
        assert counts == ("scored", GOOD, row["rows_scored"], None)
        [(pairs, different)] = stack.ask(
            "SELECT count(*), count(*) FILTER (WHERE own.predicted_units <> shadow.predicted_units) "
            "FROM predictions.demand_forecast_runs AS own "
            "JOIN predictions.demand_forecast_shadow AS shadow USING (run_id, store_id, product_category) "
            "WHERE run_id = :run",
            run=row["run_id"],
        )
        assert pairs == row["rows_scored"]
        assert different > 0.9 * pairs


def test_both_are_measured_on_the_same_rows(stack: Stack, measured: AirflowRun) -> None:
    assert measured.state == "success"
    found = stack.ask(
        "SELECT partition_date, role, model_version, rows, value FROM ledger.performance "
        "WHERE pipeline = :name AND segment_by = '' AND metric = 'poisson_deviance' ORDER BY 1, 2",
        name=DAG,
    )
    assert [row[:3] for row in found] == [
        (stack.day(back), role, version)
        for back in SHADOWED
        for role, version in (("champion", POOR), ("shadow", GOOD))
    ]
    for champion, shadow in zip(found[::2], found[1::2], strict=True):
        assert champion[3] == shadow[3] > 15_000
        assert shadow[4] < champion[4]


def test_sales_as_in_training_ask_for_no_training(stack: Stack, measured: AirflowRun) -> None:
    assert measured.tasks[f"watch.{DAG}"] == "skipped"
    assert stack.ask(
        "SELECT count(*) > 0, bool_or(drifted) FROM ledger.drift WHERE partition_date = :day",
        day=stack.day(SHADOWED[-1]),
    ) == [(True, False)]


def test_a_person_sees_what_was_judged(answered: dict[str, Answered]) -> None:
    question = answered["Approve"].question
    assert question["subject"] == f"Make version {GOOD} of {DAG} the champion?"
    for told in (
        "better on held-out rows: poisson deviance",
        "of 7 days",
        "rows (not judged): 3 of the 7",
        "fresh process",
    ):
        assert told in question["body"]
    assert question["options"] == ["Approve", "Reject"]


def test_a_rejection_is_written_with_who_and_moves_nothing(stack: Stack, answered: dict[str, Answered]) -> None:
    found = answered["Reject"]
    assert (found.run.state, dict(found.run.tasks)) == (
        "success",
        {"judge": "success", "ask": "success", "settle": "skipped"},
    )
    assert (found.before, found.after) == (POOR, POOR)
    assert _decisions(stack, found.run) == [(GOOD, POOR, "refused", "rejected by a person", "admin")]


def test_an_approval_moves_the_champion_and_is_written_with_who_and_why(
    stack: Stack, answered: dict[str, Answered]
) -> None:
    found = answered["Approve"]
    assert (found.run.state, set(found.run.tasks.values())) == ("success", {"success"})
    assert (found.before, found.after) == (POOR, GOOD)
    [(version, before, outcome, reason, who)] = _decisions(stack, found.run)
    assert (version, before, outcome, who) == (GOOD, POOR, "moved", "admin")
    assert "better on held-out rows" in reason
    assert stack.workspace.aliases(CHALLENGER).current() is None


def test_an_approval_that_is_wanted_is_one_incident_told_once_and_over_when_it_is_answered(
    stack: Stack, answered: dict[str, Answered], looks: dict[str, Looked]
) -> None:
    """Two runs ask about one version; a mail and what is posted say so once each."""
    cause, title = f"approval/{DAG}/{DAG}/{GOOD}", f"{DAG}: approval wanted"
    assert cause in looks["asked"].opened
    [message] = [text for found, text in looks["asked"].told if found == title]
    waits = f"Version {GOOD} of model '{DAG}' passed its checks and waits for a person since "
    assert message.startswith(waits)
    assert waits in html.unescape(looks["asked"].today)
    assert cause in looks["answered"].closed
    assert [found for found, _ in looks["answered"].told if found.endswith(title)] == [f"Over: {title}"]
    assert waits not in html.unescape(looks["answered"].today)
    assert stack.ask("SELECT count(*) FROM ledger.incidents WHERE kind = 'approval'") == [(1,)]


def test_a_question_is_answered_once(stack: Stack, answered: dict[str, Answered]) -> None:
    with pytest.raises(TerminalError, match="already been updated"):
        _answer(stack, answered["Reject"].run, "Approve")


def test_a_demotion_during_a_backfill_leaves_planned_runs_their_version(
    stack: Stack, demoted: list[AirflowRun]
) -> None:
    assert [run.state for run in demoted] == ["success"] * 3
    assert [stack.ledger(run)[0]["model_version"] for run in demoted] == [GOOD, GOOD, POOR]
    shown = stack.ask(
        "SELECT DISTINCT partition_date, model_version FROM predictions.demand_forecast "
        "WHERE partition_date = ANY(:days) ORDER BY 1",
        days=[stack.day(back) for back in DEMOTED],
    )
    assert shown == list(zip([stack.day(back) for back in DEMOTED], [GOOD, GOOD, POOR], strict=True))


def test_drift_sends_the_event_that_asks_for_a_training(stack: Stack, drifted: AirflowRun) -> None:
    assert (drifted.state, drifted.tasks[f"watch.{DAG}"]) == ("success", "success")
    [(reasons, held_back, version)] = stack.ask(
        "SELECT reasons, held_back, model_version FROM ledger.retraining_requests WHERE partition_date = :day",
        day=stack.day(DRIFTED),
    )
    assert "average_price_28d" in " ".join(reasons)
    assert (held_back, version) == (None, POOR)
    [event] = stack.events(source_dag_id=MEASURE)
    assert (event["name"], event["partition_key"], event["source_run_id"]) == (
        f"retraining.{DAG}",
        None,
        drifted.run_id,
    )
    assert event["extra"] == {"partition": str(stack.day(DRIFTED)), "reasons": reasons}


def test_the_event_trains_that_pipeline_and_no_other(stack: Stack, trained: AirflowRun) -> None:
    assert (trained.state, trained.run_type) == ("success", "asset_triggered")
    assert trained.tasks["pipeline.challenge"] == "success"
    assert stack.labels(trained) == {f"pipeline.{task}": [DAG] for task in ("due", "train", "challenge")}
    assert stack.workspace.aliases(CHALLENGER).current() == TRAINED
    assert stack.workspace.aliases(CHAMPION).current() == POOR
    assert stack.ask("SELECT DISTINCT name FROM model_versions") == [(DAG,)]
    [(decided_by,)] = stack.ask("SELECT decided_by FROM ledger.alias_history WHERE version = :v", v=TRAINED)
    assert trained.run_id in decided_by


def test_within_the_cool_down_nothing_is_asked_for_again(stack: Stack, trained: AirflowRun) -> None:
    found = watch_newest(stack.workspace, DEMAND_FORECAST)
    assert found is not None
    assert found.reasons
    assert not found.asked


def _question(stack: Stack, run: AirflowRun) -> dict[str, Any]:
    path = f"/api/v2/dags/{PROMOTE}/dagRuns/{run.run_id}/taskInstances/ask/-1/hitlDetails"
    found: dict[str, Any] = stack.http.send("GET", path)
    return found


def _answer(stack: Stack, run: AirflowRun, option: str) -> None:
    path = f"/api/v2/dags/{PROMOTE}/dagRuns/{run.run_id}/taskInstances/ask/-1/hitlDetails"
    stack.http.send("PATCH", path, json={"chosen_options": [option], "params_input": {}})


def _decisions(stack: Stack, run: AirflowRun) -> list[tuple[Any, ...]]:
    """Return what a run decided about the champion, and who answered."""
    found = stack.ask(
        "SELECT version, from_version, outcome, reason, decided_by FROM ledger.alias_history "
        "WHERE alias = 'champion' AND starts_with(decided_by, :run) ORDER BY since",
        run=f"{PROMOTE}/{run.run_id}",
    )
    return [(*row[:4], row[4].rpartition(", answered by ")[2]) for row in found]


def _grow_old(stack: Stack, *, days: int) -> None:
    """Let the last training be so many days ago."""
    stack.ask("UPDATE model_versions SET creation_time = creation_time - :milliseconds", milliseconds=days * 86_400_000)
