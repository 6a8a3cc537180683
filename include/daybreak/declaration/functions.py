"""Functions that a pipeline declares: given as they are, or by name where importing them would be heavy."""

import importlib
from collections.abc import Callable
from typing import Any

from daybreak.errors import ConfigurationError

# A function, or ``module:function`` where importing it would be heavy: a DAG file that is parsed imports nothing of it.
Function = str | Callable[..., Any]


def load_function(function: Function) -> Any:
    """Return a declared function, which is imported where ``module:function`` names it."""
    if not isinstance(function, str):
        return function
    module, _, name = function.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"'{function}' cannot be imported ({error}).", next_step="mend the pipeline's declaration."
        ) from error


def function_name(function: Function) -> str:
    """Say which function is declared: by its name, or by that of its type where it is an object that is called."""
    return function if isinstance(function, str) else getattr(function, "__qualname__", type(function).__qualname__)
