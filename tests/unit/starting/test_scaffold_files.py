"""A new pipeline's files: all in their places or none, whatever happens on the way; nothing that exists is touched."""

import ast
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import daybreak.starting.scaffold_files
from daybreak.errors import ConfigurationError
from daybreak.starting.places import Places
from daybreak.starting.scaffold_files import Scaffold, registered, with_name

MODULE = daybreak.starting.scaffold_files.__file__
FILES = {
    "include/shop/churn.py": "CHURN = 'declared'\n",
    "sql/churn/extract.sql": "-- One row.\n",
    "dags/churn.py": "from shop.churn import CHURN\n",
}
REGISTER = '"""The shop."""\n\nfrom shop.orders import ORDERS\n\nPIPELINES = ("shop.refunds:REFUNDS", ORDERS)\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("include/shop", "sql", "dags"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "include/shop/__init__.py").write_text(REGISTER)
    return tmp_path


def contents(project: Path) -> dict[str, str]:
    return {path.relative_to(project).as_posix(): path.read_text() for path in project.rglob("*") if path.is_file()}


def make(project: Path) -> None:
    scaffold = Scaffold(Places.in_project(project, "shop"), "churn")
    with scaffold.alone():
        scaffold.refuse_name()
        scaffold.place(FILES)


@pytest.fixture
def complete(project: Path) -> dict[str, str]:
    """Return what a project with the pipeline holds."""
    return FILES | {"include/shop/__init__.py": REGISTER.replace("ORDERS)", 'ORDERS, "shop.churn:CHURN")')}


def test_the_files_are_in_their_places_and_the_pipeline_is_registered(project: Path, complete: dict[str, str]) -> None:
    make(project)
    assert contents(project) == complete
    assert not list(project.glob(".*"))


def lines_of(*functions: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(Path(MODULE).read_text())):
        if isinstance(node, ast.FunctionDef) and node.name in functions:
            yield from sorted({each.lineno for each in ast.walk(node) if isinstance(each, ast.stmt)} - {node.lineno})


@pytest.mark.parametrize("line", lines_of("place", "_rewrite"))
def test_killed_at_any_line_it_leaves_nothing_visible_and_the_next_try_completes_it(
    line: int, project: Path, complete: dict[str, str]
) -> None:
    before = contents(project)
    child = os.fork()
    if child == 0:
        die_at(line)
        make(project)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status)
    visible = {path: text for path, text in contents(project).items() if not path.startswith(".")}
    if "churn" in registered(visible["include/shop/__init__.py"]):
        # Registered it is whole, but for the DAG, which the next try puts there.
        assert visible.items() >= {path: text for path, text in complete.items() if path != "dags/churn.py"}.items()
        with pytest.raises(ConfigurationError, match="already there"):
            make(project)
    else:
        assert killed
        assert "dags/churn.py" not in visible
        assert visible["include/shop/__init__.py"] == before["include/shop/__init__.py"]
        make(project)
    assert contents(project) == complete
    assert not list(project.glob(".*"))


def die_at(line: int) -> None:
    def at_line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and frame.f_lineno == line:
            os.kill(os.getpid(), signal.SIGKILL)
        return at_line

    threading.settrace(None)  # type: ignore[arg-type]
    sys.settrace(lambda frame, event, _: at_line if frame.f_code.co_filename == MODULE else None)


def test_what_fails_on_the_way_leaves_the_project_as_it_was(project: Path) -> None:
    before = contents(project)
    (project / "dags").rmdir()  # the last of the moves has nowhere to go
    scaffold = Scaffold(Places.in_project(project, "shop"), "churn")
    with scaffold.alone(), pytest.raises(OSError, match="dags"):
        scaffold.place(FILES)
    (project / "dags").mkdir()
    assert contents(project) == before


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Churn", "cannot name a pipeline"),
        ("2fast", "cannot name a pipeline"),
        ("no-dash", "cannot name a pipeline"),
        ("../up", "cannot name a pipeline"),
        ("", "cannot name a pipeline"),
        ("_hidden", "cannot name a pipeline"),
        ("größe", "cannot name a pipeline"),
        ("x" * 31, "longer than 30"),
        ("orders", "already there (in include/shop/__init__.py)"),
        ("refunds", "already there (in include/shop/__init__.py)"),
        ("class", "already means something"),
        ("select", "already means something"),
        ("random", "already means something"),
        ("pandas", "already means something"),
        ("stages", "already means something"),
        ("rules", "already means something"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name: str, problem: str, project: Path) -> None:
    scaffold = Scaffold(Places.in_project(project, "shop"), name)
    with pytest.raises(ConfigurationError) as refused:
        scaffold.refuse_name()
    assert problem in str(refused.value)
    assert "Next: " in str(refused.value)


@pytest.mark.parametrize(
    "path", ["sql/churn/mine.sql", "include/shop/churn/mine.py", "include/shop/churn.py", "dags/churn.py"]
)
def test_what_is_already_there_is_never_touched(path: str, project: Path) -> None:
    (project / path).parent.mkdir(exist_ok=True)
    (project / path).write_text("mine")
    before = contents(project)
    with pytest.raises(ConfigurationError, match="already there"):
        make(project)
    assert contents(project) == before


@pytest.mark.parametrize("path", ["sql/churn/mine.sql", "include/shop/churn.py", "dags/churn.py"])
def test_what_somebody_writes_while_rows_are_loaded_is_never_touched(path: str, project: Path) -> None:
    scaffold = Scaffold(Places.in_project(project, "shop"), "churn")
    with scaffold.alone():
        scaffold.refuse_name()
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_text("mine")
        before = contents(project)
        with pytest.raises(ConfigurationError, match="already there"):
            scaffold.place(FILES)
    assert contents(project) == before


def test_a_project_without_a_register_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match="pipelines are registered there"),
        Scaffold(Places.in_project(tmp_path, "s"), "c").alone(),
    ):
        pass


# A register names pipelines by reference, so that a broken one breaks no other; what it imported before stays.
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"""X."""\n\nPIPELINES = ()\n', '"""X."""\n\nPIPELINES = ("shop.churn:CHURN",)\n'),
        ('PIPELINES = ("shop.a:A",)  # ours\n', 'PIPELINES = ("shop.a:A", "shop.churn:CHURN")  # ours\n'),
        (
            "from shop.a import A\nfrom shop.z import Z\n\nPIPELINES = (A, Z)  # ours\n",
            'from shop.a import A\nfrom shop.z import Z\n\nPIPELINES = (A, Z, "shop.churn:CHURN")  # ours\n',
        ),
        (
            "PIPELINES = (\n    \"shop.größe:GRÖSSE\",\n)\nOTHER = 'ß'\n",
            'PIPELINES = ("shop.größe:GRÖSSE", "shop.churn:CHURN")\nOTHER = \'ß\'\n',
        ),
    ],
)
def test_registering_adds_a_reference_and_leaves_the_rest(before: str, after: str) -> None:
    assert with_name(before, "shop", "churn") == after
    assert "churn" in registered(after)
    assert "churn" not in registered(before)


def test_a_long_register_gets_a_line_for_each() -> None:
    many = [f'"shop.pipeline_{n}:PIPELINE_{n}"' for n in range(4)]
    text = with_name(f"PIPELINES = ({', '.join(many)})\n", "shop", "churn")
    assert text == "PIPELINES = (\n" + "".join(f"    {name},\n" for name in [*many, '"shop.churn:CHURN"']) + ")\n"


@pytest.mark.parametrize("text", ["PIPELINES = [A]\n", "PIPELINES = tuple(found())\n", "", "PIPELINES = ()\n" * 2])
def test_a_register_of_another_form_is_left_to_its_owner(text: str) -> None:
    with pytest.raises(ConfigurationError, match="no plain tuple PIPELINES"):
        with_name(text, "shop", "churn")
