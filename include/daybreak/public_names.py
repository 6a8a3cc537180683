"""Public names: those of a package that are imported when they are first used."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def on_first_use(
    names: dict[str, Any], home: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return a package's ``__getattr__`` and ``__dir__``; ``names`` are its globals, ``home`` says what is where."""

    def find(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module '{names['__name__']}' has no attribute '{name}'")
        names[name] = found = getattr(import_module(home[name]), name)
        return found

    return find, lambda: sorted({*names, *home})
