"""The searches of the customers' pipelines on made rows: folds that look ahead at nothing, and the same again."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from daybreak.models.artifacts import digest_of
from daybreak.models.canonical import canonical
from daybreak.models.saving import saved_files
from daybreak.models.version import library_versions
from daybreak.training.past import Past
from daybreak.training.search import Chosen, Search, choose
from daybreak.workspace import Workspace
from retail.customer_recommendations import CUSTOMER_RECOMMENDATIONS
from retail.customer_recommendations import training as recommending
from retail.customer_segments import CUSTOMER_SEGMENTS
from retail.customer_segments import training as segmenting
from retail.segments import SEGMENTS

LAST = date(2026, 6, 28)
CATEGORIES, HOUSEHOLDS = 10, 300


def weekly(weeks: int) -> list[date]:
    return [LAST - timedelta(weeks=back) for back in reversed(range(weeks))]


@pytest.fixture(scope="module")
def candidates() -> pd.DataFrame:
    """Make candidates of which each segment buys others, which nothing but the segment tells."""
    days = weekly(recommending.FITTED_WEEKS + recommending.WEEKS_TO_SEARCH)
    size = len(days) * HOUSEHOLDS * CATEGORIES
    random, place = np.random.default_rng(0), np.arange(size)
    category, household = place % CATEGORIES, place // CATEGORIES % HOUSEHOLDS
    segment = household % len(SEGMENTS)
    wanted = (category + 3 * segment) % CATEGORIES < 5
    rows = pd.DataFrame({name: random.random(size) for name in recommending.NUMBERS})
    rows["day"] = np.repeat(np.array(days, dtype=object), HOUSEHOLDS * CATEGORIES)
    rows["household_id"], rows["product_category"] = household, [f"C{n}" for n in category]
    rows["segment"] = np.array(SEGMENTS)[segment]
    rows[recommending.TARGET] = wanted & (random.random(size) < 0.9)
    rows["categories_next_7d"] = CATEGORIES
    return rows


@pytest.fixture(scope="module")
def households() -> pd.DataFrame:
    """Make households of four kinds."""
    days = weekly(segmenting.WINDOW_DAYS // 7 + 1 + segmenting.WEEKS_TO_SEARCH)
    size = len(days) * HOUSEHOLDS
    random, kind = np.random.default_rng(1), np.arange(size) % 4
    rows = pd.DataFrame({name: np.exp(kind + random.random(size)) for name in segmenting.FEATURES})
    rows["discount_share_90d"] = random.random(size)
    rows["day"] = np.repeat(np.array(days, dtype=object), HOUSEHOLDS)
    return rows


def searched(pipeline: Any, search: Search, rows: pd.DataFrame, score: Callable[..., float]) -> Chosen:
    past = Past(cast("Workspace", None), pipeline, LAST, searching=True)  # a search needs rows and a score
    return choose(past, search, rows["day"].to_numpy(), partial(score, rows))


def digest(model: Any, sample: pd.DataFrame, method: str) -> str:
    return digest_of(canonical(saved_files(model, sample, method, library_versions())))


@pytest.mark.parametrize(
    ("search", "weeks", "fitted_weeks", "target_days"),
    [(recommending.SEARCH, 6, 3, 7), (segmenting.SEARCH, 17, 14, 0)],
    ids=["recommendations", "segments"],
)
def test_a_fold_of_weekly_rows_is_fitted_on_what_was_known_before_the_one_day_it_is_measured_on(
    search: Search, weeks: int, fitted_weeks: int, target_days: int
) -> None:
    days = weekly(weeks)
    folds = search.folds_of(days[0], days[-1])
    assert folds[-1].measured_to == LAST
    for fold in folds:
        fitted = [day for day in days if fold.fitted_from <= day <= fold.fitted_to]
        [measured] = [day for day in days if fold.measured_from <= day <= fold.measured_to]
        assert len(fitted) == fitted_weeks
        assert fitted[-1] < measured
        assert fitted[-1] + timedelta(days=target_days) <= measured


def test_settings_of_the_recommendations_are_compared_by_lists_of_a_model_per_segment(candidates: pd.DataFrame) -> None:
    found = searched(CUSTOMER_RECOMMENDATIONS, recommending.SEARCH, candidates, recommending.score)
    assert [trial.parameters for trial in found.trials] == list(recommending.SEARCH.settings)
    assert {trial.failure for trial in found.trials} == {None}
    [chosen] = [trial for trial in found.trials if trial.chosen]
    assert set(chosen.metrics) == {"precision_at_5", "precision_at_5_fold_1", "precision_at_5_fold_2"}
    # One model for all would not know whose five they are: half of what it names would be wrong.
    assert chosen.metrics["precision_at_5"] == pytest.approx(0.9, abs=0.02)
    assert chosen.metrics["precision_at_5"] == max(trial.metrics["precision_at_5"] for trial in found.trials)


def test_searching_and_fitting_the_recommendations_twice_gives_the_same_digest(candidates: pd.DataFrame) -> None:
    digests = []
    for _ in range(2):
        found = searched(CUSTOMER_RECOMMENDATIONS, recommending.SEARCH, candidates, recommending.score)
        rows = candidates[candidates["segment"] == "loyal"]
        model = recommending.fit(rows, found.settings)
        sample = rows[recommending.CATEGORIES + recommending.NUMBERS].head(20)
        digests.append((found, digest(model, sample, "predict_proba")))
    assert digests[0] == digests[1]


def test_searching_and_fitting_the_segments_twice_gives_the_same_digest(households: pd.DataFrame) -> None:
    digests = []
    for _ in range(2):
        found = searched(CUSTOMER_SEGMENTS, segmenting.SEARCH, households, segmenting.score)
        assert {trial.failure for trial in found.trials} == {None}
        rows = segmenting.newest(households, found.settings["weeks"])
        model = segmenting.fit(rows, seed=found.settings["seed"])
        digests.append((found, digest(model, rows[segmenting.FEATURES].head(20), "predict")))
    assert digests[0] == digests[1]
    assert digests[0][0].trials[0].metrics["silhouette"] > 0.3


def test_segments_are_fitted_on_as_many_weeks_as_the_settings_say(households: pd.DataFrame) -> None:
    for settings in segmenting.SEARCH.settings:
        days = segmenting.newest(households, settings["weeks"])["day"].unique()
        assert (len(days), max(days)) == (settings["weeks"], LAST)
