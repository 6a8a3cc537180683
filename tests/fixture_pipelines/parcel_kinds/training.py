"""Train each kind of prediction: trees of milliseconds, which raise on a zone they never saw."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from daybreak import Pipeline
from daybreak.training import Past, Trained
from fixture_pipelines.parcel_hours.training import FEATURES, FIRST_DAY, TARGET, build, sample

Progress = Callable[[str], None]


def late(past: Past, progress: Progress) -> Trained:
    """Fit a tree on whether parcels took more than fifteen hours, as texts."""
    from sklearn.tree import DecisionTreeClassifier

    return _trained(past, DecisionTreeClassifier(min_samples_leaf=7, random_state=0), ["punctual", "late"], [15])


def speed(past: Past, progress: Progress) -> Trained:
    """Fit a tree on three classes of hours."""
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier(min_samples_leaf=7, random_state=0)
    return _trained(past, model, ["very fast", "usual", "slow"], [12, 25])


def spread(past: Past, progress: Progress) -> Trained:
    """Fit a few trees for each quantile."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    boosting = {q: HistGradientBoostingRegressor(loss="quantile", quantile=q / 100, max_iter=5) for q in (10, 50, 90)}
    return _trained(past, together({f"q{q}": model for q, model in boosting.items()}))


def together(models: dict[str, Any]) -> Any:
    """Put regressors side by side: what they transform rows into is a column of each."""
    from sklearn.ensemble import VotingRegressor

    return VotingRegressor(list(models.items()))


def _trained(past: Past, model: Any, classes: list[str] | None = None, bounds: list[float] | None = None) -> Trained:
    import numpy as np

    rows = past.rows(FIRST_DAY, past.last_day - timedelta(days=1)).to_pandas()
    target = rows[TARGET].to_numpy()
    if classes is not None:
        target = np.array(classes)[np.digitize(target, bounds or [])]
    return Trained(
        build(model).fit(rows[FEATURES], target), rows[FEATURES].head(20), past.last_day - timedelta(days=1), {}, {}
    )


def steady(pipeline: Pipeline) -> Any:
    """Fit a model that says the same of every parcel, as ``STEADY`` has it."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    rows, name = sample(), pipeline.single_ref.name
    if name == "late":
        return build(DummyClassifier(strategy="prior")).fit(rows, ["late"] * 3 + ["punctual"] * 9)
    if name == "speed":
        known = ["slow"] * 3 + ["usual"] * 6 + ["very fast"] * 3
        return build(DummyClassifier(strategy="prior")).fit(rows, known)
    if name == "spread":
        constants = {f"q{n}": DummyRegressor(strategy="constant", constant=float(n)) for n in (400, 500, 600)}
        return build(together(constants)).fit(rows, rows["distance_km"])
    return build(DummyRegressor(strategy="constant", constant=500.0)).fit(rows, rows["distance_km"])


# What is published then, by the model's name.
STEADY: dict[str, tuple[Any, ...]] = {
    "parcel_hours": (500.0,),
    "late": (0.25,),
    "speed": ("usual", 0.25, 0.5, 0.25),
    "spread": (500.0, 400.0, 500.0, 600.0),
}
