"""Pictures of a model on its held-out rows, as PNG: what it said against what happened, and what mattered."""

import io
from typing import TYPE_CHECKING

from daybreak.metrics import reliability

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SMALLEST_BIN = 50


def calibration(actual: "np.ndarray", predicted: "np.ndarray") -> bytes:
    """Draw the share of rows that came true over the probability that was predicted, by bins of equal weight."""
    _, bins = reliability(actual, predicted, _SMALLEST_BIN)
    figure, axes = _axes("Calibration on held-out rows", "predicted probability", "observed share")
    highest = max(max(found["predicted"], found["observed"]) for found in bins) * 1.05 or 1.0
    axes.plot([0, highest], [0, highest], color="0.7", linewidth=1)
    axes.plot([found["predicted"] for found in bins], [found["observed"] for found in bins], marker="o")
    return _png(figure)


def predicted_and_actual(actual: "np.ndarray", predicted: "np.ndarray") -> bytes:
    """Draw the mean that happened over the mean that was predicted, by bins of equal weight."""
    _, bins = reliability(actual, predicted, _SMALLEST_BIN)
    figure, axes = _axes("Means on held-out rows, by tenths of the predictions", "predicted", "actual")
    means = [value for found in bins for value in (found["predicted"], found["observed"])]
    axes.plot([min(means), max(means)], [min(means), max(means)], color="0.7", linewidth=1)
    axes.plot([found["predicted"] for found in bins], [found["observed"] for found in bins], marker="o")
    return _png(figure)


def residuals(actual: "np.ndarray", predicted: "np.ndarray") -> bytes:
    """Draw how the differences are spread, without the outermost hundredth on either side."""
    import numpy as np

    found = actual - predicted
    low, high = np.quantile(found, [0.01, 0.99])
    figure, axes = _axes("Residuals on held-out rows", "actual less predicted", "rows")
    axes.hist(found[(found >= low) & (found <= high)], bins=60)
    axes.axvline(0, color="0.4", linewidth=1)
    return _png(figure)


def bars(names: list[str], means: "np.ndarray", deviations: "np.ndarray", metric: str) -> bytes:
    """Draw a feature importance a line, the largest on top."""
    figure, axes = _axes("Importance by permutation, on held-out rows", f"more {metric} when it is shuffled", "")
    axes.barh(names[::-1], means[::-1], xerr=deviations[::-1], color="tab:blue", ecolor="0.4")
    return _png(figure)


def _axes(title: str, x: str, y: str) -> "tuple[Figure, Axes]":
    # Without pyplot there is no window system, and nothing that threads would share.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    return figure, axes


def _png(figure: "Figure") -> bytes:
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110, metadata={"Software": None})
    return written.getvalue()
