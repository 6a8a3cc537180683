"""Multiclass: what a classification compares that predicts the probability of each of several classes."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.prediction import Label, same
from daybreak.errors import SourceRefused
from daybreak.training.classifiers import SETTINGS as OF_TWO
from daybreak.training.classifiers import classifier
from daybreak.training.family import Family
from daybreak.training.metrics import PRIMARY, measured
from daybreak.training.outcomes import positions

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# A boosting has a tree a class and iteration; what it would set aside to stop early may lack the rarest class.
SETTINGS: dict[str, dict[str, Any]] = OF_TWO | {
    "gradient boosting": {"max_iter": 60, "learning_rate": 0.08, "max_leaf_nodes": 15, "early_stopping": False}
}
_SHOWN_CLASSES = 5


def multiclass(pipeline: Pipeline, target: str) -> Family:
    """Return what a classification of all declared classes compares, by log loss.

    Outcomes are positions of classes. No model is fitted on rows of other classes; in what is measured they count as
    wrong.
    """
    import numpy as np

    classes = tuple(pipeline.prediction.classes)
    labels = np.array([*classes])
    return Family(
        metric=PRIMARY["class"],
        settings=SETTINGS,
        build=lambda name, numbers, texts: classifier(name, SETTINGS[name], numbers, texts),
        predict=partial(_predicted, classes),
        measure=measure,
        loss=lambda actual, predicted: measure(actual, predicted)[PRIMARY["class"]],
        outcomes=lambda column: positions(column, classes),
        by_last=partial(_frequencies_by_last, len(classes)),
        uninformed=lambda actual, rows: _answers(_frequencies(len(classes), actual)[np.newaxis].repeat(rows, axis=0)),
        uninformed_name="class frequencies",
        beaten=(PRIMARY["class"],),
        refuse=partial(_refuse_missing, pipeline, target, classes),
        rarest=lambda actual: int(np.bincount(actual[actual >= 0].astype(np.intp), minlength=len(classes)).min()),
        learnable=lambda actual: actual >= 0,
        labels=lambda actual: labels[actual.astype(np.intp)],
    )


def measure(actual: "np.ndarray", answers: "np.ndarray") -> dict[str, float]:
    """Measure positions of the most probable classes, with the probabilities of all, as published ones are."""
    import pandas as pd

    units = measured("class", actual, answers, pd.DataFrame())
    return {metric: float(values.mean()) for metric, values in units.values.items()}


def _predicted(classes: Sequence[Label], model: Any, features: "pd.DataFrame") -> "np.ndarray":
    """Return the most probable class and the probability of each; one that no fitted row had has none."""
    import numpy as np

    probabilities, known = model.predict_proba(features), model.classes_.tolist()
    found = np.zeros((len(features), len(classes)))
    for position, label in enumerate(classes):
        for column, other in enumerate(known):
            if same(label, other):
                found[:, position] = probabilities[:, column]
    return _answers(found)


def _answers(probabilities: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return np.column_stack([probabilities.argmax(axis=1), probabilities])


def _frequencies(classes: int, actual: "np.ndarray") -> "np.ndarray":
    import numpy as np

    counts = np.bincount(actual[actual >= 0].astype(np.intp), minlength=classes)
    found: np.ndarray = counts / counts.sum()
    return found


def _frequencies_by_last(classes: int, fitted: "np.ndarray", actual: "np.ndarray", last: "np.ndarray") -> "np.ndarray":
    """Predict how often each class followed the same last value; one that never did is not taken for impossible."""
    import numpy as np

    overall = _frequencies(classes, actual)
    found = np.tile(overall, (len(last), 1))
    for value in set(fitted.tolist()):
        followed = actual[(fitted == value) & (actual >= 0)].astype(np.intp)
        counts = np.bincount(followed, minlength=classes)
        found[last == value] = (counts + overall) / (counts.sum() + 1)
    return _answers(found)


def _refuse_missing(
    pipeline: Pipeline, target: str, classes: Sequence[Label], fitted: "np.ndarray", unseen: "np.ndarray"
) -> None:
    """Refuse rows that lack a declared class, which the model would not know."""
    missing = [label for position, label in enumerate(classes) if not (fitted == position).any()]
    if missing:
        shown = ", ".join(map(repr, missing[:_SHOWN_CLASSES]))
        more = f" and {len(missing) - _SHOWN_CLASSES} more" if len(missing) > _SHOWN_CLASSES else ""
        raise SourceRefused(
            f"{target} is {shown}{more} in none of the {len(fitted):,} fitted rows; each declared class is needed.",
            next_step="load more rows, or take it out of the `classes` of the pipeline's prediction.",
            pipeline=pipeline.name,
        )
    if not (unseen >= 0).any():
        raise SourceRefused(
            f"None of the {len(unseen):,} held-out rows has one of the declared classes of {target}.",
            next_step="load more rows, or mend the `classes` of the pipeline's prediction.",
            pipeline=pipeline.name,
        )
