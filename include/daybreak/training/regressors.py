"""Regressors: what a regression compares, and what is measured of each."""

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from daybreak.errors import SourceRefused
from daybreak.training.family import Family
from daybreak.training.features import encoder
from daybreak.training.metrics import PRIMARY, measured
from daybreak.training.outcomes import outcomes

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Amounts = Literal["amounts", "counts"]
# The same settings for amounts, by squared error, and for counts, by Poisson's loss.
SETTINGS: dict[str, dict[str, Any]] = {
    "linear regression": {"alpha": 1.0},
    "gradient boosting": {"max_iter": 150, "learning_rate": 0.06, "max_leaf_nodes": 15},
    "deeper gradient boosting": {"max_iter": 150, "learning_rate": 0.06, "max_leaf_nodes": 31},
}
# What a last count of nothing is taken for: a deviance from nothing at all has no bound.
_HALF = 0.5


def regressors(kind: Amounts) -> Family:
    """Return what a regression compares, by the metric that decides of its kind."""
    import numpy as np

    return Family(
        metric=PRIMARY[kind],
        settings=SETTINGS,
        build=partial(build, kind),
        predict=_predicted,
        measure=partial(measure, kind),
        loss=lambda actual, predicted: measure(kind, actual, predicted)[PRIMARY[kind]],
        outcomes=lambda target: outcomes(target, None),
        by_last=partial(_as_before, kind),
        uninformed=lambda actual, rows: np.full(rows, actual.mean()),
        uninformed_name="mean",
        beaten=(PRIMARY[kind],),
        refuse=_refuse_none,
    )


def build(kind: Amounts, name: str, numbers: list[str], texts: list[str]) -> Any:
    """Build an unfitted regressor behind the encoding of its features; of counts it predicts no negative number."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import PoissonRegressor, Ridge
    from sklearn.pipeline import make_pipeline

    settings = SETTINGS[name]
    if name == "linear regression":
        regressor = Ridge(**settings) if kind == "amounts" else PoissonRegressor(max_iter=1_000, **settings)
    else:
        loss = "squared_error" if kind == "amounts" else "poisson"
        regressor = HistGradientBoostingRegressor(loss=loss, early_stopping=False, random_state=0, **settings)
    return make_pipeline(encoder(numbers, texts), regressor)


def measure(kind: Amounts, actual: "np.ndarray", predicted: "np.ndarray") -> dict[str, float]:
    """Measure predictions as published ones are, all rows taken together; the metric that decides comes first."""
    import numpy as np
    import pandas as pd

    units = measured(kind, actual, predicted, pd.DataFrame())
    together = np.zeros(len(actual), dtype=np.intp)
    found = {metric: float(units.mean(metric, together, 1)[0]) for metric in units.values}
    return {PRIMARY[kind]: found.pop(PRIMARY[kind]), **found}


def _predicted(model: Any, features: "pd.DataFrame") -> "np.ndarray":
    found: np.ndarray = model.predict(features)
    return found


def _refuse_none(fitted: "np.ndarray", unseen: "np.ndarray") -> None:
    if not len(fitted) or not len(unseen):
        raise SourceRefused(
            f"There are {len(fitted):,} rows to fit and {len(unseen):,} to hold out.",
            next_step="load more rows, then train again.",
        )


def _as_before(kind: Amounts, _fitted: "np.ndarray", _actual: "np.ndarray", last: "np.ndarray") -> "np.ndarray":
    """Predict that all stays as it was."""
    import numpy as np

    return last if kind == "amounts" else np.maximum(last, _HALF)
