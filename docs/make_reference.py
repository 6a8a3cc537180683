"""Make docs/reference.md from the docstrings of the public names: `make reference`."""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import daybreak
import daybreak.training

PAGE = Path(__file__).with_name("reference.md")
OPENING = """# Reference

The public names, made from their docstrings by `make reference`. Everything that is not here is internal: it may change
or go without a word. Pipelines import from these two modules alone, and `make lint` holds it for `include/retail`.
"""
MODULES = {daybreak: "What a pipeline declares", daybreak.training: "What a training uses"}


def page() -> str:
    """Return the page's text."""
    lines = [line for module, title in MODULES.items() for line in _module(module, title)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join([OPENING, *lines])).rstrip() + "\n"


def _module(module: ModuleType, title: str) -> Iterator[str]:
    yield f"## {title}: `{module.__name__}`\n"
    errors = [name for name in module.__all__ if _is_error(getattr(module, name))]
    for name in module.__all__:
        if name not in errors:
            yield from _entry(module, name)
    if errors:
        yield from _errors(errors)


def _entry(module: ModuleType, name: str) -> Iterator[str]:
    found = getattr(module, name)
    if not inspect.isclass(found) and not inspect.isfunction(found):
        yield f"### `{name}`\n\n`{_unquoted(inspect.formatannotation(found))}`\n"
        return
    yield f"### `{name}`\n\n```python\n{_signature(name, found)}\n```\n\n{_text(found)}\n"
    for method, body in vars(found).items() if inspect.isclass(found) else ():
        function = body.fget if isinstance(body, property) else getattr(body, "func", body)
        if inspect.isfunction(function) and not function.__name__.startswith(("_", "<")):
            call = "" if isinstance(body, property) or hasattr(body, "func") else _arguments(function)
            yield f"- `{method}{call}`: {' '.join(_text(function).split())}"
    yield ""


def _errors(names: list[str]) -> Iterator[str]:
    yield "### Errors\n\n```text"
    drawn = inspect.getdoc(sys.modules["daybreak.errors"]) or ""
    yield drawn.partition("\n\n")[2]
    yield "```\n"
    yield "Each carries `problem`, `next_step`, `pipeline`, `partition` and `details`.\n"
    yield ", ".join(f"`{name}`" for name in names) + "\n"


def _is_error(found: Any) -> bool:
    return inspect.isclass(found) and issubclass(found, Exception)


def _signature(name: str, found: Any) -> str:
    """Return how it is called: the fields of a dataclass as they are written, or a function's arguments."""
    if not is_dataclass(found):
        return f"{name}{_arguments(found)}"
    [declared] = ast.parse(textwrap.dedent(inspect.getsource(found))).body  # type: ignore[arg-type]
    fields = [line for line in declared.body if isinstance(line, ast.AnnAssign)]  # type: ignore[attr-defined]
    # What is a constant of the class nobody gives to it.
    written = [ast.unparse(line) for line in fields if "ClassVar" not in ast.unparse(line.annotation)]
    return "\n".join([f"{name}(", *(f"    {_unquoted(line)}," for line in written), ")"]) if written else f"{name}()"


def _arguments(function: Any) -> str:
    [written] = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(written, ast.FunctionDef)
    taken = ast.unparse(written.args).removeprefix("self").removeprefix(", ")
    gives = "" if written.returns is None else f" -> {ast.unparse(written.returns)}"
    return _unquoted(f"({taken}){gives}")


def _unquoted(text: str) -> str:
    """Leave the quotes out that an annotation has so that nothing heavy is imported for it."""
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", text)


def _text(found: Any) -> str:
    """Return a docstring as Markdown."""
    return (inspect.getdoc(found) or "").replace("``", "`")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
