"""The paired bootstrap: sure where it may be, unsure where days differ, the same each time."""

import numpy as np

from daybreak.bootstrap import paired_interval


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
