"""Regressors: what a regression compares, and what is measured of each."""

from typing import TYPE_CHECKING, Any, Literal

from daybreak.training.features import encoder
from daybreak.training.metrics import PRIMARY, measured

if TYPE_CHECKING:
    import numpy as np

Amounts = Literal["amounts", "counts"]
# The same settings for amounts, by squared error, and for counts, by Poisson's loss.
SETTINGS: dict[str, dict[str, Any]] = {
    "linear regression": {"alpha": 1.0},
    "gradient boosting": {"max_iter": 150, "learning_rate": 0.06, "max_leaf_nodes": 15},
    "deeper gradient boosting": {"max_iter": 150, "learning_rate": 0.06, "max_leaf_nodes": 63},
}


def build(name: str, kind: Amounts, numbers: list[str], texts: list[str]) -> Any:
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
