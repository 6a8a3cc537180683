"""The demand forecast's model on real sales: it beats the mean, and a day's rows are accounted for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from daybreak.models.version import ModelVersion
from daybreak.run.outcome import Outcome
from daybreak.run.planning import Request, plan_run
from daybreak.run.runner import Runner
from daybreak.workspace import Workspace
from real_sales import TRAINED_BEFORE, RealSales
from retail.demand_forecast import DEMAND_FORECAST
from retail.demand_forecast.training import CATEGORIES, NUMBERS

Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def outcome(workspace: Workspace, sales: RealSales) -> Outcome:
    day = sales.last_day - timedelta(days=3)
    return Runner(workspace, DEMAND_FORECAST).run(plan_run(workspace, DEMAND_FORECAST, Request(day.isoformat())))


def test_the_model_beats_the_28_day_mean_on_held_out_weeks_in_both_metrics(sales: RealSales) -> None:
    trained = sales.trained
    assert set(trained.metrics) == set(trained.baseline) == {"poisson_deviance", "rmse"}
    for name, value in trained.metrics.items():
        assert value < trained.baseline[name]
        print(f"{name}: {value:.4f}, the mean {trained.baseline[name]:.4f}")


def test_the_held_out_weeks_lie_after_everything_that_was_fitted(sales: RealSales) -> None:
    held_out_last_target = sales.last_day - TRAINED_BEFORE
    assert sales.champion.trained_through == held_out_last_target - timedelta(days=14)


def test_the_registered_version_says_what_it_takes_and_what_was_measured(sales: RealSales) -> None:
    champion: ModelVersion = sales.champion
    assert champion.signature.names == [*CATEGORIES, *NUMBERS]
    assert champion.metrics == pytest.approx(
        sales.trained.metrics | {f"baseline_{k}": v for k, v in sales.trained.baseline.items()}
    )
    assert champion.libraries["scikit-learn"]


def test_a_store_and_a_category_that_were_never_seen_get_a_forecast(workspace: Workspace, sales: RealSales) -> None:
    model = workspace.registry.load(workspace.registry.resolve(DEMAND_FORECAST.model))
    unseen = sales.trained.sample.head(1).assign(store_id=999_999, product_category="MOON CHEESE")
    [units] = model.predict(unseen)
    assert 0 <= units < 100


def test_a_day_is_published_and_every_row_of_it_is_accounted_for(outcome: Outcome, ask: Ask) -> None:
    counts = outcome.counts
    assert outcome.publication is not None
    assert outcome.publication.published
    assert counts.rows_extracted == counts.rows_quarantined + counts.rows_failed + counts.rows_scored
    assert counts.rows_failed == 0
    assert counts.rows_scored > 15_000
    shown = ask(
        "SELECT count(*), count(DISTINCT (store_id, product_category)), min(forecast_date - partition_date), "
        "min(predicted_units) >= 0 FROM predictions.demand_forecast"
    )
    assert shown == [(counts.rows_scored, counts.rows_scored, 1, True)]


def test_rows_without_a_category_are_quarantined_and_only_those(outcome: Outcome, ask: Ask) -> None:
    rows = ask("SELECT entity_key ->> 'product_category', reasons[1], count(*) FROM ledger.quarantine GROUP BY 1, 2")
    [(category, reason, count)] = rows
    assert (category, count) == ("(none)", outcome.counts.rows_quarantined)
    assert reason.startswith("product_category: column values to not be in set")
    assert 0 < count < 0.05 * outcome.counts.rows_extracted


def test_the_forecasts_add_up_to_about_what_was_sold(outcome: Outcome, ask: Ask, sales: RealSales) -> None:
    [(forecast,)] = ask("SELECT sum(predicted_units) FROM predictions.demand_forecast")
    [(sold,)] = ask(
        "SELECT sum(quantity) FROM retail.transactions JOIN retail.products USING (product_id) "
        "WHERE (transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York')::date = :day "
        "AND product_category IS NOT NULL AND product_type <> 'GASOLINE-REG UNLEADED'",
        day=outcome.plan.partition.first_day + timedelta(days=1),
    )
    assert 0.6 < forecast / float(sold) < 1.6
