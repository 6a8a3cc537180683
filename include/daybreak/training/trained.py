"""Trained: a fitted model, what was measured of it, and the held-out rows that it was measured on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from daybreak.models.candidates import Candidate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Unseen:
    """Held-out rows: what the model takes of them, what really happened, and what the model made of them.

    ``actual`` is None where nothing says what would have been right. ``predicted`` are main values: with labels or
    classes their positions, and ``actual`` too. ``kept`` marks the rows that would be published, where a pipeline
    publishes only the best.
    """

    inputs: "pd.DataFrame"
    actual: "np.ndarray | None"
    predicted: "np.ndarray"
    kept: "np.ndarray | None" = None


@dataclass(frozen=True)
class Trained:
    """A fitted model and what was measured of it.

    ``trained_through`` is the last day that the fit has seen anything of, targets included. ``metrics`` are those on
    held-out days; ``baseline`` holds the same ones for what the model has to beat. Lower is better but for those that
    ``greater_is_better`` names. ``score_profile`` is the spread of the scores on those days, as bins and weights, for
    pipelines that check it before they push. ``candidates`` are the models that it was chosen from, where there were
    several; ``searched`` are the settings, where a search chose them. ``unseen`` are the held-out rows themselves, for
    what is kept of them: how they are spread, what matters. Where they were held out by a hash of their entity key,
    ``by_key``, no version is fitted on them. ``pictures`` are further ones, by their file's name.
    """

    model: Any
    sample: "pd.DataFrame"
    trained_through: date
    metrics: dict[str, float]
    baseline: dict[str, float]
    parameters: dict[str, Any] = field(default_factory=dict)
    score_profile: dict[str, list[float]] | None = None
    greater_is_better: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    unseen: Unseen | None = None
    searched: Mapping[str, Any] | None = None
    by_key: bool = False
    pictures: Mapping[str, bytes] = field(default_factory=dict)

    def beats_baseline(self, metric: str) -> bool:
        """Tell whether the model is better than its baseline in a metric; equal is not, and neither is no number."""
        model, baseline = self.metrics[metric], self.baseline[metric]
        return model > baseline if metric in self.greater_is_better else model < baseline
