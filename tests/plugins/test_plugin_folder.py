"""The plugin folder: Airflow does not run its modules a second time under another name."""

import json
import os
import subprocess
import sys
from pathlib import Path

from daybreak.settings import PROJECT

PLUGINS = PROJECT / "plugins"
LOADED = """
import json, sys
from airflow import plugins_manager

plugins_manager.ensure_plugins_loaded()
from daybreak_airflow import stages
loose = sorted(name for name, module in list(sys.modules.items())
               if "." not in name and (getattr(module, "__file__", None) or "").startswith(sys.argv[1]))
print(json.dumps([loose, stages.__name__]))
"""


def loaded(plugins: Path, home: Path) -> list[object]:
    """Let Airflow load a plugin folder; return its modules that are loose in sys.modules."""
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
        "PYTHONPATH": str(plugins),
    }
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(plugins)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_no_module_of_the_package_is_loaded_loose(tmp_path: Path) -> None:
    assert loaded(PLUGINS, tmp_path) == [["daybreak_airflow"], "daybreak_airflow.stages"]


def test_without_the_ignore_file_they_would_be(tmp_path: Path) -> None:
    copied = tmp_path / "plugins"
    (copied / "daybreak_airflow").mkdir(parents=True)
    for module in (PLUGINS / "daybreak_airflow").glob("*.py"):
        (copied / "daybreak_airflow" / module.name).write_text(module.read_text())
    loose, _ = loaded(copied, tmp_path)
    assert isinstance(loose, list)
    assert {"stages", "schedules", "assets"} <= set(loose)
