"""Run context: which run, pipeline, partition and stage this thread works on, for whoever writes a line about it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import asdict, dataclass
from typing import ParamSpec, TypeVar

from daybreak.errors import DaybreakError

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")


@dataclass(frozen=True)
class RunContext:
    """What is worked on; ``run`` is the ledger's number."""

    run: int
    pipeline: str
    partition: str
    stage: str


_current: ContextVar[RunContext | None] = ContextVar("daybreak_run", default=None)
_told: list[Callable[..., AbstractContextManager[object]]] = []


def current() -> RunContext | None:
    """Return what this thread works on, None where it is no run."""
    return _current.get()


@contextmanager
def working_on(run: int, pipeline: str, partition: str, stage: str) -> Iterator[None]:
    """Say as long as the body runs that this thread works on a stage of a run; an error that leaves it knows so too."""
    context = RunContext(run, pipeline, partition, stage)
    token = _current.set(context)
    try:
        with ExitStack() as entered:
            for tell in _told:
                entered.enter_context(tell(**asdict(context)))
            yield
    except DaybreakError as error:
        error.run, error.stage = run, stage
        raise
    finally:
        _current.reset(token)


def tell_too(tell: Callable[..., AbstractContextManager[object]]) -> None:
    """Have another library told what is worked on: it is called with the context's fields and entered beside it."""
    if tell not in _told:
        _told.append(tell)


def carried(function: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
    """Return the function as something that another thread calls once, and that knows there what is worked on here."""
    context = copy_context()
    return lambda *arguments, **named: context.run(function, *arguments, **named)
