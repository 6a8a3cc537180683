"""The search: folds by time, the best mean wins, a failing trial is never chosen, every trial is told of."""

import math
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybreak.errors import ConfigurationError, ModelRefused, SourceRefused
from daybreak.training.past import Past
from daybreak.training.search import Chosen, Search, Settings, choose
from daybreak.workspace import Workspace
from fixture_pipelines import PARCEL_HOURS

FIRST, LAST = date(2024, 3, 1), date(2024, 3, 31)
DAYS = np.repeat(np.arange(np.datetime64(FIRST), np.datetime64(LAST) + 1), 3)
SEARCH = Search(metric="error", settings=({"n": 1}, {"n": 2}, {"n": 3}), folds=3, fit_days=10, validation_days=5)
Score = Callable[[Settings, np.ndarray, np.ndarray], float]


def chosen(score: Score, search: Search = SEARCH, days: np.ndarray = DAYS) -> Chosen:
    """Search, without a workspace: a search needs rows and a score."""
    return choose(Past(cast("Workspace", None), PARCEL_HOURS, LAST, searching=True), search, days, score)


def error_of(settings: Settings) -> float:
    return {1: 0.5, 2: 0.25, 3: 0.75}[settings["n"]]


@given(
    folds=st.integers(1, 6),
    fit=st.integers(1, 20),
    measured=st.integers(1, 10),
    target=st.integers(0, 9),
    more=st.data(),
)
def test_no_fold_is_fitted_on_a_day_or_a_target_that_is_later_than_what_it_is_measured_on(
    folds: int, fit: int, measured: int, target: int, more: st.DataObject
) -> None:
    search = Search(
        metric="error", settings=({},), folds=folds, fit_days=fit, validation_days=measured, target_days=target
    )
    length = folds * measured + fit + max(target, 1) - 1 + more.draw(st.integers(0, 5))
    first = LAST - timedelta(days=length - 1)
    found = search.folds_of(first, LAST)
    assert len(found) == folds
    for fold in found:
        assert first <= fold.fitted_from <= fold.fitted_to < fold.measured_from <= fold.measured_to <= LAST
        assert fold.fitted_to + timedelta(days=target) <= fold.measured_from
        assert (fold.fitted_to - fold.fitted_from).days == fit - 1
        assert (fold.measured_to - fold.measured_from).days == measured - 1
    assert found[-1].measured_to == LAST
    for one, following in pairwise(found):
        assert one.measured_to + timedelta(days=1) == following.measured_from


def test_the_rows_that_are_fitted_all_lie_before_those_that_are_measured() -> None:
    seen: list[tuple[Any, Any, Any]] = []

    def score(settings: Settings, fitted: np.ndarray, measured: np.ndarray) -> float:
        seen.append((settings["n"], DAYS[fitted], DAYS[measured]))
        return 1.0

    chosen(score)
    assert len(seen) == len(SEARCH.settings) * SEARCH.folds
    for _, fitted, measured in seen:
        assert fitted.max() < measured.min()
        assert (len(fitted), len(measured)) == (10 * 3, 5 * 3)


def test_rows_out_of_order_go_to_the_same_folds() -> None:
    order = np.random.default_rng(0).permutation(len(DAYS))

    def score(settings: Settings, fitted: np.ndarray, measured: np.ndarray) -> float:
        assert DAYS[order][fitted].max() < DAYS[order][measured].min()
        return error_of(settings)

    assert chosen(score, days=DAYS[order]).settings == {"n": 2}


def test_the_best_mean_wins_and_every_trial_tells_each_fold() -> None:
    def score(settings: Settings, fitted: np.ndarray, measured: np.ndarray) -> float:
        # The first is the best on two folds of three, and loses by the third.
        late = DAYS[measured].max() == np.datetime64(LAST)
        return {1: 0.9 if late else 0.1, 2: 0.3, 3: 0.4}[settings["n"]]

    found = chosen(score)
    assert found.settings == found.searched == {"n": 2}
    assert [trial.chosen for trial in found.trials] == [False, True, False]
    assert found.trials[0].metrics == pytest.approx(
        {"error": 1.1 / 3, "error_fold_1": 0.1, "error_fold_2": 0.1, "error_fold_3": 0.9}
    )
    assert [trial.parameters for trial in found.trials] == list(SEARCH.settings)


def test_the_greatest_wins_where_greater_is_better() -> None:
    search = Search(
        metric="precision", settings=SEARCH.settings, greater_is_better=True, fit_days=10, validation_days=5
    )
    assert chosen(lambda settings, fitted, measured: error_of(settings), search).settings == {"n": 3}


def test_of_equal_ones_the_first_declared_wins() -> None:
    assert chosen(lambda settings, fitted, measured: 0.5).settings == {"n": 1}


@pytest.mark.parametrize(
    ("failing", "said"),
    [(ValueError("a row: 4711"), "ValueError"), (math.nan, "no number"), (-math.inf, "no number")],
    ids=["raises", "nan", "infinite"],
)
def test_a_trial_that_fails_on_one_fold_is_told_of_and_not_chosen(failing: Any, said: str) -> None:
    def score(settings: Settings, fitted: np.ndarray, measured: np.ndarray) -> float:
        if settings["n"] == 2 and DAYS[measured].max() == np.datetime64(LAST):
            if isinstance(failing, Exception):
                raise failing
            return cast("float", failing)
        return error_of(settings)

    found = chosen(score)
    assert found.settings == {"n": 1}
    failed = found.trials[1]
    assert not failed.chosen
    assert said in str(failed.failure)
    # What an exception says may hold what is in a row.
    assert "4711" not in str(failed)
    assert set(failed.metrics) == {"error_fold_1", "error_fold_2"}


def test_a_search_of_which_nothing_succeeds_is_refused() -> None:
    def score(settings: Settings, fitted: np.ndarray, measured: np.ndarray) -> float:
        raise ZeroDivisionError

    with pytest.raises(ModelRefused, match=r"None of the 3 settings can be fitted \(ZeroDivisionError\)"):
        chosen(score)


def test_folds_that_begin_before_the_rows_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="folds begin on 2024-03-07, the rows on 2024-03-20"):
        chosen(lambda *_: 1.0, days=DAYS[np.datetime64("2024-03-20") <= DAYS])


def test_no_rows_are_refused() -> None:
    with pytest.raises(SourceRefused, match="no row"):
        chosen(lambda *_: 1.0, days=DAYS[:0])


def test_a_day_without_rows_within_the_folds_fails_the_trials_it_leaves_empty() -> None:
    gap = (np.datetime64("2024-03-27") > DAYS) | (np.datetime64(LAST) < DAYS)
    search = Search(metric="error", settings=SEARCH.settings, folds=1, fit_days=5, validation_days=5)
    assert chosen(lambda settings, *_: error_of(settings), search, DAYS[gap]).settings == {"n": 2}


def test_a_trial_has_one_core_to_itself() -> None:
    import sklearn.ensemble  # noqa: F401 - loads OpenMP
    from threadpoolctl import threadpool_info

    threads: list[int] = []

    def score(settings: Settings, fitted: np.ndarray, measured: np.ndarray) -> float:
        threads.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp")
        return 1.0

    chosen(score)
    assert set(threads) == {1}


def test_the_same_seed_gives_the_same_trials() -> None:
    from sklearn.ensemble import HistGradientBoostingRegressor

    random = np.random.default_rng(0)
    features = random.random((len(DAYS), 3))
    target = features[:, 0] + random.random(len(DAYS))

    def score(settings: Settings, fitted: np.ndarray, measured: np.ndarray) -> float:
        model = HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=settings["n"], random_state=0)
        model.fit(features[fitted], target[fitted])
        return float(np.mean((model.predict(features[measured]) - target[measured]) ** 2))

    assert chosen(score) == chosen(score)
