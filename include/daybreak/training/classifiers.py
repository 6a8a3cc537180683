"""Classifiers: what a classification compares, on which rows, and what is measured of each."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import SourceRefused
from daybreak.training.family import Family
from daybreak.training.features import encoder
from daybreak.training.metrics import PRIMARY, measured
from daybreak.training.outcomes import outcomes

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# Shown for each candidate, in this order.
SHOWN = ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier_score")
SETTINGS: dict[str, dict[str, Any]] = {
    "logistic regression": {"max_iter": 1_000},
    "random forest": {"n_estimators": 200, "min_samples_leaf": 5},
    "gradient boosting": {"max_iter": 100, "learning_rate": 0.05, "max_leaf_nodes": 15},
}


def build(name: str, numbers: list[str], texts: list[str]) -> Any:
    """Build an unfitted classifier of two classes behind the encoding of its features."""
    return classifier(name, SETTINGS[name], numbers, texts)


def classifier(name: str, settings: Mapping[str, Any], numbers: list[str], texts: list[str]) -> Any:
    """Build an unfitted classifier with its settings behind the encoding of its features."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    kinds = {
        "logistic regression": LogisticRegression,
        "random forest": RandomForestClassifier,
        "gradient boosting": HistGradientBoostingClassifier,
    }
    return make_pipeline(encoder(numbers, texts), kinds[name](random_state=0, **settings))


def measure(actual: "np.ndarray", probability: "np.ndarray") -> dict[str, float]:
    """Measure predicted probabilities; a row counts as positive from one half on."""
    from sklearn import metrics

    positive = probability >= 0.5
    found = (
        metrics.accuracy_score(actual, positive),
        metrics.precision_score(actual, positive, zero_division=0),
        metrics.recall_score(actual, positive),
        metrics.f1_score(actual, positive),
        metrics.roc_auc_score(actual, probability),
        metrics.log_loss(actual, probability),
        metrics.brier_score_loss(actual, probability),
    )
    return dict(zip(SHOWN, map(float, found), strict=True))


def refuse_one_class(pipeline: Pipeline, target: str, positive: str | float, actual: "np.ndarray", which: str) -> None:
    """Refuse outcomes that are all one class."""
    count = int(actual.sum())
    if count in (0, len(actual)):
        raise SourceRefused(
            f"{target} is {positive!r} in {count:,} of the {len(actual):,} {which} rows; both classes are needed.",
            next_step="load more rows, or correct `positive` of the pipeline's training.",
            pipeline=pipeline.name,
        )


def classifiers(pipeline: Pipeline, target: str, positive: str | float) -> Family:
    """Return what a classification of two classes compares, by the log loss of their probabilities.

    What is published is a probability: where positives are rare, none may reach one half, and all F1 are nothing.
    """
    import numpy as np

    def refuse(fitted: "np.ndarray", unseen: "np.ndarray") -> None:
        refuse_one_class(pipeline, target, positive, fitted, "fitted")
        refuse_one_class(pipeline, target, positive, unseen, "held-out")

    return Family(
        metric=PRIMARY["probability"],
        settings=SETTINGS,
        build=build,
        predict=_probability,
        measure=measure,
        loss=_log_loss,
        outcomes=lambda column: outcomes(column, positive),
        by_last=_share_by_last,
        uninformed=lambda actual, rows: np.full(rows, actual.mean()),
        uninformed_name="share of positives",
        beaten=("log_loss", "brier_score"),
        refuse=refuse,
        rarest=lambda actual: int(min(actual.sum(), len(actual) - actual.sum())),
        labels=lambda actual: actual == 1,
    )


def _probability(model: Any, features: "pd.DataFrame") -> "np.ndarray":
    """Return the probability of the positive class, which not every fold of the past has."""
    import numpy as np

    probabilities = model.predict_proba(features)
    if probabilities.shape[1] == 1:
        return np.full(len(features), float(model.classes_[0]))
    found: np.ndarray = probabilities[:, 1]
    return found


def _log_loss(actual: "np.ndarray", probability: "np.ndarray") -> float:
    """Return the log loss, which one class alone has too."""
    import pandas as pd

    return float(measured("probability", actual, probability, pd.DataFrame()).losses("log_loss").mean())


def _share_by_last(fitted: "np.ndarray", actual: "np.ndarray", last: "np.ndarray") -> "np.ndarray":
    """Predict the share of positives among the rows whose last value was the same."""
    import numpy as np

    shares = np.full(len(last), actual.mean())
    for value in np.unique(fitted):
        shares[last == value] = actual[fitted == value].mean()
    return shares
