"""Imports run one way, as `make lint` holds it; what a pipeline imports loads nothing heavy."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import daybreak
import daybreak.training
from daybreak.settings import PROJECT

HEAVY = ["pandas", "sklearn", "great_expectations", "mlflow", "pyarrow", "skops", "adbc_driver_postgresql", "duckdb"]
DAGS = sorted((PROJECT / "dags").glob("*.py"))
SOURCES = sorted(path for folder in ("dags", "plugins", "include") for path in (PROJECT / folder).rglob("*.py"))
FACES = [daybreak, daybreak.training]

# The processes of the local Airflow inherit what is around us (PATH, proxies, connections): one module copies it whole,
# and reads no setting there.
READ_THE_ENVIRONMENT = {"include/daybreak/settings.py", "include/daybreak/local/airflow_environment.py"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports_at_module_level(tree: ast.AST) -> Iterator[str]:
    """Yield the packages that are imported when a module is; what only a type checker reads is left out."""
    for node in ast.iter_child_nodes(tree):
        if for_types(node) or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where something comes from"
            yield str(node.module).split(".")[0]
        else:
            yield from imports_at_module_level(node)


def test_the_contracts_of_the_layers_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={"PATH": "", "PYTHONPATH": f"{PROJECT / 'include'}:{PROJECT / 'plugins'}", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "0 broken" in done.stdout


def test_a_dag_file_imports_a_pipeline_and_the_adapter_and_nothing_of_the_engine() -> None:
    for path in DAGS:
        assert "daybreak" not in set(imports_at_module_level(parsed(path))), name(path)


def test_only_settings_read_the_environment() -> None:
    for path in SOURCES:
        if name(path) in READ_THE_ENVIRONMENT:
            continue
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv", "os.environb"):
                pytest.fail(f"{name(path)} reads the environment at line {node.lineno}")
            if isinstance(node, ast.ImportFrom) and node.module == "os":
                assert not {"environ", "getenv"} & {alias.name for alias in node.names}, name(path)


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    for path in SOURCES:
        assert not set(imports_at_module_level(parsed(path))) & set(HEAVY), name(path)


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
def test_each_public_name_is_what_its_module_calls_it(face: object) -> None:
    for public in face.__all__:  # type: ignore[attr-defined]
        assert getattr(face, public).__module__.startswith("daybreak.") or public == "Settings", public
    assert set(face.__all__) <= set(dir(face))  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = face.nothing  # type: ignore[attr-defined]


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
def test_the_type_checker_and_the_interpreter_are_told_the_same_public_names(face: object) -> None:
    tree = parsed(Path(face.__file__))  # type: ignore[attr-defined]
    [checked] = [node for node in tree.body if for_types(node)]
    told = {
        alias.name: node.module
        for node in ast.walk(checked)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == face._HOME  # type: ignore[attr-defined]
    assert sorted(told) == sorted(face.__all__)  # type: ignore[attr-defined]


# Airflow, which takes seconds to import, is there once; each file is imported by a fork that has seen no other one.
IMPORTED_ONE_BY_ONE = """
import importlib, json, os, sys
import airflow.sdk

for name in sys.argv[1:]:
    if os.fork() == 0:
        importlib.import_module(name)
        print(json.dumps([name, sorted(sys.modules)]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Import every DAG file in a process of its own; return which modules there were then."""
    home = str(tmp_path_factory.mktemp("home"))
    environment = {"PATH": "", "HOME": home, "AIRFLOW_HOME": home}
    environment["PYTHONPATH"] = f"{PROJECT / 'dags'}:{PROJECT / 'plugins'}"
    command = [sys.executable, "-c", IMPORTED_ONE_BY_ONE, *(dag.stem for dag in DAGS)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    found = dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))
    assert set(found) == {dag.stem for dag in DAGS}, done.stderr
    return found


@pytest.mark.parametrize("dag", DAGS, ids=[path.stem for path in DAGS])
def test_importing_a_dag_file_loads_nothing_heavy(dag: Path, imported: dict[str, list[str]]) -> None:
    assert dag.stem in imported[dag.stem]
    assert not set(HEAVY) & set(imported[dag.stem])


@pytest.mark.parametrize("dag", [dag for dag in DAGS if "scoring_dag(" in dag.read_text()], ids=lambda dag: dag.stem)
def test_importing_a_pipelines_dag_file_reads_no_settings(dag: Path, imported: dict[str, list[str]]) -> None:
    """Their module is not heavy, and yet a fifth of what is parsed there every minute."""
    assert "daybreak.settings" not in imported[dag.stem]


def test_measuring_loads_what_pushes_only_for_a_pipeline_that_does() -> None:
    """That takes half as long to import as all the rest."""
    script = "import sys, daybreak.monitoring.measure; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "daybreak.monitoring.measure" in done.stdout.split()
    assert not [name for name in done.stdout.split() if name.startswith("daybreak.push")]
