"""Task errors: what leaves a task is one of the engine's errors, with pipeline, partition and next step."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError

from daybreak.garbage import collect_seldom
from daybreak_airflow.log_context import tell_airflow
from daybreak_airflow.observed_tasks import observed_task

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")


def in_one_line(body: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
    """Have a task's body raise errors of ours only; what Airflow means by its own is left to it."""

    @wraps(body)
    def guarded(*arguments: Parameters.args, **named: Parameters.kwargs) -> Returned:
        # Airflow has forked a process for this task. What the body imports would be looked through over and over.
        collect_seldom()
        pipeline, partition, run = _place(inspect.signature(body).bind(*arguments, **named).arguments)
        tell_airflow(body.__name__.removesuffix("_run"), pipeline, partition, run)
        try:
            with observed_task(body.__name__):
                return body(*arguments, **named)
        except (AirflowException, AirflowRuntimeError):
            raise
        except Exception as error:
            from daybreak.settings import read_settings
            from daybreak.unforeseen import as_ours

            ours = as_ours(error, read_settings().tracebacks)
            if pipeline:
                ours.located(pipeline, partition)
            if ours is error:
                raise
            raise ours from error

    return guarded


def _place(arguments: Mapping[str, Any]) -> tuple[str | None, str | None, int | None]:
    """Find pipeline, partition and run in a task's arguments: the name itself, or a reference that holds them."""
    if isinstance(name := arguments.get("pipeline"), str):
        return name, None, None
    references = [value for value in arguments.values() if isinstance(value, Mapping) and "pipeline" in value]
    if not references:
        return None, None, None
    found = references[0]
    return str(found["pipeline"]), found.get("partition"), found.get("run_id")
