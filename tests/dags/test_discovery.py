"""A DAG file is found and parsed however it imports what it calls, and a broken pipeline breaks no other's file."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from daybreak.declaration.loading import load_pipelines
from daybreak.settings import PROJECT

# Five lines, and the other ways in which a user may write them.
STYLES = {
    "as in this project": "from daybreak_airflow import scoring_dag\n{declared}\nscoring_dag(PARCEL_HOURS)\n",
    "module": "import daybreak_airflow\n{declared}\ndaybreak_airflow.scoring_dag(PARCEL_HOURS)\n",
    "module by another name": "import daybreak_airflow as made\n{declared}\nmade.scoring_dag(PARCEL_HOURS)\n",
    "from where it is": "from daybreak_airflow.scoring import scoring_dag as of\n{declared}\nof(PARCEL_HOURS)\n",
    "all names": "from daybreak_airflow import *\n{declared}\nscoring_dag(PARCEL_HOURS)\n",
    "kept": "from daybreak_airflow import scoring_dag\n{declared}\nmade = scoring_dag(PARCEL_HOURS)\n",
    "in a function": "from daybreak_airflow import scoring_dag\n{declared}\n(lambda: scoring_dag(PARCEL_HOURS))()\n",
}
DECLARED = "from fixture_pipelines.parcel_hours import PARCEL_HOURS"
PIPELINES = sorted(load_pipelines("retail"))
OF_MODELS = ["measure_predictions", "promote_models", "replay_quarantine", "train_models", "watch"]
# What the dag-processor makes of a folder: import errors, the DAGs, and what the pages of the models' DAGs leave out.
# Airflow, which takes seconds to import, is there once; a fork reads the folder for each file that is broken in it.
PARSED = """
import json, os, sys
from pathlib import Path
from airflow.dag_processing.dagbag import DagBag

dags, *declarations = map(Path, sys.argv[1:])
for declaration in declarations:
    sound = declaration.read_text()
    declaration.write_text(sound + "\\nraise OSError('no disk')\\n")
    if os.fork() == 0:
        bag = DagBag(str(dags), safe_mode=True)
        pages = {name: bag.dags[name].doc_md for name in ("train_models", "measure_predictions", "promote_models")}
        errors = sorted(Path(path).name for path in bag.import_errors)
        print(json.dumps([str(declaration), errors, sorted(bag.dags), pages]), flush=True)
        os._exit(0)
    os.wait()
    declaration.write_text(sound)
"""


@pytest.mark.parametrize("style", STYLES)
def test_a_dag_file_is_found_however_it_imports(style: str, tmp_path: Path) -> None:
    from airflow.dag_processing.dagbag import DagBag

    path = tmp_path / "parcels.py"
    path.write_text(STYLES[style].format(declared=DECLARED))
    bag: Any = DagBag(str(tmp_path), safe_mode=True)
    assert bag.import_errors == {}
    assert {dag_id: dag.fileloc for dag_id, dag in bag.dags.items()} == {"parcel_hours": str(path)}


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Copy what the DAGs are made of, break one declaration after the other, and read the DAG files each time."""
    project, home = (tmp_path_factory.mktemp(name) for name in ("project", "home"))
    for folder in ("dags", "plugins", "include"):
        shutil.copytree(PROJECT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    # A pipeline is a module, or a folder of them.
    modules = [project / "include" / "retail" / name for name in PIPELINES]
    files = [module / "__init__.py" if module.is_dir() else module.with_suffix(".py") for module in modules]
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(project / "plugins"),
        "PYTHONPATH": f"{project / 'include'}:{project / 'plugins'}",
    }
    command = [sys.executable, "-c", PARSED, project / "dags", *files]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('["/')]
    found = {file: rest for file, *rest in told}
    assert list(found) == [str(file) for file in files], done.stderr[-2000:]
    return dict(zip(PIPELINES, found.values(), strict=True))


@pytest.mark.parametrize("broken", PIPELINES)
def test_a_broken_pipeline_breaks_its_own_dag_file_and_no_other(broken: str, parsed: dict[str, list[Any]]) -> None:
    errors, dags, pages = parsed[broken]
    assert errors == [f"{broken}.py"]
    assert dags == sorted({*PIPELINES, *OF_MODELS} - {broken})
    for page in pages.values():
        assert f"| **Leaves out** | `retail.{broken}:{broken.upper()}`, which cannot be used" in page
        assert "OSError: no disk" in page
