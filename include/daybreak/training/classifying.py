"""Classifying: what a declared classification does when a pipeline is trained."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from daybreak.errors import SourceRefused
from daybreak.models.candidates import Candidate
from daybreak.training.classifiers import SETTINGS, build, held_out_rows, measure
from daybreak.training.past import Past
from daybreak.training.trained import Trained, Unseen

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


def classify(past: Past, target: str, positive: str | float, as_of: str, progress: Callable[[str], None]) -> Trained:
    """Fit the three classifiers on four fifths of the rows and measure them on the others."""
    progress("reading")
    # It says itself, and more exactly, what it cannot learn from.
    read = replace(past, to_learn=False).rows(past.last_day, past.last_day)
    key = list(past.pipeline.entity_key)
    _refuse_missing(past, read, (*key, target, as_of))
    rows = read.to_pandas()
    rows = rows[rows[target].notna()]
    features = rows.drop(columns=[*key, target, as_of])
    numbers, texts = _told_apart(past, target, rows, features)
    actual = (rows[target] == positive).to_numpy()
    unseen = held_out_rows(rows[key])
    _refuse_one_class(past, target, positive, actual[~unseen], "fitted")
    _refuse_one_class(past, target, positive, actual[unseen], "held-out")
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
    )


def _refuse_missing(past: Past, rows: "pa.Table", wanted: tuple[str, ...]) -> None:
    if missing := [name for name in wanted if name not in rows.column_names]:
        raise SourceRefused(
            f"training.sql gives no column {', '.join(missing)}.",
            next_step="select it there, or mend the pipeline's `target`, its entity key or its training.",
            pipeline=past.pipeline.name,
        )


def _told_apart(past: Past, target: str, rows: "pd.DataFrame", features: "pd.DataFrame") -> tuple[list[str], list[str]]:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype, is_string_dtype

    if rows.empty:
        raise SourceRefused(
            f"There is no row with a known {target} to train on.",
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


def _refuse_one_class(past: Past, target: str, positive: str | float, actual: "np.ndarray", which: str) -> None:
    count = int(actual.sum())
    if count in (0, len(actual)):
        raise SourceRefused(
            f"{target} is {positive!r} in {count:,} of the {len(actual):,} {which} rows; both classes are needed.",
            next_step="load more rows, or correct `positive` of the pipeline's training.",
            pipeline=past.pipeline.name,
        )
