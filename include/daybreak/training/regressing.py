"""Regressing: what a declared regression does when a pipeline is trained."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

from daybreak.declaration.partition import Calendar, start_of_day
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import SourceRefused
from daybreak.models.candidates import Candidate
from daybreak.training.features import refuse_missing, told_apart
from daybreak.training.metrics import PRIMARY
from daybreak.training.past import Past
from daybreak.training.regression import LEAST, Regression
from daybreak.training.regressors import SETTINGS, Amounts, build, measure
from daybreak.training.search import Search, Settings, choose
from daybreak.training.trained import Trained, Unseen

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

FOLDS = 3
# So many partitions are held out, and measured in each fold, where there are eight times as many.
_HELD_OUT = {"day": 28, "week": 8, "month": 3}
_MODEL = "model"
# What a last count of nothing is taken for: a deviance from nothing at all has no bound.
_HALF = 0.5


def regress(past: Past, declared: Regression, target: str, kind: Amounts, progress: Callable[[str], None]) -> Trained:
    """Read training.sql as far as targets are known, and learn from it."""
    pipeline = past.pipeline
    calendar = Calendar(pipeline.timezone, pipeline.measured_every)
    known = past.last_day - timedelta(days=pipeline.target_days)
    last = calendar.last_complete(start_of_day(known + timedelta(days=1), pipeline.timezone)).last_day
    progress(f"reading through {last}")
    rows = past.rows(last - timedelta(days=declared.days - 1), last)
    return learn(past, rows, declared, target, kind, progress)


def learn(
    past: Past,
    read: "pa.Table",
    declared: Regression,
    target: str,
    kind: Amounts,
    progress: Callable[[str], None],
) -> Trained:
    """Learn from rows, of which those without a target are left out; raise SourceRefused where they are too few."""
    pipeline = past.pipeline
    refuse_missing(pipeline, read, (*pipeline.entity_key, target, declared.when, declared.last_value))
    rows = read.filter(read[target].is_valid()).to_pandas()
    days = _days(rows[declared.when], pipeline.timezone)
    features = rows.drop(columns=[target, declared.when])
    numbers, texts = told_apart(pipeline, target, rows, features)
    features[numbers] = features[numbers].astype("float64")
    actual = rows[target].to_numpy(dtype="float64")
    held_out = _held_out(pipeline, days)
    fitted, unseen = _parted(pipeline, days, held_out)
    search = _search(pipeline, kind, days[fitted], held_out)
    score = partial(_score, kind, features[fitted], actual[fitted], numbers, texts)
    chosen = choose(replace(past, searching=True), search, days[fitted], score, progress)
    name = str(chosen.settings[_MODEL])
    progress(f"fitting {name} on {fitted.sum():,} rows")
    model = build(name, kind, numbers, texts).fit(features[fitted], actual[fitted])
    predicted = model.predict(features[unseen])
    metrics = measure(kind, actual[unseen], predicted)
    baseline = measure(kind, actual[unseen], _as_before(kind, features[declared.last_value].to_numpy()[unseen]))
    last_fitted = days[fitted].max().item()
    return Trained(
        model=model,
        sample=features[fitted].head(100),
        trained_through=_last_day(pipeline, last_fitted) + timedelta(days=pipeline.target_days),
        metrics=metrics,
        baseline={PRIMARY[kind]: baseline[PRIMARY[kind]]},
        parameters={
            _MODEL: name,
            **SETTINGS[name],
            "rows": int(fitted.sum()),
            "first_day": days[fitted].min().item(),
            "last_day": last_fitted,
            "held_out_rows": int(unseen.sum()),
        },
        candidates=(
            *(replace(trial, name=str(trial.parameters[_MODEL])) for trial in chosen.trials),
            Candidate(name, metrics),
            Candidate("last value", baseline),
        ),
        unseen=Unseen(features[unseen], actual[unseen], predicted),
    )


def _days(when: "pd.Series", timezone: str) -> "np.ndarray":
    """Return the local day of each row."""
    import pandas as pd

    moments = pd.to_datetime(when)
    if moments.dt.tz is not None:
        moments = moments.dt.tz_convert(timezone).dt.tz_localize(None)
    found: np.ndarray = moments.to_numpy().astype("datetime64[D]")
    return found


def _held_out(pipeline: Pipeline, days: "np.ndarray") -> int:
    """Return how many partitions are held out; refuse rows of too few."""
    import numpy as np

    partitions = len(np.unique(days))
    if partitions < LEAST:
        every = pipeline.measured_every
        raise SourceRefused(
            f"training.sql gives rows of {partitions} {every.word}s with a known target; at least {LEAST} are needed.",
            next_step=f"load more {every.word}s, or look back on fewer of them in the features.",
            pipeline=pipeline.name,
        )
    return max(1, min(_HELD_OUT[pipeline.measured_every.word], partitions // 8))


def _parted(pipeline: Pipeline, days: "np.ndarray", held_out: int) -> "tuple[np.ndarray, np.ndarray]":
    """Part the rows into those to fit, whose targets are known when the first held-out partition ends, and held-out."""
    import numpy as np

    first = np.unique(days)[-held_out]
    fitted = days <= first - np.timedelta64(pipeline.target_days, "D")
    return fitted, days >= first


def _search(pipeline: Pipeline, kind: Amounts, days: "np.ndarray", held_out: int) -> Search:
    """Lay out folds that each measure as many partitions as are held out."""
    span = (days.max() - days.min()).astype(int).item() + 1
    every = pipeline.measured_every
    measured = held_out * (31 if every.word == "month" else every.least_days)
    return Search(
        metric=PRIMARY[kind],
        settings=tuple({_MODEL: name} for name in SETTINGS),
        folds=FOLDS,
        fit_days=max(1, span - FOLDS * measured - pipeline.target_days),
        validation_days=measured,
        target_days=pipeline.target_days,
    )


def _score(
    kind: Amounts,
    features: "pd.DataFrame",
    actual: "np.ndarray",
    numbers: list[str],
    texts: list[str],
    settings: Settings,
    fitted: "np.ndarray",
    measured: "np.ndarray",
) -> float:
    """Return the metric that decides, on some rows, of a model that was fitted on others."""
    model = build(str(settings[_MODEL]), kind, numbers, texts).fit(features.iloc[fitted], actual[fitted])
    return measure(kind, actual[measured], model.predict(features.iloc[measured]))[PRIMARY[kind]]


def _as_before(kind: Amounts, last: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return last if kind == "amounts" else np.maximum(last, _HALF)


def _last_day(pipeline: Pipeline, first: date) -> date:
    calendar = Calendar(pipeline.timezone, pipeline.measured_every)
    return calendar.at(start_of_day(first, pipeline.timezone)).last_day
