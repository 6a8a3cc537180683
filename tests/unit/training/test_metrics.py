"""Metrics: against scikit-learn's, at their edges, by segment; rankings; reliability."""

from typing import Any

import numpy as np
import pytest

from daybreak.declaration.prediction import Prediction
from daybreak.ledger.performance import picture
from daybreak.training.metrics import PRIMARY, Units, measured, numbered, of_quantiles, reliability

ACTUAL = np.array([0.0, 1.0, 3.0, 0.0, 7.0])
PREDICTED = np.array([0.5, 1.0, 2.0, 0.25, 9.0])


def frame(**columns: Any) -> Any:
    import pandas as pd

    return pd.DataFrame(columns)


def overall(units: Units, metric: str) -> float:
    [value] = units.mean(metric, np.zeros(len(units.positions), dtype=int), 1)
    return float(value)


def test_counts_are_measured_as_by_scikit_learn() -> None:
    from sklearn.metrics import mean_absolute_error, mean_poisson_deviance, root_mean_squared_error

    units = measured("counts", ACTUAL, PREDICTED, frame(key=range(5)))
    assert overall(units, "poisson_deviance") == pytest.approx(mean_poisson_deviance(ACTUAL, PREDICTED))
    assert overall(units, "rmse") == pytest.approx(root_mean_squared_error(ACTUAL, PREDICTED))
    assert overall(units, "mae") == pytest.approx(mean_absolute_error(ACTUAL, PREDICTED))
    assert overall(units, "bias") == pytest.approx((PREDICTED - ACTUAL).mean())


def test_probabilities_are_measured_as_by_scikit_learn() -> None:
    from sklearn.metrics import brier_score_loss, log_loss

    actual, predicted = np.array([0.0, 1, 1, 0]), np.array([0.1, 0.8, 0.4, 0.5])
    units = measured("probability", actual, predicted, frame(key=range(4)))
    assert overall(units, "log_loss") == pytest.approx(log_loss(actual, predicted))
    assert overall(units, "brier_score") == pytest.approx(brier_score_loss(actual, predicted))


@pytest.mark.parametrize(("kind", "actual"), [("counts", 3.0), ("probability", 1.0)])
def test_a_certainty_that_fails_costs_much_but_not_infinitely_much(kind: Any, actual: float) -> None:
    units = measured(kind, np.array([actual]), np.array([0.0]), frame(key=[1]))
    assert 10 < overall(units, PRIMARY[kind]) < 1_000


def test_a_ranking_is_measured_within_its_groups() -> None:
    households = np.repeat([7, 8, 9], [8, 3, 6])
    predicted = np.r_[np.arange(8)[::-1], [1, 3, 2], np.arange(6)].astype(float)
    actual = np.zeros(17)
    actual[[0, 4, 5, 6]] = 1  # the first two are among the five highest of household 7
    actual[[9]] = 1  # of three that were named, for five places
    units = measured("ranking", actual, predicted, frame(household=households))
    assert dict(zip(households[units.positions], units.values["precision_at_5"], strict=True)) == {
        7: pytest.approx(2 / 5),
        8: pytest.approx(1 / 5),
        9: 0.0,
    }
    assert units.losses("precision_at_5").max() == 0


def test_segments_are_averaged_each_by_itself() -> None:
    codes, names = numbered(["a", None, "a", "b", None])
    units = measured("amounts", ACTUAL, PREDICTED, frame(key=range(5)))
    means = dict(zip(names, units.mean("rmse", codes, len(names)), strict=True))
    assert means == {
        "a": pytest.approx(np.sqrt((0.25 + 1) / 2)),
        "(none)": pytest.approx(np.sqrt(2)),
        "b": pytest.approx(0.25),
    }


def test_reliability_has_bins_of_no_fewer_rows_than_asked_for() -> None:
    predicted = np.linspace(0, 1, 95)
    gap, bins = reliability(predicted, predicted, 30)
    assert gap == pytest.approx(0)
    assert [part["rows"] for part in bins] == [32, 32, 31]
    gap, bins = reliability(np.zeros(4), np.full(4, 0.25), 30)
    assert (gap, len(bins)) == (0.25, 1)


def test_a_picture_has_a_block_for_each_number() -> None:
    assert picture([1, 2, 8]) == "▁▂█"
    assert picture([3, 3]) == "▁▁"


def test_all_classes_are_measured_as_by_scikit_learn() -> None:
    from sklearn.metrics import accuracy_score, log_loss

    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.4, 0.4, 0.2], [0.0, 1.0, 0.0]])
    actual, answers = np.array([0.0, 1, 1, 1]), np.column_stack([probabilities.argmax(axis=1), probabilities])
    units = measured("class", actual, answers, frame(key=range(4)))
    assert overall(units, PRIMARY["class"]) == pytest.approx(log_loss(actual, probabilities, labels=[0, 1, 2]))
    assert overall(units, "share_right") == accuracy_score(actual, answers[:, 0]) == 0.5


def test_a_class_that_nobody_knew_is_wrong_and_costs_as_much_as_what_was_held_impossible() -> None:
    answers = np.array([[0, 1.0, 0.0], [0, 1.0, 0.0], [0, 1.0, 0.0]])
    units = measured("class", np.array([0.0, 1.0, -1.0]), answers, frame(key=range(3)))
    right, impossible, unknown = units.losses("log_loss")
    assert right == 0
    assert impossible == unknown == pytest.approx(20.7, abs=0.1)
    assert units.values["share_right"].tolist() == [1, 0, 0]


def test_quantiles_are_measured_as_by_scikit_learn() -> None:
    from sklearn.metrics import mean_pinball_loss

    predicted = np.column_stack([PREDICTED - 1, PREDICTED, PREDICTED + 2])
    prediction = Prediction("units", 0, 9, quantiles=(0.05, 0.5, 0.975))
    found = of_quantiles(ACTUAL, predicted, prediction)
    assert list(found) == ["pinball_q05", "pinball_q50", "pinball_q97_5", "coverage_q05_q97_5"]
    for name, quantile, column in zip(found, prediction.quantiles, predicted.T, strict=False):
        assert found[name].mean() == pytest.approx(mean_pinball_loss(ACTUAL, column, alpha=quantile))
    # -0.5 to 2.5, 0 to 3, 1 to 4, -0.75 to 2.25 and 8 to 11: the ends belong to it.
    assert found["coverage_q05_q97_5"].tolist() == [1, 1, 1, 1, 0]
    units = measured("amounts", ACTUAL, np.column_stack([PREDICTED, predicted]), frame(key=range(5)))
    alone = measured("amounts", ACTUAL, PREDICTED, frame(key=range(5)))
    assert overall(units.with_values(found), "rmse") == overall(alone, "rmse")
    assert "pinball_q05" in units.with_values(found).where(np.array([True, False, True, False, True])).values


def test_a_single_quantile_covers_nothing() -> None:
    found = of_quantiles(ACTUAL, PREDICTED[:, np.newaxis], Prediction("units", 0, 9, quantiles=(0.9,)))
    assert list(found) == ["pinball_q90"]
