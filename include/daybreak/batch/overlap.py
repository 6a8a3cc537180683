"""Overlap: run a stage of a stream in a thread of its own, a few items ahead of whoever takes them.

Reading, judging, scoring and writing spend much of their time outside of Python's lock (in the database, in Arrow, in
the model), so stages that are a chunk apart use the machine together.
"""

import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from queue import Queue
from typing import TypeVar

from daybreak.telemetry.run_context import carried

Item = TypeVar("Item")


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


@contextmanager
def ahead(items: Iterable[Item], depth: int = 1) -> Iterator[Generator[Item]]:
    """Give the items while a thread makes the next ones, at most ``depth`` waiting.

    An error of the thread is raised to whoever takes them. At the end of the context the thread has ended and what it
    took the items from is closed, whatever was raised: an error keeps all generators that it went through alive, and a
    transaction in one of them would stay open until somebody looks for garbage.
    """
    with closing(_taken(items, depth)) as taken:
        yield taken


def _taken(items: Iterable[Item], depth: int) -> Generator[Item]:
    queue: Queue[Item | _End] = Queue(maxsize=depth)
    stopped = threading.Event()

    def produce() -> None:
        error: BaseException | None = None
        iterator = iter(items)
        try:
            for item in iterator:
                queue.put(item)
                if stopped.is_set():
                    break
        except BaseException as raised:
            error = raised
        finally:
            if isinstance(iterator, Generator):
                iterator.close()
            queue.put(_End(error))

    thread = threading.Thread(target=carried(produce), name="daybreak-ahead", daemon=True)
    thread.start()
    ended = False
    try:
        while True:
            item = queue.get()
            if isinstance(item, _End):
                ended = True
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stopped.set()
        while not ended:
            ended = isinstance(queue.get(), _End)
        thread.join()
