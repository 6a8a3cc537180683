"""Search: a handful of declared settings, compared on folds by time; every trial is kept, the best is fitted."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from daybreak.errors import ConfigurationError, ModelRefused, SourceRefused
from daybreak.models.candidates import Candidate

if TYPE_CHECKING:
    import numpy as np

    from daybreak.training.past import Past

Settings = Mapping[str, Any]
# Fit with the settings on the first rows, predict the second ones, and return the metric.
Score = Callable[[Settings, "np.ndarray", "np.ndarray"], float]


@dataclass(frozen=True, kw_only=True)
class Search:
    """Settings to compare, the first of them being those that are used before anything was searched, and how.

    A fold is fitted on ``fit_days`` and measured on the ``validation_days`` after them. The last fold ends with the
    last day, each earlier one ``validation_days`` before the next. A row's target lies ``target_days`` after its day:
    what is measured begins on a later day than those fitted, and not before the last fitted target is known.
    """

    metric: str
    settings: tuple[Settings, ...]
    greater_is_better: bool = False
    folds: int = 3
    fit_days: int = 28
    validation_days: int = 7
    target_days: int = 1

    def folds_of(self, first: date, last: date) -> "list[Fold]":
        """Lay the folds out in the days from first to last, the earliest first."""
        found = []
        for back in reversed(range(self.folds)):
            ends = last - timedelta(days=back * self.validation_days)
            begins = ends - timedelta(days=self.validation_days - 1)
            fitted = begins - timedelta(days=max(1, self.target_days))
            found.append(Fold(fitted - timedelta(days=self.fit_days - 1), fitted, begins, ends))
        if found[0].fitted_from < first:
            raise ConfigurationError(
                f"The search's folds begin on {found[0].fitted_from}, the rows on {first}.",
                next_step="train on a longer window, or declare fewer or shorter folds.",
            )
        return found


@dataclass(frozen=True)
class Fold:
    """Days that are fitted and days that are measured, all included."""

    fitted_from: date
    fitted_to: date
    measured_from: date
    measured_to: date


@dataclass(frozen=True)
class Chosen:
    """The settings to fit with, and the trials that they were chosen from, if a search was made."""

    settings: Settings
    trials: tuple[Candidate, ...] = ()

    @property
    def searched(self) -> Settings | None:
        """The settings, where a search chose them."""
        return self.settings if self.trials else None


def choose(
    past: "Past", search: Search, days: "np.ndarray", score: Score, progress: Callable[[str], None] = lambda step: None
) -> Chosen:
    """Choose the settings to fit with; ``days`` holds each row's day, and ``score`` is called for each trial and fold.

    When the training is to search, all are compared. Otherwise the settings are those of the last search that has seen
    nothing of what this training holds out, if they are still declared, or the first ones.
    """
    import numpy as np

    days = np.asarray(days, dtype="datetime64[D]")
    if not len(days):
        raise SourceRefused("There is no row to compare settings on.", next_step="load rows, then train again.")
    first, last = days.min().item(), days.max().item()
    if past.searching:
        return _compared(past, search, days, search.folds_of(first, last), score, progress)
    found = past.last_searched(last + timedelta(days=search.target_days))
    declared = [settings for settings in search.settings if found and _text(settings) == _text(found)]
    return Chosen(declared[0] if declared else search.settings[0])


def _compared(
    past: "Past",
    search: Search,
    days: "np.ndarray",
    folds: list[Fold],
    score: Score,
    progress: Callable[[str], None],
) -> Chosen:
    import joblib
    import numpy as np

    parts = [
        (
            np.flatnonzero((days >= np.datetime64(fold.fitted_from)) & (days <= np.datetime64(fold.fitted_to))),
            np.flatnonzero((days >= np.datetime64(fold.measured_from)) & (days <= np.datetime64(fold.measured_to))),
        )
        for fold in folds
    ]
    progress(f"comparing {len(search.settings)} settings on {len(folds)} folds, {folds[0].fitted_from} to {days.max()}")
    # Threads share the rows; fitting leaves the interpreter's lock while it computes.
    results = joblib.Parallel(n_jobs=joblib.cpu_count(), prefer="threads")(
        joblib.delayed(_scored)(score, settings, *part) for settings in search.settings for part in parts
    )
    by_settings = [results[at : at + len(parts)] for at in range(0, len(results), len(parts))]
    sign = -1 if search.greater_is_better else 1
    means = [None if _failure(found) else float(np.mean(found)) for found in by_settings]
    measured = [position for position, mean in enumerate(means) if mean is not None]
    if not measured:
        raise ModelRefused(
            f"None of the {len(means)} settings can be fitted ({_failure(by_settings[0])}).",
            next_step="look at the rows and at the declared settings.",
            pipeline=past.pipeline.name,
        )
    best = min(measured, key=lambda position: sign * (means[position] or 0.0))
    trials = tuple(
        Candidate(
            _name(settings),
            _metrics(search.metric, means[position], by_settings[position]),
            settings,
            chosen=position == best,
            failure=_failure(by_settings[position]),
            measured_on="folds by time",
        )
        for position, settings in enumerate(search.settings)
    )
    return Chosen(search.settings[best], trials)


def _scored(score: Score, settings: Settings, fitted: "np.ndarray", measured: "np.ndarray") -> float | str:
    """Return a trial's metric on one fold, or what went wrong."""
    import math

    from threadpoolctl import threadpool_limits

    if not len(fitted) or not len(measured):
        return "a fold has no rows"
    try:
        # Each trial has one core: what OpenMP may use counts for the thread that says so.
        with threadpool_limits(1, user_api="openmp"):
            found = float(score(settings, fitted, measured))
    except Exception as error:  # a setting that a library refuses is a trial that failed
        return type(error).__name__
    return found if math.isfinite(found) else "the metric is no number"


def _failure(found: list[float | str]) -> str | None:
    return next((result for result in found if isinstance(result, str)), None)


def _metrics(metric: str, mean: float | None, found: list[float | str]) -> dict[str, float]:
    by_fold = {f"{metric}_fold_{n}": value for n, value in enumerate(found, 1) if not isinstance(value, str)}
    return by_fold if mean is None else {metric: mean, **by_fold}


def _name(settings: Settings) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _text(settings: Settings) -> str:
    return json.dumps(settings, sort_keys=True, default=str)
