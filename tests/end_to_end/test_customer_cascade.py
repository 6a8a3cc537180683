"""Customer segments and recommendations in a real Airflow: partition by partition, each from one publication."""

from collections.abc import Iterator

import pytest

from airflow_stack import SharedAirflow, Stack
from daybreak.ledger.stale import list_stale
from daybreak.local.airflow_api import AirflowRun
from daybreak.models.aliases import Decision
from daybreak.training.past import Past
from retail.customer_recommendations import CUSTOMER_RECOMMENDATIONS
from retail.customer_recommendations.training import CATEGORIES, NUMBERS
from retail.customer_recommendations.training import fit as fit_recommendations
from retail.customer_segments import CUSTOMER_SEGMENTS
from retail.customer_segments.training import FEATURES
from retail.customer_segments.training import fit as fit_segments
from retail.segments import SEGMENTS

UPSTREAM, DOWNSTREAM = CUSTOMER_SEGMENTS.name, CUSTOMER_RECOMMENDATIONS.name
BACKFILLED, MISSING, DAILY, SEEN = (9, 8, 7, 6, 5, 4, 3), 2, 1, 10
DAYS = (*BACKFILLED, DAILY)
DONE = dict.fromkeys(["plan", "extract", "validate", "score", "publish"], "success")


@pytest.fixture(scope="module")
def stack(sales_airflow: SharedAirflow) -> Iterator[Stack]:
    with sales_airflow.with_dags(UPSTREAM, DOWNSTREAM) as running:
        _register_models_of_one_day(running)
        yield running


def _register_models_of_one_day(stack: Stack) -> None:
    """Fit the real kinds of models on a single day: quick, and good enough to be chained."""
    workspace, past = stack.workspace, Past(stack.workspace, CUSTOMER_RECOMMENDATIONS, stack.day(SEEN))
    day = stack.day(SEEN + 7)  # its targets are the seven days after it
    households = past.rows(day, day, pipeline=UPSTREAM).to_pandas()
    rows = past.rows(day, day).to_pandas()
    models = {UPSTREAM: (fit_segments(households), households[FEATURES].head(100), "predict")}
    recommending = fit_recommendations(rows), rows[CATEGORIES + NUMBERS].head(100), "predict_proba"
    models |= {ref.name: recommending for ref in CUSTOMER_RECOMMENDATIONS.model_refs}
    for ref in (CUSTOMER_SEGMENTS.single_ref, *CUSTOMER_RECOMMENDATIONS.model_refs):
        model, sample, method = models[ref.name]
        version = workspace.registry.register(ref.name, model, sample, trained_through=stack.day(SEEN), method=method)
        workspace.aliases(ref).move(version.version, Decision("test"))


@pytest.fixture(scope="module")
def backfilled(stack: Stack) -> list[AirflowRun]:
    """Backfill seven days upstream while the newest one runs, and wait for what follows from them downstream."""
    runs = stack.airflow.api.backfill(UPSTREAM, stack.day(BACKFILLED[0]), stack.day(BACKFILLED[-1]))
    upstream = stack.finished(*runs, stack.start(UPSTREAM, stack.day(DAILY)))
    assert [run.state for run in upstream] == ["success"] * len(DAYS)
    assert [run.run_type for run in upstream] == [*["backfill"] * len(BACKFILLED), "manual"]
    return stack.finished(*(stack.triggered(DOWNSTREAM, run.partition) for run in upstream))


def test_a_backfill_upstream_beside_the_newest_day_gives_a_run_of_each_partition_downstream(
    stack: Stack, backfilled: list[AirflowRun]
) -> None:
    assert [(run.partition, run.state, run.run_type, dict(run.tasks)) for run in backfilled] == [
        (str(stack.day(back)), "success", "asset_triggered", DONE) for back in DAYS
    ]
    assert len(stack.airflow.api.runs(DOWNSTREAM)) == len(DAYS)


def test_each_publication_is_made_from_one_of_the_upstream(stack: Stack, backfilled: list[AirflowRun]) -> None:
    for run in backfilled:
        [row] = stack.ledger(run)
        [upstream] = stack.ask(
            "SELECT publication_id, run_id FROM ledger.publications "
            "WHERE pipeline = :name AND partition_date = :day AND withdrawn_at IS NULL",
            name=UPSTREAM,
            day=row["partition_date"],
        )
        assert (row["state"], row["trigger"]) == ("published", "asset")
        assert (row["upstream_publication_id"], row["upstream_run_id"]) == upstream
        [(others, longest, households)] = stack.ask(
            "SELECT count(*) FILTER (WHERE lists.segment IS DISTINCT FROM segments.segment), max(rank), "
            "count(DISTINCT lists.household_id) FROM predictions.customer_recommendations AS lists "
            "LEFT JOIN predictions.customer_segments_runs AS segments "
            "ON segments.household_id = lists.household_id AND segments.run_id = lists.upstream_run_id "
            "WHERE lists.partition_date = :day",
            day=row["partition_date"],
        )
        assert (others, longest) == (0, 5)
        assert households > 2_000


def test_every_segments_rows_add_up_to_the_runs(stack: Stack, backfilled: list[AirflowRun]) -> None:
    for run in backfilled:
        [row] = stack.ledger(run)
        found = stack.ask(
            "SELECT segment, rows_extracted, rows_quarantined, rows_failed, rows_scored FROM ledger.run_segments "
            "WHERE run_id = :run ORDER BY position",
            run=row["run_id"],
        )
        assert [segment for segment, *_ in found][: len(SEGMENTS)] == list(SEGMENTS)
        for at, name in enumerate(("rows_extracted", "rows_quarantined", "rows_failed", "rows_scored"), 1):
            assert sum(counts[at] for counts in found) == row[name]
        assert row["rows_scored"] > 100_000


def test_an_upstream_that_is_run_again_runs_the_downstream_again(stack: Stack, backfilled: list[AirflowRun]) -> None:
    first, day = backfilled[0], stack.day(BACKFILLED[0])
    [again] = stack.finished(stack.start(UPSTREAM, day))
    assert again.state == "success"
    [followed] = stack.finished(stack.triggered(DOWNSTREAM, day, first))
    assert (followed.state, dict(followed.tasks)) == ("success", DONE)
    assert stack.ledger(followed)[0]["upstream_run_id"] == stack.ledger(again)[0]["run_id"]
    assert list_stale(stack.workspace.ledger) == []


def test_a_run_without_its_upstream_publication_fails_and_says_which_one_is_missing(
    stack: Stack, backfilled: list[AirflowRun]
) -> None:
    day = stack.day(MISSING)
    [run] = stack.finished(stack.start(DOWNSTREAM, day))
    assert (run.state, run.tasks["plan"], run.tasks["extract"]) == ("failed", "failed", "upstream_failed")
    assert stack.tries(run)["plan"] == 1
    told = f"{UPSTREAM} has published nothing for {day}, and {DOWNSTREAM} is made from it. Next: run it first"
    assert told in stack.ledger(run)[0]["error"]
