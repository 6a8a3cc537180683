"""Over time: what a declared training does that learns from earlier partitions and is measured on later ones."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

from daybreak.declaration.cadence import DAILY, Cadence
from daybreak.declaration.partition import Calendar, start_of_day
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import SourceRefused
from daybreak.models.candidates import Candidate
from daybreak.training.family import Family
from daybreak.training.features import refuse_missing, told_apart
from daybreak.training.past import Past
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
# Fewer partitions with a known target say nothing of the partitions to come.
LEAST = 16


@dataclass(frozen=True)
class Dated:
    """Which columns of training.sql are which, and how many of the newest days are read.

    Without a ``last_value`` the rows do not follow each other: the entity key tells them apart, and nothing else.
    """

    when: str
    last_value: str | None
    target: str
    days: int


def learn_over_time(past: Past, dated: Dated, family: Family, progress: Callable[[str], None]) -> Trained:
    """Read training.sql as far as targets are known, and learn from it."""
    pipeline = past.pipeline
    calendar = Calendar(pipeline.timezone, pipeline.measured_every)
    known = past.last_day - timedelta(days=pipeline.target_days)
    last = calendar.last_complete(start_of_day(known + timedelta(days=1), pipeline.timezone)).last_day
    progress(f"reading through {last}")
    rows = past.rows(last - timedelta(days=dated.days - 1), last)
    return learn(past, rows, dated, family, progress)


def learn(past: Past, read: "pa.Table", dated: Dated, family: Family, progress: Callable[[str], None]) -> Trained:
    """Learn from rows, of which those without a target are left out; raise SourceRefused where they are too few."""
    pipeline = past.pipeline
    last_value = (dated.last_value,) if dated.last_value else ()
    refuse_missing(pipeline, read, (*pipeline.entity_key, dated.target, dated.when, *last_value))
    known = read.filter(read[dated.target].is_valid())
    rows = known.to_pandas()
    features = rows.drop(columns=[dated.target, dated.when, *(() if last_value else pipeline.entity_key)])
    features, numbers, texts = told_apart(pipeline, dated.target, rows, features)
    actual, days = family.outcomes(known[dated.target]), _days(rows[dated.when], pipeline.timezone)
    held_out = _held_out(pipeline, days)
    fitted, unseen = _parted(pipeline, days, held_out)
    family.refuse(actual[fitted], actual[unseen])
    search = _search(pipeline, family, days[fitted], held_out)
    score = partial(_score, family, features[fitted], actual[fitted], numbers, texts)
    chosen = choose(replace(past, searching=True), search, days[fitted], score, progress)
    name = str(chosen.settings[_MODEL])
    progress(f"fitting {name} on {fitted.sum():,} rows")
    model = family.fit(name, features[fitted], actual[fitted], numbers, texts)
    predicted = family.predict(model, features[unseen])
    if dated.last_value:
        last = features[dated.last_value].to_numpy()
        guessed = family.by_last(last[fitted], actual[fitted], last[unseen])
    else:
        guessed = family.uninformed(actual[fitted], int(unseen.sum()))
    baseline = family.measure(actual[unseen], guessed)
    metrics, last_fitted = family.measure(actual[unseen], predicted), days[fitted].max().item()
    return Trained(
        model=model,
        sample=features[fitted].head(100),
        trained_through=_last_day(pipeline, last_fitted) + timedelta(days=pipeline.target_days),
        metrics=metrics,
        baseline={family.metric: baseline[family.metric]},
        parameters={
            _MODEL: name,
            **family.settings[name],
            "rows": int(fitted.sum()),
            "first_day": days[fitted].min().item(),
            "last_day": last_fitted,
            "held_out_rows": int(unseen.sum()),
        },
        candidates=(
            *(replace(trial, name=str(trial.parameters[_MODEL])) for trial in chosen.trials),
            Candidate(name, metrics, chosen=True),
            Candidate("last value" if dated.last_value else family.uninformed_name, baseline),
        ),
        unseen=Unseen(features[unseen], actual[unseen], predicted.reshape(len(predicted), -1)[:, 0]),
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
    return held_out_of(pipeline.measured_every, partitions)


def held_out_of(every: Cadence, partitions: int) -> int:
    """Return how many of so many partitions are held out; of hours they are days."""
    word = DAILY.word if every.word not in _HELD_OUT else every.word
    return max(1, min(_HELD_OUT[word], partitions // 8))


def _parted(pipeline: Pipeline, days: "np.ndarray", held_out: int) -> "tuple[np.ndarray, np.ndarray]":
    """Part the rows into those to fit, whose targets are known when the first held-out partition ends, and held-out."""
    import numpy as np

    first = np.unique(days)[-held_out]
    fitted = days <= first - np.timedelta64(pipeline.target_days, "D")
    return fitted, days >= first


def _search(pipeline: Pipeline, family: Family, days: "np.ndarray", held_out: int) -> Search:
    """Lay out folds that each measure as many partitions as are held out."""
    span = (days.max() - days.min()).astype(int).item() + 1
    every = pipeline.measured_every
    measured = held_out * (31 if every.word == "month" else every.least_days)
    return Search(
        metric=family.metric,
        settings=tuple({_MODEL: name} for name in family.settings),
        folds=FOLDS,
        fit_days=max(1, span - FOLDS * measured - pipeline.target_days),
        validation_days=measured,
        target_days=pipeline.target_days,
    )


def _score(
    family: Family,
    features: "pd.DataFrame",
    actual: "np.ndarray",
    numbers: list[str],
    texts: list[str],
    settings: Settings,
    fitted: "np.ndarray",
    measured: "np.ndarray",
) -> float:
    """Return the metric that decides, on some rows, of a model that was fitted on others."""
    model = family.fit(str(settings[_MODEL]), features.iloc[fitted], actual[fitted], numbers, texts)
    return family.loss(actual[measured], family.predict(model, features.iloc[measured]))


def _last_day(pipeline: Pipeline, first: date) -> date:
    calendar = Calendar(pipeline.timezone, pipeline.measured_every)
    return calendar.at(start_of_day(first, pipeline.timezone)).last_day
