"""The plugin folder: Airflow runs none of its modules twice, and has what makes a DAG before it reads a DAG file."""

import json
import os
import subprocess
import sys
from pathlib import Path

from daybreak.settings import PROJECT
from retail import PIPELINES

PLUGINS = PROJECT / "plugins"
LOADED = """
import json, runpy, sys
from airflow.listeners.listener import get_listener_manager

get_listener_manager()  # it loads plugins; each of Airflow's jobs calls it when it starts, before it forks
known = set(sys.modules)
for file in sys.argv[2:]:
    runpy.run_path(file)
parsed = sorted(name for name in sys.modules.keys() - known if name.startswith("daybreak"))
from daybreak_airflow import stages
loose = sorted(name for name, module in list(sys.modules.items())
               if "." not in name and (getattr(module, "__file__", None) or "").startswith(sys.argv[1]))
print(json.dumps([loose, stages.__name__, parsed]))
"""


def loaded(plugins: Path, home: Path, *files: Path) -> list[object]:
    """Let Airflow load a plugin folder and read DAG files.

    Return the folder's modules that are loose in sys.modules, the name of one, and what the files imported of ours.
    """
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
        "PYTHONPATH": str(plugins),
    }
    done = subprocess.run(
        [sys.executable, "-c", LOADED, plugins, *files], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_no_module_is_loaded_loose_and_what_makes_a_pipelines_dag_is_there_before_its_file(tmp_path: Path) -> None:
    modules = [declared.partition(":")[0] for declared in PIPELINES]
    files = [PROJECT / "dags" / f"{module.removeprefix('retail.')}.py" for module in modules]
    assert loaded(PLUGINS, tmp_path, *files) == [["daybreak_airflow"], "daybreak_airflow.stages", []]


def test_without_the_ignore_file_they_would_be(tmp_path: Path) -> None:
    copied = tmp_path / "plugins"
    (copied / "daybreak_airflow").mkdir(parents=True)
    for module in (PLUGINS / "daybreak_airflow").glob("*.py"):
        (copied / "daybreak_airflow" / module.name).write_text(module.read_text())
    loose, *_ = loaded(copied, tmp_path)
    assert isinstance(loose, list)
    assert {"stages", "schedules", "assets"} <= set(loose)
