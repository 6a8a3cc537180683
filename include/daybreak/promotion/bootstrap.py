"""Paired bootstrap: how sure it is that one of two models is better, from their losses on the same rows."""

import math
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


def least_days(horizon: int) -> int:
    """Return how many days are needed where targets are known after ``horizon`` days: two that do not overlap."""
    return max(LEAST_DAYS, 2 * horizon)


def paired_interval(
    differences: np.ndarray, days: np.ndarray, weights: np.ndarray | None = None, *, horizon: int = 1
) -> Interval:
    """Draw whole days with replacement, since the rows of a day rise and fall together; the seed is fixed.

    ``days`` is the day of each difference. ``weights`` says how many rows a difference is the mean of. Targets of
    ``horizon`` days overlap from one day to the next, so that neighbours are alike: blocks of as many successive days
    are drawn, the first day following the last. Few blocks vary less among themselves than their means do; the interval
    is widened by what Student's distribution asks for of that many.

    Source of formula: circular block bootstrap, Politis and Romano, "A circular block-resampling procedure for
    stationary data" (1992); expanded percentile interval, Hesterberg, "What Teachers Should Know About the Bootstrap"
    (The American Statistician, 2015), with the number of blocks for the number of observations.
    """
    weights = np.ones(len(differences)) if weights is None else weights
    _, codes = np.unique(days, return_inverse=True)
    sums = np.bincount(codes, weights=differences * weights)
    rows = np.bincount(codes, weights=weights)
    mean, low, high = float(sums.sum() / rows.sum()), -math.inf, math.inf
    if len(rows) > horizon:  # one block says nothing of how they vary
        drawn = _blocks(len(rows), horizon)
        ends = np.quantile(sums[drawn].sum(axis=1) / rows[drawn].sum(axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        low, high = (mean + float(end - mean) * _expansion(len(rows) / horizon) for end in ends)
    return Interval(mean, low, high, len(rows), int(rows.sum()))


def _blocks(days: int, length: int) -> np.ndarray:
    """Draw the positions of as many days as there are, block by block."""
    starts = np.random.default_rng(SEED).integers(0, days, size=(DRAWS, math.ceil(days / length)), dtype=np.int32)
    drawn = (starts[:, :, None] + np.arange(length, dtype=np.int32)) % days
    return drawn.reshape(DRAWS, -1)[:, :days]


def _expansion(blocks: float) -> float:
    from scipy.special import ndtri, stdtrit

    tail = (1 + LEVEL) / 2
    return math.sqrt(blocks / (blocks - 1)) * float(stdtrit(blocks - 1, tail) / ndtri(tail))
