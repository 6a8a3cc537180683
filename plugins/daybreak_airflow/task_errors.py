"""Task errors: what leaves a task is one of the engine's errors, with pipeline, partition and next step."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")


def in_one_line(body: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
    """Have a task's body raise errors of ours only; what Airflow means by its own is left to it."""

    @wraps(body)
    def guarded(*arguments: Parameters.args, **named: Parameters.kwargs) -> Returned:
        try:
            return body(*arguments, **named)
        except (AirflowException, AirflowRuntimeError):
            raise
        except Exception as error:
            from daybreak.settings import Settings
            from daybreak.unforeseen import as_ours

            ours = as_ours(error, Settings().tracebacks)
            pipeline, partition = _place(inspect.signature(body).bind(*arguments, **named).arguments)
            if pipeline:
                ours.located(pipeline, partition)
            if ours is error:
                raise
            raise ours from error

    return guarded


def _place(arguments: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Find pipeline and partition in a task's arguments: the name itself, or a reference that holds it."""
    if isinstance(name := arguments.get("pipeline"), str):
        return name, None
    references = [value for value in arguments.values() if isinstance(value, Mapping) and "pipeline" in value]
    return (str(references[0]["pipeline"]), references[0].get("partition")) if references else (None, None)
