"""Classifying: what a declared classification does when a pipeline is trained."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import SourceRefused
from daybreak.models.candidates import Candidate
from daybreak.training.classifiers import SETTINGS, build, held_out_rows, measure
from daybreak.training.metrics import PRIMARY
from daybreak.training.outcomes import outcomes
from daybreak.training.past import Past, refuse_not_finite
from daybreak.training.trained import Trained, Unseen

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
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
    _refuse_missing(pipeline, read, (*key, target, as_of))
    known = read.filter(read[target].is_valid())
    refuse_not_finite(pipeline, known)
    rows = known.to_pandas()
    features = rows.drop(columns=[*key, target, as_of])
    numbers, texts = _told_apart(pipeline, target, rows, features)
    # A column of whole numbers with a gap is one of decimals: the signature must not depend on whether there is a gap.
    features[numbers] = features[numbers].astype("float64")
    actual = outcomes(known[target], positive) == 1
    unseen = held_out_rows(rows[key])
    _refuse_one_class(pipeline, target, positive, actual[~unseen], "fitted")
    _refuse_one_class(pipeline, target, positive, actual[unseen], "held-out")
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


def _refuse_missing(pipeline: Pipeline, rows: "pa.Table", wanted: tuple[str, ...]) -> None:
    if missing := [name for name in wanted if name not in rows.column_names]:
        raise SourceRefused(
            f"training.sql gives no column {', '.join(missing)}.",
            next_step="select it there, or mend the pipeline's `target`, its entity key or its training.",
            pipeline=pipeline.name,
        )


def _told_apart(
    pipeline: Pipeline, target: str, rows: "pd.DataFrame", features: "pd.DataFrame"
) -> tuple[list[str], list[str]]:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype, is_string_dtype

    if rows.empty:
        raise SourceRefused(
            f"There is no row with a known {target} to train on.",
            next_step="load rows that have it, then train again.",
            pipeline=pipeline.name,
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
            pipeline=pipeline.name,
        )
    return numbers, texts


def _refuse_one_class(pipeline: Pipeline, target: str, positive: str | float, actual: "np.ndarray", which: str) -> None:
    count = int(actual.sum())
    if count in (0, len(actual)):
        raise SourceRefused(
            f"{target} is {positive!r} in {count:,} of the {len(actual):,} {which} rows; both classes are needed.",
            next_step="load more rows, or correct `positive` of the pipeline's training.",
            pipeline=pipeline.name,
        )
