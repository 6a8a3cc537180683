"""The daily promotions' model on real sales: calibrated, and better than the 28-day base rate on held-out weeks."""

from datetime import timedelta

import pandas as pd
import pytest

from daybreak.run.plan import query_binds
from daybreak.training.past import Past, held_out
from daybreak.training.trained import Trained
from daybreak.warehouse.sql_file import load_sql
from daybreak.workspace import Workspace
from local_days import local_day
from real_sales import TRAINED_BEFORE, RealSales
from retail.daily_promotions import DAILY_PROMOTIONS
from retail.daily_promotions.training import CATEGORIES, NUMBERS, TARGET, calibration_error, profile, reliability, train


@pytest.fixture(scope="module")
def past(workspace: Workspace, sales: RealSales) -> Past:
    return Past(workspace, DAILY_PROMOTIONS, sales.last_day - TRAINED_BEFORE)


@pytest.fixture(scope="module")
def trained(past: Past) -> Trained:
    """Train as the pipeline does, on three weeks instead of eight."""
    return train(past, lambda step: None, window_days=21)


@pytest.fixture(scope="module")
def unseen(past: Past) -> pd.DataFrame:
    frame: pd.DataFrame = past.rows(*held_out(past.last_day)).to_pandas()
    return frame


def test_it_is_better_than_the_base_rate_on_held_out_weeks(trained: Trained) -> None:
    for metric in ("log_loss", "brier_score"):
        print(f"{metric}: {trained.metrics[metric]:.4f}, the base rate {trained.baseline[metric]:.4f}")
        assert trained.beats_baseline(metric)


def test_of_a_hundred_products_as_many_sell_as_the_scores_say(trained: Trained, unseen: pd.DataFrame) -> None:
    scores = trained.model.predict_proba(unseen[CATEGORIES + NUMBERS])[:, 1]
    actual = unseen[TARGET].to_numpy()
    for rows, predicted, observed in reliability(actual, scores):
        print(f"{rows:,} rows: predicted {predicted:.4f}, observed {observed:.4f}")
        assert abs(predicted - observed) < 0.02
    assert calibration_error(actual, scores) == pytest.approx(trained.metrics["calibration_error"])
    assert trained.metrics["calibration_error"] < 0.01
    # A measure that finds a model's scores calibrated whatever they are would say nothing.
    assert calibration_error(actual, scores**0.5) > 0.1


def test_held_out_days_are_spread_as_the_profile_says_and_shuffled_inputs_are_not(
    trained: Trained, unseen: pd.DataFrame
) -> None:
    from daybreak.run.expectations import read_suite
    from daybreak.run.judge import Judge
    from retail.daily_promotions.expectations import scores as suite_of

    assert trained.score_profile is not None
    suite, judge = read_suite(suite_of("probability", trained.score_profile)), Judge()

    def accepted(rows: pd.DataFrame) -> bool:
        scores = trained.model.predict_proba(rows[CATEGORIES + NUMBERS])[:, 1]
        [judgement] = judge.judge(pd.DataFrame({"probability": scores}), suite.declared)
        return judgement.success

    by_day = dict(list(unseen.groupby("day"))) if "day" in unseen else {None: unseen}
    assert [day for day, rows in by_day.items() if not accepted(rows)] == []
    # Each column under its neighbour's name, as after a query whose columns were put in another order.
    shuffled = unseen.assign(
        **{name: unseen[other] for name, other in zip(NUMBERS, NUMBERS[1:] + NUMBERS[:1], strict=True)}
    )
    assert not accepted(shuffled)


def test_the_held_out_weeks_lie_after_everything_that_was_fitted(trained: Trained, past: Past) -> None:
    first, last = held_out(past.last_day)
    assert trained.trained_through == first
    assert trained.parameters["last_day"] == first - timedelta(days=1)
    assert last < past.last_day


def test_the_target_is_a_sale_of_the_product_on_the_next_day(past: Past, workspace: Workspace) -> None:
    day = past.last_day - timedelta(days=3)
    rows = past.rows(day, day).to_pandas()
    tomorrow = local_day(day + timedelta(days=1), DAILY_PROMOTIONS.timezone)
    query = (
        "SELECT DISTINCT product_id FROM retail.transactions "
        "WHERE transaction_timestamp >= %(start)s AT TIME ZONE 'UTC' "
        "AND transaction_timestamp < %(end)s AT TIME ZONE 'UTC'"
    )
    with workspace.warehouse.begin() as connection:
        found = connection.exec_driver_sql(query, {"start": tomorrow.start, "end": tomorrow.end})
        sold = {int(product) for (product,) in found}
    assert set(rows.loc[rows[TARGET], "product_id"]) == sold & set(rows["product_id"])
    assert 0.05 < rows[TARGET].mean() < 0.5


def test_a_day_has_one_row_for_each_product_sold_in_28_days_and_the_features_of_the_training(
    past: Past, workspace: Workspace
) -> None:
    day = past.last_day - timedelta(days=3)
    partition = local_day(day, DAILY_PROMOTIONS.timezone)
    query = load_sql(workspace.sql(DAILY_PROMOTIONS, "extract"))
    with workspace.warehouse.stream(query, query_binds(partition)) as (_, reader):
        extracted = reader.read_all().to_pandas()
    assert extracted["product_id"].is_unique
    assert 15_000 < len(extracted) < 30_000
    seen = past.rows(day, day).to_pandas().set_index("product_id")[CATEGORIES + NUMBERS]
    same = extracted.set_index("product_id").loc[seen.index, CATEGORIES + NUMBERS]
    pd.testing.assert_frame_equal(same, seen)


def test_a_profile_is_ten_bins_of_equal_weight() -> None:
    import numpy as np

    described = profile(np.linspace(0, 1, 1001))
    assert len(described["bins"]) == 11
    assert described["weights"] == pytest.approx([0.1] * 10, abs=0.002)
