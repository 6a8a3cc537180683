"""Held-out days: read ahead, two at a time, and yet in their order."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest

from daybreak.declaration.partition import Partition
from daybreak.training.comparison import read_ahead
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
