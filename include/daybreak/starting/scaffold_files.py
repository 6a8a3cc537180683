"""Scaffold files: put a new pipeline's files in their places, all of them or none.

They are written into a staging folder first. What nobody reads yet is moved before the pipeline is registered, the DAG
after it. A process that dies in between leaves the staging folder; the next one takes back what was not registered.
"""

import ast
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path

from daybreak.errors import ConfigurationError
from daybreak.starting.places import Places, move

_LONGEST = 30
# Names that mean something in a DAG or in the declaration, or folders of sql/ that hold something else.
_TAKEN = {"dag", "daily", "parameters", "plan", "predictions", "stages", "ledger", "demonstration", "sources", "rules"}


class Scaffold:
    """The files of one new pipeline, named as in a project wherever their places are."""

    def __init__(self, places: Places, name: str) -> None:
        self.places = places
        self.name = name
        self._register = places.register
        self._staging = places.root / f".daybreak-new-{name}"
        module = Path("include", *places.module.split("."), name)
        self._hidden = [Path("sql") / name, module.with_suffix(".py")]
        self._dag = Path("dags") / f"{name}.py"
        # A folder of a pipeline that has several modules goes before a module of its name.
        self._places = [*self._hidden, module, self._dag]

    def refuse_name(self) -> None:
        """Refuse a name that cannot be a module, a table and a DAG, or that is taken."""
        name = self.name
        if not name.isidentifier() or not name.isascii() or name != name.lower() or name[0] == "_":
            raise self._refused(
                f"'{name}' cannot name a pipeline.", "choose lower-case letters, digits and _, such as `churn`."
            )
        if len(name) > _LONGEST:
            raise self._refused(
                f"'{name}' is longer than {_LONGEST} letters, and tables are named after it.", "choose a shorter name."
            )
        from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS

        self._refuse_there()
        shadows = name in sys.stdlib_module_names or find_spec(name) is not None
        if shadows or iskeyword(name) or name in RESERVED_WORDS or name in _TAKEN:
            raise self._refused(f"'{name}' already means something in Python, SQL or a DAG.", "choose another name.")
        with_name(self._read(), self.places.module, name)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other scaffolds of the project waiting, and mend what a killed one left behind."""
        if not self._register.is_file():
            raise self._refused(
                f"{self._register} is missing: pipelines are registered there.",
                "set DAYBREAK_PIPELINES to a package that has it; `daybreak init --package FOLDER` makes one.",
            )
        folder = os.open(self.places.root, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            self._mend()
            yield
        finally:
            os.close(folder)

    def place(self, files: dict[str, str]) -> None:
        """Write the files, named as in a project, and register the pipeline."""
        unfinished, before = self._staging.with_name(f"{self._staging.name}.part"), self._read()
        try:
            for path, text in files.items():
                (unfinished / path).parent.mkdir(parents=True, exist_ok=True)
                (unfinished / path).write_text(text, encoding="utf-8")
            # While rows were loaded somebody may have written such a file, which moving ours there would replace.
            self._refuse_there()
            unfinished.rename(self._staging)
            self.places.sql.mkdir(exist_ok=True)
            for hidden in self._hidden:
                move(self._staging / hidden, self.places.place(hidden))
            self._rewrite(with_name(before, self.places.module, self.name))
            move(self._staging / self._dag, self.places.place(self._dag))
        except BaseException:
            if self._staging.exists() and (self._staging / self._dag).exists():
                self._rewrite(before)
            self._mend()
            raise
        shutil.rmtree(self._staging)

    def _rewrite(self, text: str) -> None:
        changed = self._staging / "registered.py"
        changed.write_text(text, encoding="utf-8")
        shutil.copymode(self._register, changed)
        changed.replace(self._register)

    def _mend(self) -> None:
        shutil.rmtree(self._staging.with_name(f"{self._staging.name}.part"), ignore_errors=True)
        if not self._staging.exists():
            return
        if self.name in registered(self._read()):
            if (self._staging / self._dag).exists():
                move(self._staging / self._dag, self.places.place(self._dag))
        else:
            for path in self._hidden:
                # What is no longer in the staging folder was moved out of it, and nothing else was there before.
                if not (self._staging / path).exists():
                    _remove(self.places.place(path))
        shutil.rmtree(self._staging)

    def _refuse_there(self) -> None:
        there = [found for path in self._places if (found := self.places.place(path)).exists()]
        if there or self.name in registered(self._read()):
            where = self.places.shown(there[0]) if there else f"in {self.places.shown(self._register)}"
            raise self._refused(
                f"A pipeline '{self.name}' is already there ({where}).", "edit that, or choose another name."
            )

    def _read(self) -> str:
        return self._register.read_text(encoding="utf-8")

    def _refused(self, problem: str, next_step: str) -> ConfigurationError:
        return ConfigurationError(problem, next_step=next_step)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def registered(text: str) -> list[str]:
    """Return the names of the pipelines' modules that a package registers, as far as its text tells."""
    body = ast.parse(text).body
    modules = [node.module or "" for node in body if isinstance(node, ast.ImportFrom)]
    if register := _register(body):
        references = [each.value for each in register.elts if isinstance(each, ast.Constant)]
        modules += [str(reference).partition(":")[0] for reference in references]
    return [module.rpartition(".")[2] for module in modules]


def with_name(text: str, package: str, name: str) -> str:
    """Add a pipeline to the text of the module that declares PIPELINES, leaving all else as it is."""
    reference = f'"{package}.{name}:{name.upper()}"'
    value = _register(ast.parse(text).body)
    if value is None:
        raise ConfigurationError(
            f"{package} has no plain tuple PIPELINES to add to.",
            next_step=f"write `PIPELINES = (…,)` there: `daybreak new` adds {reference} to it.",
        )
    entries = [*(ast.get_source_segment(text, each) or ast.unparse(each) for each in value.elts), reference]
    one_line = f"({', '.join(entries)}{',' if len(entries) == 1 else ''})"
    if len(one_line) > 120 - len("PIPELINES = "):
        one_line = "(\n" + "".join(f"    {each},\n" for each in entries) + ")"
    lines = text.split("\n")
    first, last = value.lineno - 1, (value.end_lineno or value.lineno) - 1
    before = lines[first].encode()[: value.col_offset].decode()
    after = lines[last].encode()[value.end_col_offset :].decode()
    lines[first : last + 1] = [before + one_line + after]
    return "\n".join(lines)


def _register(body: list[ast.stmt]) -> ast.Tuple | None:
    found = [node for node in body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PIPELINES"]
    return found[0].value if len(found) == 1 and isinstance(found[0].value, ast.Tuple) else None
