"""DAG arguments: what a DAG file gives beside what is declared, and which of both counts."""

import inspect
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, ParamsDict

from daybreak.errors import ConfigurationError
from daybreak_airflow.schedules import RETRIES

# What every DAG of ours has: nothing runs that nobody asked for.
COMMON: dict[str, Any] = {"catchup": False, "default_args": RETRIES}
_PACKAGE = str(Path(__file__).parent)


def make_dag(ours: Mapping[str, Any], given: Mapping[str, Any]) -> DAG:
    """Make a DAG without tasks, as the file whose call led here; an argument that was given wins over ours.

    Of ``params`` and ``default_args`` each key that was given wins, and the others stay. Callbacks of a failed run are
    called after ours. Everything else is replaced.
    """
    ours = {**COMMON, **ours}
    _refuse_unknown(given)
    arguments = {
        **ours,
        **given,
        "default_args": {**ours["default_args"], **(given.get("default_args") or {})},
        "params": _params(ours.get("params"), given.get("params")),
        "on_failure_callback": [*_callbacks(ours), *_callbacks(given)] or None,
    }
    dag = DAG(**arguments)
    # Airflow takes the file that calls DAG for the DAG's own, and shows its text.
    dag.fileloc = _calling_file()
    return dag


def _refuse_unknown(given: Mapping[str, Any]) -> None:
    known = inspect.signature(DAG).parameters if given else {}
    for name in given:
        if name not in known:
            from difflib import get_close_matches

            close = get_close_matches(name, known, n=1)
            raise ConfigurationError(
                f"Airflow's DAG has no argument '{name}'.",
                next_step=f"write {close[0]}." if close else "take it out of the DAG file.",
            )


def _params(ours: Mapping[str, Any] | None, given: Mapping[str, Any] | None) -> ParamsDict:
    # The parameters of one DAG are its own: a value that is set in one must not show in another.
    params = ParamsDict({name: copy(param) for name, param in (ours or {}).items()})
    params.update(given if isinstance(given, ParamsDict) else dict(given or {}))
    return params


def _callbacks(arguments: Mapping[str, Any]) -> list[Any]:
    found = arguments.get("on_failure_callback") or []
    return list(found) if isinstance(found, list | tuple) else [found]


def _calling_file() -> str:
    frame = inspect.currentframe()
    while frame and str(Path(frame.f_code.co_filename).parent) == _PACKAGE:
        frame = frame.f_back
    return frame.f_code.co_filename if frame else ""
