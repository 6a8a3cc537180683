"""Metrics: how far predictions are from what happened, as one number for each row, to be averaged over any segment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from daybreak.declaration.pipeline import Measures
from daybreak.declaration.prediction import Prediction, percent

if TYPE_CHECKING:
    import pandas as pd

# The metric that decides, for each kind of prediction.
PRIMARY: dict[Measures, str] = {
    "counts": "poisson_deviance",
    "amounts": "rmse",
    "probability": "log_loss",
    "class": "log_loss",
    "ranking": "precision_at_5",
}
RANKED = 5
# A prediction of nothing that comes true costs much, but not infinitely much.
_SMALLEST = 1e-9
_BINS = 10


@dataclass(frozen=True)
class Units:
    """What is averaged: rows, or for a ranking the groups that it ranks within.

    ``positions`` are those of a row of each unit. ``values`` are by metric, squared where ``rooted`` names the metric.
    """

    positions: np.ndarray
    values: dict[str, np.ndarray]
    rooted: tuple[str, ...] = ()

    def losses(self, metric: str) -> np.ndarray:
        """Return a metric's values so that lower is better."""
        return -self.values[metric] if metric == "precision_at_5" else self.values[metric]

    def where(self, chosen: np.ndarray) -> "Units":
        """Keep the units that are chosen."""
        values = {metric: values[chosen] for metric, values in self.values.items()}
        return Units(self.positions[chosen], values, self.rooted)

    def with_values(self, more: Mapping[str, np.ndarray]) -> "Units":
        """Add metrics of the same units."""
        return replace(self, values={**self.values, **more})

    def mean(self, metric: str, codes: np.ndarray, segments: int) -> np.ndarray:
        """Average a metric over segments, given each unit's segment."""
        sums = np.bincount(codes, weights=self.values[metric], minlength=segments)
        means = sums / np.bincount(codes, minlength=segments)
        return np.asarray(np.sqrt(means) if metric in self.rooted else means)


def measured(kind: Measures, actual: np.ndarray, answers: np.ndarray, within: "pd.DataFrame") -> Units:
    """Hold predictions against actuals; ``within`` are the columns that a ranking is within.

    ``answers`` are main values, or rows of them with further ones. What classes are measured by are their probabilities
    after the position of the most probable; what happened is a position too, -1 for none of them.
    """
    if kind == "class":
        return _classes(actual, answers)
    predicted = answers if answers.ndim == 1 else answers[:, 0]
    if kind == "ranking":
        return _ranking(actual, predicted, within)
    rows = np.arange(len(actual))
    if kind == "probability":
        sure = np.clip(predicted, _SMALLEST, 1 - _SMALLEST)
        log_loss = -(actual * np.log(sure) + (1 - actual) * np.log1p(-sure))
        return Units(rows, {"log_loss": log_loss, "brier_score": (predicted - actual) ** 2})
    error = predicted - actual
    values = {"mae": np.abs(error), "rmse": error**2, "bias": error}
    if kind == "counts":
        values["poisson_deviance"] = _poisson_deviance(actual, predicted)
    return Units(rows, values, rooted=("rmse",))


def of_quantiles(actual: np.ndarray, predicted: np.ndarray, prediction: Prediction) -> dict[str, np.ndarray]:
    """Return the pinball loss of each quantile, and whether what happened lies from the lowest to the highest.

    ``predicted`` has a column for each. The mean of the last is how much of what happens the interval covers.
    """
    names = [f"q{percent(quantile)}" for quantile in prediction.quantiles]
    values = {}
    for name, quantile, column in zip(names, prediction.quantiles, predicted.T, strict=True):
        above = actual - column
        values[f"pinball_{name}"] = np.maximum(quantile * above, (quantile - 1) * above)
    if names[1:]:
        within = (predicted[:, 0] <= actual) & (actual <= predicted[:, -1])
        values[f"coverage_{names[0]}_{names[-1]}"] = within.astype(np.float64)
    return values


def reliability(actual: np.ndarray, predicted: np.ndarray, smallest_bin: int) -> tuple[float, list[dict[str, Any]]]:
    """Return the mean gap between predicted and observed share, and bins of equal weight with both.

    No bin holds fewer than ``smallest_bin`` rows, unless there are fewer.
    """
    bins = max(1, min(_BINS, len(actual) // smallest_bin))
    order = np.argsort(predicted, kind="stable")
    parts = list(zip(np.array_split(predicted[order], bins), np.array_split(actual[order], bins), strict=True))
    found = [{"rows": len(p), "predicted": float(p.mean()), "observed": float(a.mean())} for p, a in parts]
    gap = sum(part["rows"] * abs(part["predicted"] - part["observed"]) for part in found) / len(actual)
    return float(gap), found


def numbered(column: Any) -> tuple[np.ndarray, list[str]]:
    """Number the values of a column; return each row's number and the values as text."""
    import pandas as pd

    codes, values = pd.factorize(pd.Series(column), use_na_sentinel=False)
    return np.asarray(codes), ["(none)" if pd.isna(value) else str(value) for value in values]


def _classes(actual: np.ndarray, answers: np.ndarray) -> Units:
    rows, position = np.arange(len(actual)), actual.astype(np.int64)
    # A class that the model does not know came true with a probability of nothing.
    true = np.where(position < 0, 0.0, answers[rows, 1 + np.maximum(position, 0)])
    log_loss = -np.log(np.clip(true, _SMALLEST, 1))
    return Units(rows, {"log_loss": log_loss, "share_right": (answers[:, 0] == position).astype(np.float64)})


def _poisson_deviance(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    mean = np.maximum(predicted, _SMALLEST)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(actual > 0, actual * np.log(actual / mean), 0)
    return np.asarray(2 * (logs - actual + mean))


def _ranking(actual: np.ndarray, predicted: np.ndarray, within: "pd.DataFrame") -> Units:
    groups = within.groupby(list(within.columns), sort=False, dropna=False).ngroup().to_numpy()
    order = np.lexsort((-predicted, groups))
    ordered = groups[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    top = rank < RANKED
    hits = np.bincount(ordered[top], weights=(actual[order] > 0)[top])
    # A place that nothing was named for is as little worth as one that was named wrongly.
    return Units(order[starts], {"precision_at_5": hits / RANKED})
