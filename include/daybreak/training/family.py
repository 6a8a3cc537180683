"""Families: models of one kind that a declared training compares, and what they have to beat."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


def _all(actual: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return np.ones(len(actual), dtype=bool)


@dataclass(frozen=True)
class Family:
    """Models of one kind: what is compared, by which metric, and what they have to beat.

    ``build`` takes the name of a setting, the features that are numbers and those that are texts. ``outcomes`` turns
    the target into numbers, ``learnable`` tells which of them a model is fitted on, and ``labels`` as what.
    ``predict`` gives one number for each row, or main values and further ones; ``loss`` is the metric that decides of
    them, and ``measure`` all that is shown. ``by_last`` predicts from the last values alone, given those of the fitted
    rows with what came of them; ``uninformed``, which is called ``uninformed_name``, predicts the same for so many
    rows, given what came of the fitted ones. ``beaten`` are the metrics in which a model has to be better.
    ``refuse`` refuses outcomes of fitted and held-out rows that say nothing; ``rarest`` counts those that say least.
    """

    metric: str
    settings: Mapping[str, Mapping[str, Any]]
    build: Callable[[str, list[str], list[str]], Any]
    predict: "Callable[[Any, pd.DataFrame], np.ndarray]"
    measure: "Callable[[np.ndarray, np.ndarray], dict[str, float]]"
    loss: "Callable[[np.ndarray, np.ndarray], float]"
    outcomes: "Callable[[pa.ChunkedArray], np.ndarray]"
    by_last: "Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]"
    uninformed: "Callable[[np.ndarray, int], np.ndarray]"
    uninformed_name: str
    beaten: tuple[str, ...]
    refuse: "Callable[[np.ndarray, np.ndarray], None]"
    rarest: "Callable[[np.ndarray], int]" = len
    learnable: "Callable[[np.ndarray], np.ndarray]" = _all
    labels: "Callable[[np.ndarray], np.ndarray]" = lambda actual: actual

    def fit(
        self, name: str, features: "pd.DataFrame", actual: "np.ndarray", numbers: list[str], texts: list[str]
    ) -> Any:
        """Fit a candidate on the rows that a model can learn from."""
        known = self.learnable(actual)
        return self.build(name, numbers, texts).fit(features[known], self.labels(actual[known]))
