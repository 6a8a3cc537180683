"""Classifiers: what a classification compares, on which rows, and what is measured of each."""

from typing import TYPE_CHECKING, Any

from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import SourceRefused
from daybreak.training.features import encoder
from daybreak.training.metrics import PRIMARY
from daybreak.training.outcomes import outcomes
from daybreak.training.over_time import Family

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# One row in five is held out.
FOLDS = 5
# Shown for each candidate, in this order.
SHOWN = ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier_score")
SETTINGS: dict[str, dict[str, Any]] = {
    "logistic regression": {"max_iter": 1_000},
    "random forest": {"n_estimators": 200, "min_samples_leaf": 5},
    "gradient boosting": {"max_iter": 100, "learning_rate": 0.05, "max_leaf_nodes": 15},
}


def held_out_rows(keys: "pd.DataFrame") -> "np.ndarray":
    """Tell which rows are held out, by a hash of their entity key.

    A row is held out of every training or of none, whatever else is in the table and in what order: a later version
    is never measured on rows that an earlier one was fitted on.
    """
    import pandas as pd

    held_out: np.ndarray = pd.util.hash_pandas_object(keys, index=False).to_numpy() % FOLDS == 0
    return held_out


def build(name: str, numbers: list[str], texts: list[str]) -> Any:
    """Build an unfitted classifier behind the encoding of its features."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    kinds = {
        "logistic regression": LogisticRegression,
        "random forest": RandomForestClassifier,
        "gradient boosting": HistGradientBoostingClassifier,
    }
    return make_pipeline(encoder(numbers, texts), kinds[name](random_state=0, **SETTINGS[name]))


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
    """Return what a classification over time compares."""

    def refuse(fitted: "np.ndarray", unseen: "np.ndarray") -> None:
        refuse_one_class(pipeline, target, positive, fitted, "fitted")
        refuse_one_class(pipeline, target, positive, unseen, "held-out")

    return Family(
        metric=PRIMARY["probability"],
        settings=SETTINGS,
        build=build,
        predict=lambda model, features: model.predict_proba(features)[:, 1],
        measure=measure,
        outcomes=lambda column: outcomes(column, positive),
        baseline=_share_by_last,
        refuse=refuse,
    )


def _share_by_last(fitted: "np.ndarray", actual: "np.ndarray", last: "np.ndarray") -> "np.ndarray":
    """Predict the share of positives among the rows whose last value was the same."""
    import numpy as np

    shares = np.full(len(last), actual.mean())
    for value in np.unique(fitted):
        shares[last == value] = actual[fitted == value].mean()
    return shares
