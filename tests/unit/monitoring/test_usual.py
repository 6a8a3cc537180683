"""Usual: bands learned from runs before, on made series: what is healthy is within, what is not is without."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from daybreak.declaration.cadence import Hour, Month, Week
from daybreak.declaration.partition import Calendar
from daybreak.monitoring.usual import ENOUGH_OF_ANY, Measured, band_of, before, measured
from fixture_pipelines import PARCEL_HOURS

FIRST, HEALTHY, LEARNED = date(2025, 1, 6), 30, 90
Rows = Callable[[date, np.random.Generator], float]


def steady(day: date, chance: np.random.Generator) -> float:
    return float(chance.normal(10_000, 800))


def weekly(day: date, chance: np.random.Generator) -> float:
    # Sundays have a fifth of the other days.
    return float((2_000 if day.weekday() == 6 else 10_000) * chance.lognormal(0, 0.1))


def growing(day: date, chance: np.random.Generator) -> float:
    return float(10_000 * 1.003 ** (day - FIRST).days * chance.lognormal(0, 0.05))


def constant(day: date, chance: np.random.Generator) -> float:
    return 400


def few(day: date, chance: np.random.Generator) -> float:
    return float(chance.poisson(5) + 1)


def run(day: date, rows: float, chance: np.random.Generator, **changes: Any) -> dict[str, Any]:
    extracted = max(round(rows), 1)
    nulls = {
        name: int(chance.binomial(extracted, p)) for name, p in (("never", 0), ("sometimes", 0.03), ("mostly", 0.9))
    }
    aside = int(chance.binomial(extracted, 0.004))
    seconds = {"all": float(chance.lognormal(2, 0.4))}
    return {"rows_extracted": extracted, "rows_quarantined": aside, "seconds": seconds, "nulls": nulls, **changes}


def compared(runs: dict[str, dict[str, Any]], day: date, found: dict[str, Any]) -> list[Measured]:
    partition = PARCEL_HOURS.calendar.partition(str(day))
    same, others = before(PARCEL_HOURS, partition)
    return list(measured(found, *([runs[key] for key in keys if key in runs] for keys in (same, others))))


@pytest.mark.parametrize("rows", [steady, weekly, growing, constant, few])
@pytest.mark.parametrize("known", [0, LEARNED])
def test_in_thirty_healthy_days_nothing_is_unusual(rows: Rows, known: int) -> None:
    for seed in range(20):
        chance, runs = np.random.default_rng(seed), {}
        for n in range(known + HEALTHY):
            day = FIRST + timedelta(days=n)
            found = run(day, rows(day, chance), chance)
            if n >= known:
                assert [one for one in compared(runs, day, found) if one.unusual] == [], (seed, day)
            runs[str(day)] = found


@pytest.mark.parametrize("rows", [steady, weekly, growing, constant])
@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda one: {"rows_extracted": one["rows_extracted"] // 2}, ("rows", None)),
        (lambda one: {"rows_extracted": one["rows_extracted"] * 2}, ("rows", None)),
        (lambda one: {"nulls": {"sometimes": one["rows_extracted"] // 2}}, ("nulls", "sometimes")),
        (lambda one: {"nulls": {"mostly": 0}}, ("nulls", "mostly")),
        (lambda one: {"rows_quarantined": one["rows_extracted"] // 10}, ("quarantined", None)),
        (lambda one: {"seconds": {"plan": 1.0, "all": 900.0}}, ("seconds", None)),
    ],
)
def test_what_is_far_from_usual_is_unusual_and_nothing_else_is(
    rows: Rows, change: Callable[[dict[str, Any]], dict[str, Any]], what: tuple[str, str | None]
) -> None:
    chance = np.random.default_rng(7)
    days = [FIRST + timedelta(days=n) for n in range(LEARNED)]
    runs = {str(day): run(day, rows(day, chance), chance) for day in days}
    day = FIRST + timedelta(days=LEARNED)
    found = run(day, rows(day, chance), chance)
    # What was counted of fewer rows is as small a share of them.
    changed = {**found, **change(found)}
    if "rows_extracted" in change(found):
        changed |= {"nulls": {}, "rows_quarantined": 0}
    assert [(one.what, one.column) for one in compared(runs, day, changed) if one.unusual] == [what]


def test_one_day_that_went_wrong_is_not_what_is_usual_afterwards() -> None:
    values = [100.0, 101, 99, 100, 5_000, 100, 102, 98]
    band = band_of(values, [], lambda middle: 1)
    assert band is not None
    assert (band.median, band.holds(5_000), band.holds(103)) == (100, False, True)


def test_of_too_few_nothing_is_usual_and_of_two_weeks_all_that_was_seen_is() -> None:
    assert band_of([1.0] * 5, [1.0] * (ENOUGH_OF_ANY - 1), lambda middle: 0) is None
    band = band_of([], [float(n) for n in range(ENOUGH_OF_ANY)], lambda middle: 1)
    assert band is not None
    assert (band.low, band.high) == (-1, ENOUGH_OF_ANY)


def test_partitions_of_the_same_weekday_and_hour_are_compared_also_across_a_change_of_clocks() -> None:
    hourly = replace(PARCEL_HOURS, every=Hour())
    assert hourly.calendar == Calendar("America/New_York", Hour())
    same, others = before(hourly, hourly.calendar.partition("2024-03-11T09"))
    assert same[:2] == ["2024-03-04T09", "2024-02-26T09"]
    assert others[:2] == ["2024-03-10T09", "2024-03-09T09"]
    same, others = before(PARCEL_HOURS, PARCEL_HOURS.calendar.partition("2024-03-11"))
    assert (same[0], others[:2], len(same), len(others)) == ("2024-03-04", ["2024-03-10", "2024-03-09"], 8, 28)


@pytest.mark.parametrize(
    ("every", "key", "last"), [(Week(), "2024-03-04", "2024-02-26"), (Month(), "2024-03", "2024-02")]
)
def test_weeks_and_months_are_compared_with_those_just_before(every: Any, key: str, last: str) -> None:
    longer = replace(PARCEL_HOURS, every=every)
    same, others = before(longer, longer.calendar.partition(key))
    assert (same[0], len(same), others) == (last, 8, [])
