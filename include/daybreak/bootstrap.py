"""Paired bootstrap: how sure it is that one of two models is better, from their losses on the same rows."""

from dataclasses import dataclass

import numpy as np

DRAWS, LEVEL, SEED = 10_000, 0.95, 20_170_101
# What days are drawn from: with fewer, an interval says little.
LEAST_DAYS = 7


@dataclass(frozen=True)
class Interval:
    """Mean difference of two models' losses, and the interval that holds it; negative is in favour of the second."""

    mean: float
    low: float
    high: float
    days: int
    rows: int


def paired_interval(differences: np.ndarray, days: np.ndarray, weights: np.ndarray | None = None) -> Interval:
    """Draw whole days with replacement, since the rows of a day rise and fall together; the seed is fixed.

    ``days`` is the day of each difference. ``weights`` says how many rows a difference is the mean of.
    """
    weights = np.ones(len(differences)) if weights is None else weights
    _, codes = np.unique(days, return_inverse=True)
    sums = np.bincount(codes, weights=differences * weights)
    rows = np.bincount(codes, weights=weights)
    drawn = np.random.default_rng(SEED).multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=DRAWS)
    means = (drawn @ sums) / (drawn @ rows)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(sums.sum() / rows.sum()), float(low), float(high), len(rows), int(rows.sum()))
