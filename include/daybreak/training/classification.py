"""Classification: three classifiers compared on held-out rows; the best by F1 is the one to register."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from daybreak.errors import SourceRefused
from daybreak.models.candidates import Candidate
from daybreak.training.past import Past
from daybreak.training.trained import Trained, Unseen

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


@dataclass(frozen=True, kw_only=True)
class Classification:
    """The training of a pipeline that predicts how likely ``target`` is ``positive``; called, it trains.

    Every column of training.sql but the entity key, the target and ``as_of`` is a feature: a number or a text. Rows
    without a target are left out. ``as_of`` holds the day that a row tells of; the last one is ``trained_through``.
    """

    target: str
    positive: str | float
    as_of: str = "as_of"

    def __call__(self, past: Past, progress: Callable[[str], None]) -> Trained:
        """Fit all three on four fifths of the rows and measure them on the others."""
        progress("reading")
        # It says itself, and more exactly, what it cannot learn from.
        rows = replace(past, to_learn=False).rows(past.last_day, past.last_day).to_pandas()
        key = list(past.pipeline.entity_key)
        rows = rows[rows[self.target].notna()]
        features = rows.drop(columns=[*key, self.target, self.as_of])
        numbers, texts = self._told_apart(past, rows, features)
        actual = (rows[self.target] == self.positive).to_numpy()
        unseen = held_out_rows(rows[key])
        self._refuse_one_class(past, actual[~unseen], "fitted")
        self._refuse_one_class(past, actual[unseen], "held-out")
        fitted = {}
        for name in SETTINGS:
            progress(f"fitting {name} on {(~unseen).sum():,} rows")
            fitted[name] = build(name, numbers, texts).fit(features[~unseen], actual[~unseen])
        progress(f"measuring on {unseen.sum():,} rows")
        predicted = {name: model.predict_proba(features[unseen])[:, 1] for name, model in fitted.items()}
        measured = {name: measure(actual[unseen], probability) for name, probability in predicted.items()}
        best = max(measured, key=lambda name: measured[name]["f1"])
        share = measure(actual[unseen], actual[~unseen].mean().repeat(unseen.sum()))
        return Trained(
            model=fitted[best],
            sample=features[~unseen].head(100),
            trained_through=rows[self.as_of].max(),
            metrics=measured[best],
            # Who predicts for every row the share of positives, and so the more frequent class.
            baseline={name: share[name] for name in ("log_loss", "brier_score")},
            parameters={"model": best, **SETTINGS[best], "rows": int((~unseen).sum()), "held_out_rows": unseen.sum()},
            candidates=(
                *(Candidate(name, measured[name], SETTINGS[name], name == best) for name in fitted),
                Candidate("share of positives", share),
            ),
            unseen=Unseen(features[unseen], actual[unseen], predicted[best]),
        )

    def _told_apart(self, past: Past, rows: "pd.DataFrame", features: "pd.DataFrame") -> tuple[list[str], list[str]]:
        from pandas.api.types import is_bool_dtype, is_numeric_dtype, is_string_dtype

        if rows.empty:
            raise SourceRefused(
                f"There is no row with a known {self.target} to train on.",
                next_step="load rows that have it, then train again.",
                pipeline=past.pipeline.name,
            )
        numbers = [str(c) for c in features if is_numeric_dtype(features[c]) and not is_bool_dtype(features[c])]
        texts = [str(c) for c in features if is_string_dtype(features[c])]
        other = [str(c) for c in features if c not in (*numbers, *texts)]
        if other or not len(features.columns):
            raise SourceRefused(
                f"Column {', '.join(other)} is neither a number nor a text." if other else "There is no feature.",
                next_step="cast it in extract.sql (`active::integer`, `:last_day - signed_up_on`) or leave it out."
                if other
                else "add columns to extract.sql.",
                pipeline=past.pipeline.name,
            )
        return numbers, texts

    def _refuse_one_class(self, past: Past, actual: "np.ndarray", which: str) -> None:
        positives = int(actual.sum())
        if positives in (0, len(actual)):
            raise SourceRefused(
                f"{self.target} is {self.positive!r} in {positives:,} of the {len(actual):,} {which} rows; "
                "both classes are needed.",
                next_step="load more rows, or correct `positive` in training.py.",
                pipeline=past.pipeline.name,
            )


def held_out_rows(keys: "pd.DataFrame") -> "np.ndarray":
    """Tell which rows are held out, by a hash of their entity key.

    A row is held out of every training or of none, whatever else is in the table and in what order: a later version
    is never measured on rows that an earlier one was fitted on.
    """
    import pandas as pd

    held_out: np.ndarray = pd.util.hash_pandas_object(keys, index=False).to_numpy() % FOLDS == 0
    return held_out


def build(name: str, numbers: list[str], texts: list[str]) -> Any:
    """Build an unfitted classifier behind the encoding of its features.

    Empty numbers are filled with the median; texts that are rare, or were never seen, count as one value.
    """
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    kinds = {
        "logistic regression": LogisticRegression,
        "random forest": RandomForestClassifier,
        "gradient boosting": HistGradientBoostingClassifier,
    }
    encode = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=50, sparse_output=False)
    fill = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    return make_pipeline(
        make_column_transformer((fill, numbers), (encode, texts)), kinds[name](random_state=0, **SETTINGS[name])
    )


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
