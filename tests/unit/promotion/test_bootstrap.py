"""The paired bootstrap: sure where it may be, unsure where days differ, the same each time."""

import math

import numpy as np
import pytest

from daybreak.promotion.bootstrap import least_days, paired_interval


def draw(days: int, rows: int, mean: float, of_days: float, of_rows: float) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    day = np.repeat(np.arange(days), rows)
    return mean + np.repeat(random.normal(0, of_days, days), rows) + random.normal(0, of_rows, days * rows), day


def test_a_difference_of_every_day_is_seen() -> None:
    found = paired_interval(*draw(14, 500, -0.1, 0.02, 1.0))
    assert found.low < found.mean < found.high < 0
    assert (found.days, found.rows) == (14, 7_000)


def test_many_rows_do_not_make_up_for_days_that_differ() -> None:
    difference, day = draw(14, 5_000, -0.02, 0.3, 0.1)
    found = paired_interval(difference, day)
    by_rows = difference.std() / np.sqrt(len(difference))
    assert found.low < 0 < found.high
    assert found.high - found.low > 10 * by_rows


def test_the_same_differences_give_the_same_interval() -> None:
    drawn = draw(10, 50, 0.0, 0.1, 0.1)
    assert paired_interval(*drawn) == paired_interval(*drawn)


def test_means_by_day_with_their_rows_give_what_the_rows_give() -> None:
    difference, day = draw(9, 40, 0.1, 0.1, 0.1)
    means = difference.reshape(9, 40).mean(axis=1)
    one, other = paired_interval(difference, day), paired_interval(means, np.arange(9), np.full(9, 40.0))
    assert np.allclose([one.mean, one.low, one.high], [other.mean, other.low, other.high])
    assert (one.days, one.rows) == (other.days, other.rows)


def covered(days: int, target_days: int, horizon: int, samples: int = 250) -> float:
    """Return in how many of the samples the interval holds the true mean difference, which is 0.

    Each day's difference is the mean of what happens on the days that its target spans, as with targets that overlap:
    days that are k apart have a correlation of 1 - k / target_days.
    """
    random = np.random.default_rng(7)
    spans = np.ones(target_days) / target_days
    found = 0
    for _ in range(samples):
        difference = np.convolve(random.normal(size=days + target_days - 1), spans, "valid")
        interval = paired_interval(difference, np.arange(days), horizon=horizon)
        found += interval.low < 0 < interval.high
    return found / samples


@pytest.mark.parametrize("days", [21, 28])
def test_of_overlapping_targets_blocks_are_drawn_since_single_days_are_far_too_sure(days: int) -> None:
    assert covered(days, target_days=7, horizon=1) < 0.6
    assert 0.88 < covered(days, target_days=7, horizon=7) < 0.98


@pytest.mark.parametrize("days", [7, 28])
def test_targets_of_a_day_are_drawn_day_by_day_and_the_interval_holds_as_often_as_it_says(days: int) -> None:
    assert 0.92 < covered(days, target_days=1, horizon=1) < 0.98


def test_a_single_block_is_sure_of_nothing() -> None:
    for days, horizon in ((1, 1), (7, 7), (5, 7)):
        found = paired_interval(*draw(days, 50, -9.0, 0.1, 0.1), horizon=horizon)
        assert (found.low, found.high) == (-math.inf, math.inf)
    assert [least_days(horizon) for horizon in (1, 3, 7)] == [7, 7, 14]


def test_the_order_of_the_rows_does_not_matter_that_of_the_days_does() -> None:
    difference, day = draw(21, 30, 0.0, 0.1, 0.1)
    mixed = np.random.default_rng(2).permutation(len(day))
    one = paired_interval(difference, day, horizon=7)
    other = paired_interval(difference[mixed], day[mixed], horizon=7)
    assert np.allclose([one.low, one.high], [other.low, other.high])
    assert not np.isclose(one.low, paired_interval(difference, 20 - day * 8 % 21, horizon=7).low)
