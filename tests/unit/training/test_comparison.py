"""Held-out days: read ahead, two at a time, and yet in their order."""

import threading
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from daybreak.batch.signature import Signature
from daybreak.declaration.partition import Partition
from daybreak.declaration.pipeline import Pipeline
from daybreak.models.version import ModelVersion
from daybreak.training.comparison import Compared, compare_rows, read_ahead
from fixture_pipelines.parcel_kinds import SPEED, SPREAD
from local_days import days, local_day
from waiting import LONG

FIRST = date(2024, 3, 8)


def partitions(more: int) -> list[Partition]:
    return [local_day(day, "UTC") for day in days(FIRST, FIRST + timedelta(days=more))]


def test_days_come_in_their_order_whichever_is_read_first() -> None:
    on, second_is_read = partitions(4), threading.Event()

    def read(day: Partition) -> Any:
        if day == on[0]:
            assert second_is_read.wait(LONG), "the second day waits for the first"
        elif day == on[1]:
            second_is_read.set()
        return day

    assert list(read_ahead(read, on)) == on


def test_no_more_than_two_days_are_held_beside_the_one_that_is_scored() -> None:
    on, begun = partitions(9), []

    def read(day: Partition) -> Any:
        begun.append(day)
        return day

    for scored, _ in enumerate(read_ahead(read, on), 1):
        assert len(begun) <= scored + 2


def test_a_day_that_cannot_be_read_ends_the_comparison() -> None:
    def read(day: Partition) -> Any:
        if day.first_day > FIRST:
            raise ValueError(day.key)
        return day

    found = read_ahead(read, partitions(3))
    assert next(found).first_day == FIRST
    with pytest.raises(ValueError, match="2024-03-09"):
        next(found)


def test_no_day_is_nothing_to_read() -> None:
    assert list(read_ahead(lambda day: pytest.fail("read"), [])) == []


class Fixed:
    """Gives the same answer for every row."""

    def __init__(self, answer: list[float], classes: list[str] | None = None) -> None:
        self.answer = np.array(answer)
        self.classes_ = np.array(classes)

    def predict_proba(self, frame: Any) -> np.ndarray:
        return np.tile(self.answer, (len(frame), 1))

    predict = predict_proba


def compared(pipeline: Pipeline, rows: dict[str, list[Any]], challenger: Any, champion: Any) -> Compared:
    found = Compared()
    versions = [replace(VERSION, version=number) for number in (2, 1)]
    models = list(zip(versions, (challenger, champion), strict=True))
    compare_rows(found, 0, pa.RecordBatch.from_pydict(KEYS | rows), pipeline, models)
    return found


VERSION = ModelVersion("m", 1, "", "", FIRST, {}, Signature((("x", "double"),)), {})
KEYS: dict[str, list[Any]] = {"depot": list("abcd"), "parcel_id": [1, 2, 3, 4], "x": [1.0] * 4}


def test_all_classes_are_compared_by_the_probability_of_what_came_true() -> None:
    found = compared(
        SPEED,
        {"speed_class": ["slow", "usual", "lost", None]},
        Fixed([0.5, 0.25, 0.25], ["slow", "usual", "very fast"]),
        Fixed([0.125, 0.75, 0.125], ["very fast", "slow", "usual"]),
    )
    [challenger], [champion] = found.challenger, found.champion
    assert np.exp(-challenger[:2]).tolist() == pytest.approx([0.5, 0.25])
    assert np.exp(-champion[:2]).tolist() == pytest.approx([0.75, 0.125])
    # A class that neither knows costs both as much; a row whose class is not known says nothing.
    assert challenger[2:] == champion[2:] == pytest.approx(20.7, abs=0.1)
    assert (found.rows, found.failed) == (4, 0)


def test_quantiles_are_compared_by_their_main_value_and_rows_outside_of_the_contract_are_counted() -> None:
    quantiles = replace(SPREAD, prediction=replace(SPREAD.prediction, method="predict"))
    rows = {"hours_taken": [10.0, 20.0, 30.0, 40.0]}
    found = compared(quantiles, rows, Fixed([30.0, 20.0, 10.0]), Fixed([1.0, 2.0, 3.0]))
    [challenger], [champion] = found.challenger, found.champion
    assert challenger.tolist() == [100.0, 0.0, 100.0, 400.0]
    assert champion.tolist() == [64.0, 324.0, 784.0, 1444.0]
    found = compared(quantiles, rows, Fixed([1.0, 2.0, 3000.0]), Fixed([1.0, 2.0, 3.0]))
    assert (found.failed, found.challenger) == (4, [])
