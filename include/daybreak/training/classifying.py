"""Classifying: what a declared classification does when a pipeline is trained."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from daybreak.declaration.pipeline import Pipeline
from daybreak.models.candidates import Candidate
from daybreak.training.classifiers import SETTINGS, build, held_out_rows, measure, refuse_one_class
from daybreak.training.features import refuse_missing, told_apart
from daybreak.training.metrics import PRIMARY
from daybreak.training.outcomes import outcomes
from daybreak.training.past import Past, refuse_not_finite
from daybreak.training.trained import Trained, Unseen

if TYPE_CHECKING:
    import pyarrow as pa


def classify(past: Past, target: str, positive: str | float, as_of: str, progress: Callable[[str], None]) -> Trained:
    """Read training.sql, fit the three classifiers on four fifths of its rows and measure them on the others."""
    progress("reading")
    # It says itself, and more exactly, what it cannot learn from.
    read = replace(past, to_learn=False).rows(past.last_day, past.last_day)
    return learn(past.pipeline, read, target, positive, as_of, progress)


def learn(
    pipeline: Pipeline,
    read: "pa.Table",
    target: str,
    positive: str | float,
    as_of: str,
    progress: Callable[[str], None],
) -> Trained:
    """Learn from rows, of which those without a target are left out.

    The classifier is the one whose probabilities are best by log loss. Raises SourceRefused where there is nothing to
    learn from.
    """
    key = list(pipeline.entity_key)
    refuse_missing(pipeline, read, (*key, target, as_of))
    known = read.filter(read[target].is_valid())
    refuse_not_finite(pipeline, known)
    rows = known.to_pandas()
    features = rows.drop(columns=[*key, target, as_of])
    numbers, texts = told_apart(pipeline, target, rows, features)
    # A column of whole numbers with a gap is one of decimals: the signature must not depend on whether there is a gap.
    features[numbers] = features[numbers].astype("float64")
    actual = outcomes(known[target], positive) == 1
    unseen = held_out_rows(rows[key])
    refuse_one_class(pipeline, target, positive, actual[~unseen], "fitted")
    refuse_one_class(pipeline, target, positive, actual[unseen], "held-out")
    fitted = {}
    for name in SETTINGS:
        progress(f"fitting {name} on {(~unseen).sum():,} rows")
        fitted[name] = build(name, numbers, texts).fit(features[~unseen], actual[~unseen])
    progress(f"measuring on {unseen.sum():,} rows")
    predicted = {name: model.predict_proba(features[unseen])[:, 1] for name, model in fitted.items()}
    measured = {name: measure(actual[unseen], probability) for name, probability in predicted.items()}
    # What is published is a probability: where positives are rare, none may reach one half, and all F1 are nothing.
    best = min(measured, key=lambda name: measured[name][PRIMARY["probability"]])
    share = measure(actual[unseen], actual[~unseen].mean().repeat(unseen.sum()))
    return Trained(
        model=fitted[best],
        sample=features[~unseen].head(100),
        trained_through=rows[as_of].max(),
        metrics=measured[best],
        # Who predicts for every row the share of positives, and so the more frequent class.
        baseline={name: share[name] for name in ("log_loss", "brier_score")},
        parameters={"model": best, **SETTINGS[best], "rows": int((~unseen).sum()), "held_out_rows": unseen.sum()},
        candidates=(
            *(Candidate(name, measured[name], SETTINGS[name], name == best) for name in fitted),
            Candidate("share of positives", share),
        ),
        unseen=Unseen(features[unseen], actual[unseen], predicted[best]),
        by_key=True,
    )
