"""Over keys: what a declared training does that learns from rows without a time, each entity key once."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from daybreak.declaration.pipeline import Pipeline
from daybreak.models.candidates import Candidate
from daybreak.training.family import Family
from daybreak.training.features import refuse_missing, told_apart
from daybreak.training.past import Past, refuse_not_finite
from daybreak.training.trained import Trained, Unseen

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

# One row in five is held out.
HELD_OUT = 5
FOLDS = 3
# Where fewer held-out rows are of the rarest outcome, which candidate is best on them is mostly chance.
LEAST_TO_CHOOSE = 50


def learn_over_keys(past: Past, target: str, as_of: str, family: Family, progress: Callable[[str], None]) -> Trained:
    """Read training.sql, and learn from it."""
    progress("reading")
    # It says itself, and more exactly, what it cannot learn from.
    read = replace(past, to_learn=False).rows(past.last_day, past.last_day)
    return learn(past.pipeline, read, target, as_of, family, progress)


def learn(
    pipeline: Pipeline, read: "pa.Table", target: str, as_of: str, family: Family, progress: Callable[[str], None]
) -> Trained:
    """Learn from rows, of which those without a target are left out: four fifths are fitted, the others measured.

    The candidate to register is the one that is best by the metric that decides: on the rows held out, or where too few
    of them have the rarest outcome, on folds of the fitted rows that each have their share of it. Raises SourceRefused
    where there is nothing to learn from.
    """
    key = list(pipeline.entity_key)
    refuse_missing(pipeline, read, (*key, target, as_of))
    known = read.filter(read[target].is_valid())
    refuse_not_finite(pipeline, known)
    rows = known.to_pandas()
    features = rows.drop(columns=[*key, target, as_of])
    features, numbers, texts = told_apart(pipeline, target, rows, features)
    actual = family.outcomes(known[target])
    unseen = held_out_rows(rows[key])
    family.refuse(actual[~unseen], actual[unseen])
    folds = _compared_on_folds(family, features[~unseen], actual[~unseen], actual[unseen], numbers, texts, progress)
    best = min(folds, key=lambda name: folds[name].metrics[family.metric]) if folds else None
    fitted = {}
    for name in family.settings if best is None else (best,):
        progress(f"fitting {name} on {(~unseen).sum():,} rows")
        fitted[name] = family.fit(name, features[~unseen], actual[~unseen], numbers, texts)
    progress(f"measuring on {unseen.sum():,} rows")
    predicted = {name: family.predict(model, features[unseen]) for name, model in fitted.items()}
    measured = {name: family.measure(actual[unseen], values) for name, values in predicted.items()}
    best = best or min(measured, key=lambda name: measured[name][family.metric])
    guess = family.measure(actual[unseen], family.uninformed(actual[~unseen], int(unseen.sum())))
    return Trained(
        model=fitted[best],
        sample=features[~unseen].head(100),
        trained_through=rows[as_of].max(),
        metrics=measured[best],
        baseline={name: guess[name] for name in family.beaten},
        parameters={
            "model": best,
            **family.settings[best],
            "rows": int((~unseen).sum()),
            "held_out_rows": unseen.sum(),
        },
        candidates=(
            *(replace(found, chosen=name == best) for name, found in folds.items()),
            *(Candidate(name, measured[name], dict(family.settings[name]), name == best) for name in fitted),
            Candidate(family.uninformed_name, guess),
        ),
        unseen=Unseen(features[unseen], actual[unseen], predicted[best].reshape(unseen.sum(), -1)[:, 0]),
        by_key=True,
    )


def held_out_rows(keys: "pd.DataFrame") -> "np.ndarray":
    """Tell which rows are held out, by a hash of their entity key.

    A row is held out of every training or of none, whatever else is in the table and in what order: a later version
    is never measured on rows that an earlier one was fitted on.
    """
    import pandas as pd

    held_out: np.ndarray = pd.util.hash_pandas_object(keys, index=False).to_numpy() % HELD_OUT == 0
    return held_out


def _compared_on_folds(
    family: Family,
    features: "pd.DataFrame",
    actual: "np.ndarray",
    held_out: "np.ndarray",
    numbers: list[str],
    texts: list[str],
    progress: Callable[[str], None],
) -> dict[str, Candidate]:
    """Measure each candidate on folds of the fitted rows; none where the held-out rows are enough, or these too few."""
    import joblib
    import numpy as np

    if family.rarest(held_out) >= LEAST_TO_CHOOSE or family.rarest(actual) < FOLDS:
        return {}
    progress(f"comparing {len(family.settings)} candidates on {FOLDS} stratified folds")
    folds = _folds(actual)
    trials = [
        (name, np.flatnonzero(folds != fold), np.flatnonzero(folds == fold))
        for name in family.settings
        for fold in range(FOLDS)
    ]
    losses = joblib.Parallel(n_jobs=joblib.cpu_count(), prefer="threads")(
        joblib.delayed(_loss)(family, name, features, actual, numbers, texts, fitted, measured)
        for name, fitted, measured in trials
    )
    found = {}
    for position, (name, settings) in enumerate(family.settings.items()):
        of_folds = losses[position * FOLDS : (position + 1) * FOLDS]
        by_fold = {f"{family.metric}_fold_{n}": value for n, value in enumerate(of_folds, 1)}
        metrics = {family.metric: float(np.mean(of_folds)), **by_fold}
        found[name] = Candidate(name, metrics, dict(settings), measured_on="stratified folds")
    return found


def _folds(actual: "np.ndarray") -> "np.ndarray":
    """Return the fold of each row; each has its share of every outcome, of numbers of every stretch of them."""
    import numpy as np

    # Rows of one outcome lie side by side, and go round the folds: which of equal ones goes where is as good as drawn.
    order = np.lexsort((np.random.default_rng(0).permutation(len(actual)), actual))
    folds = np.empty(len(actual), dtype=np.intp)
    folds[order] = np.arange(len(actual)) % FOLDS
    return folds


def _loss(
    family: Family,
    name: str,
    features: "pd.DataFrame",
    actual: "np.ndarray",
    numbers: list[str],
    texts: list[str],
    fitted: "np.ndarray",
    measured: "np.ndarray",
) -> float:
    from threadpoolctl import threadpool_limits

    # Each trial has one core: what OpenMP may use counts for the thread that says so.
    with threadpool_limits(1, user_api="openmp"):
        model = family.fit(name, features.iloc[fitted], actual[fitted], numbers, texts)
        return family.loss(actual[measured], family.predict(model, features.iloc[measured]))
