"""Pictures of a model on its held-out rows, as PNG: what it said against what happened, and what mattered."""

import io
from typing import TYPE_CHECKING

from daybreak.training.metrics import reliability

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
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


def lift(actual: "np.ndarray", predicted: "np.ndarray") -> bytes:
    """Draw which share of what came true is among the rows that were predicted highest."""
    import numpy as np

    found = np.cumsum(np.asarray(actual, dtype=np.float64)[np.argsort(-predicted, kind="stable")])
    figure, axes = _axes(
        "Lift on held-out rows", "share of the rows, highest predictions first", "share of what came true"
    )
    at = np.unique(np.linspace(1, len(found), 200).astype(np.int64))
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot(at / len(found), found[at - 1] / (found[-1] or 1.0))
    return _png(figure)


def labels_and_features(inputs: "pd.DataFrame", predicted: "np.ndarray", labels: list[str]) -> bytes:
    """Draw where the rows of each label stand among all: their mean rank in each feature, from 0 to 1."""
    import numpy as np

    ranks = inputs.rank(pct=True)
    rows = [predicted == number for number in range(len(labels))]
    means = np.array(
        [ranks[mine].mean().to_numpy() if mine.any() else np.full(len(ranks.columns), 0.5) for mine in rows]
    )
    figure, axes = _axes("Mean rank of each label's held-out rows among all", "", "")
    axes.imshow(means, cmap="coolwarm", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(ranks.columns)), list(ranks.columns), rotation=30, ha="right")
    axes.set_yticks(
        range(len(labels)), [f"{label} ({mine.mean():.0%})" for label, mine in zip(labels, rows, strict=True)]
    )
    for y, x in np.ndindex(*means.shape):
        axes.text(x, y, f"{means[y, x]:.2f}", ha="center", va="center")
    return _png(figure)


def classes_and_actuals(actual: "np.ndarray", predicted: "np.ndarray", labels: list[str]) -> bytes:
    """Draw how many rows of each class were predicted as which, given as positions; others have none of the classes."""
    import numpy as np

    counts = np.zeros((len(labels), len(labels)))
    known = actual >= 0
    np.add.at(counts, (actual[known].astype(np.int64), predicted[known].astype(np.int64)), 1)
    figure, axes = _axes("Classes of held-out rows", "predicted", "actual")
    axes.imshow(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    # What stands between two dollars would be read as a formula.
    shown = [label.replace("$", r"\$") for label in labels]
    axes.set_xticks(range(len(labels)), shown, rotation=30, ha="right")
    axes.set_yticks(range(len(labels)), shown)
    for y, x in np.ndindex(*counts.shape):
        axes.text(x, y, f"{counts[y, x]:,.0f}", ha="center", va="center")
    return _png(figure)


def silhouettes(values: "np.ndarray", predicted: "np.ndarray", labels: list[str]) -> bytes:
    """Draw the silhouette of every row, label by label, the largest first: below 0 a row is nearer to another label."""
    import numpy as np

    figure, axes = _axes("Silhouettes on held-out rows", "silhouette", "rows")
    start = 0
    for number, label in enumerate(labels):
        mine = -np.sort(-values[predicted == number])
        axes.fill_betweenx(np.arange(start, start + len(mine)), 0, mine, step="mid", label=label)
        start += len(mine)
    axes.axvline(float(values.mean()), color="0.4", linewidth=1, linestyle="--")
    axes.invert_yaxis()
    axes.legend(loc="lower right")
    return _png(figure)


def bars(names: list[str], means: "np.ndarray", deviations: "np.ndarray", lost: str) -> bytes:
    """Draw a feature importance a line, the largest on top."""
    figure, axes = _axes("Importance by permutation, on held-out rows", f"{lost} when it is shuffled", "")
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
    import warnings

    written = io.BytesIO()
    with warnings.catch_warnings():
        # Letters that the font lacks are drawn as boxes, which nobody can do anything about.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(written, format="png", dpi=110, metadata={"Software": None})
    return written.getvalue()
