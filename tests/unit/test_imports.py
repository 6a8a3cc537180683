"""Imports run one way: dags → plugins → retail → the engine, whose stages know nothing of each other."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from daybreak.settings import PROJECT

ROOTS = {"dags": "dags", "daybreak_airflow": "plugins", "retail": "include", "daybreak": "include"}
LAYERS = ["dags", "daybreak_airflow", "retail", "daybreak"]
STAGES = ["extract", "validate", "score", "publish", "push"]
HEAVY = ["pandas", "sklearn", "great_expectations", "mlflow", "pyarrow", "skops", "adbc_driver_postgresql"]
DAGS = sorted((PROJECT / "dags").glob("*.py"))

# The processes of the local Airflow inherit what is around us (PATH, proxies, connections): one module copies it whole,
# and reads no setting there.
COPIES_THE_ENVIRONMENT = {"daybreak.local.airflow_environment"}


@cache
def sources() -> dict[str, Path]:
    """Find every module of the project by its name."""
    found = {f"dags.{path.stem}": path for path in DAGS}
    for package in LAYERS[1:]:
        root = PROJECT / ROOTS[package]
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(tree: ast.AST, *, at_module_level_only: bool = False) -> Iterator[str]:
    """Yield the dotted names that a module imports when it runs; what only a type checker reads is left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if at_module_level_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where something comes from"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"
        else:
            yield from imports(node, at_module_level_only=at_module_level_only)


@cache
def parsed(module: str) -> ast.Module:
    return ast.parse(sources()[module].read_text(encoding="utf-8"))


def own(module: str) -> set[str]:
    """Return the project's modules that a module imports."""
    found = set()
    for name in imports(parsed(module)):
        while name and name not in sources():
            name = name.rpartition(".")[0]
        if name:
            found.add(name)
    return found - {module}


def packages(module: str) -> set[str]:
    return {name.split(".")[0] for name in imports(parsed(module))}


def layer(module: str) -> int:
    return LAYERS.index(module.split(".")[0])


def test_the_sources_are_found() -> None:
    assert {"dags.demand_forecast", "daybreak_airflow.stages", "retail.demand_forecast", "daybreak.run.runner"} <= set(
        sources()
    )
    assert "daybreak.run.extract" in own("daybreak.run.runner")


def test_nothing_under_include_imports_airflow() -> None:
    for module in sources():
        if layer(module) >= LAYERS.index("retail"):
            assert "airflow" not in packages(module), module


def test_imports_run_from_dags_to_plugins_to_retail_to_the_engine() -> None:
    against = [(module, name) for module in sources() for name in own(module) if layer(name) < layer(module)]
    assert against == []


def test_there_are_no_circles() -> None:
    # A package's own __init__ is imported with each of its modules; it takes part where it is imported by name.
    try:
        TopologicalSorter({module: own(module) for module in sources()}).prepare()
    except CycleError as circle:
        pytest.fail(" → ".join(circle.args[1]))


def test_the_stages_never_import_each_other() -> None:
    stages = {f"daybreak.{stage}" for stage in STAGES}
    assert len(stages & set(sources())) >= 4
    for stage in stages & set(sources()):
        assert own(stage) & stages == set(), stage


def test_only_the_runner_and_what_stands_above_it_compose_the_stages() -> None:
    stages = {f"daybreak.{stage}" for stage in STAGES}
    below = {"chunk", "errors", "expectations", "ledger", "partition", "pipeline", "plan", "planning", "quarantine"}
    below |= {"registry", "settings", "signature", "snapshot", "sql", "warehouse", "workspace", "overlap"}
    for name in below:
        assert own(f"daybreak.{name}") & stages == set(), name


def test_only_settings_read_the_environment() -> None:
    for module in sources():
        if module in {"daybreak.settings", *COPIES_THE_ENVIRONMENT}:
            continue
        for node in ast.walk(parsed(module)):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv", "os.environb"):
                pytest.fail(f"{module} reads the environment at line {node.lineno}")
        assert not {"os.environ", "os.getenv"} & set(imports(parsed(module))), module


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    for module in sources():
        early = {name.split(".")[0] for name in imports(parsed(module), at_module_level_only=True)}
        assert not early & set(HEAVY), module


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
