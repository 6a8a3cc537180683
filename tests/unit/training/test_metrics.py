"""Metrics: against scikit-learn's, at their edges, by segment; rankings; reliability."""

from typing import Any

import numpy as np
import pytest

from daybreak.ledger.performance import picture
from daybreak.training.metrics import PRIMARY, Units, measured, numbered, reliability

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
