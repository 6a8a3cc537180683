"""A stage in a thread of its own hands over the same items in the same order, and ends with whoever takes them."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybreak.batch.overlap import ahead
from daybreak.errors import SourceRefused
from waiting import LONG


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@given(st.lists(st.integers()), st.integers(1, 4), st.integers(1, 3))
def test_items_come_in_order_through_any_number_of_threads(items: list[int], depth: int, stages: int) -> None:
    with ExitStack() as opened:
        stream: Iterator[int] = iter(items)
        for _ in range(stages):
            stream = opened.enter_context(ahead(stream, depth))
        assert list(stream) == items


def test_the_next_item_is_made_while_this_one_is_used() -> None:
    made = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        made.set()
        yield 2

    with ahead(items()) as stream:
        assert next(stream) == 1
        assert made.wait(LONG)
        assert list(stream) == [2]


def test_no_more_than_the_depth_is_made_ahead() -> None:
    made: list[int] = []
    with ahead((made.append(n) or n for n in itertools.count()), depth=2) as stream:  # type: ignore[func-returns-value]
        assert next(stream) == 0
        time.sleep(0.1)
        assert len(made) <= 4  # one taken, two waiting, one in the thread's hands


def test_an_error_comes_after_the_items_before_it_and_is_the_same_object() -> None:
    error = SourceRefused("short", next_step="look", pipeline="orders")

    def items() -> Iterator[int]:
        yield 1
        raise error

    with ahead(items()) as first, ahead(first) as stream:
        assert next(stream) == 1
        with pytest.raises(SourceRefused) as raised:
            next(stream)
    assert raised.value is error


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, MemoryError])
def test_what_is_no_ordinary_error_crosses_too(kind: type[BaseException]) -> None:
    def items() -> Iterator[int]:
        raise kind
        yield

    with pytest.raises(kind), ahead(items()) as stream:
        next(stream)


def test_the_end_of_the_context_ends_the_producer_and_lets_it_clean_up() -> None:
    ended = []

    def items() -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            ended.append(threading.current_thread().name)

    with ahead(items(), depth=3) as stream:
        next(stream)
    assert ended == ["daybreak-ahead"]


def test_an_error_of_the_taker_or_of_a_stage_ends_every_stage_before_it_while_it_is_kept() -> None:
    ended = []

    def items(name: str, source: Iterator[int], fails_at: int) -> Iterator[int]:
        try:
            for item in source:
                if item == fails_at:
                    raise SourceRefused(name, next_step="look")
                yield item
        finally:
            ended.append(name)

    def take(failing: str) -> None:
        at = {"read": -1, "score": -1, "take": -1} | {failing: 3}
        with (
            ahead(items("read", itertools.count(), at["read"])) as read,
            ahead(items("score", read, at["score"])) as scored,
        ):
            for _ in items("take", scored, at["take"]):
                pass

    kept = []
    for failing in ("read", "score", "take"):
        with pytest.raises(SourceRefused) as raised:
            take(failing)
        kept.append(raised)
        assert sorted(ended) == ["read", "score", "take"]
        ended.clear()


def test_a_stream_that_is_never_taken_from_starts_nothing() -> None:
    with ahead(iter([1])):
        assert threading.active_count() == len(threading.enumerate())
