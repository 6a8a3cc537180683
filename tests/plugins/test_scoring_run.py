"""The DAG of the pipelines made for tests, run by Airflow: what is declared is what happens."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daybreak.settings import Settings
from parcels import DAY, SHORT_DAY, Parcels
from processes import environment

Run = Callable[..., dict[str, str]]
PUBLISHED = dict.fromkeys(["plan", "extract", "validate", "score", "publish"], "success")
FILE = '''"""
What is special.
"""

from daybreak_airflow import scoring_dag
from fixture_pipelines{module} import {constant}

scoring_dag({constant}, doc_md=__doc__)
'''


@pytest.fixture(scope="module")
def metadata() -> None:
    """Make the tables of Airflow's own database."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.utils.db import initdb

    initdb()
    DagBundlesManager().sync_bundles_to_db()


@pytest.fixture
def run(metadata: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a pipeline's DAG, of a file as users write it, and tells what became of each task."""
    import airflow.models.dagrun as dagrun
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
    from airflow.serialization.encoders import coerce_to_core_timetable

    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    make = dagrun.get_or_create_dagrun

    def start(module: str, constant: str, partition: str, **params: Any) -> dict[str, str]:
        folder = tmp_path / "dags"
        folder.mkdir()
        (folder / "parcels.py").write_text(FILE.format(module=module, constant=constant))
        bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
        sync_bag_to_db(bag, "dags-folder", None)
        [dag] = bag.dags.values()

        def stamped(*, session: Any, **arguments: Any) -> Any:
            # `dag.test()` knows no partition's key.
            made = make(session=session, **arguments)
            made.partition_key = partition
            made.partition_date = coerce_to_core_timetable(dag.timetable).resolve_partition_date(partition)
            session.merge(made)
            session.commit()
            return made

        monkeypatch.setattr(dagrun, "get_or_create_dagrun", stamped)
        finished = dag.test(logical_date=None, run_conf=params or None)
        return {task.task_id: str(task.state) for task in finished.get_task_instances()}

    return start


def test_every_stage_runs_and_the_day_is_published(run: Run, parcels: Parcels) -> None:
    assert run(".parcel_hours", "PARCEL_HOURS", str(SHORT_DAY)) == PUBLISHED
    assert len(parcels.forecasts(SHORT_DAY)) == 400
    assert parcels.last_run()["origin"].startswith("parcel_hours/")


def test_a_run_can_be_told_a_version_that_is_not_there_and_says_so(run: Run, parcels: Parcels) -> None:
    before = parcels.shown()
    states = run(".parcel_hours", "PARCEL_HOURS", str(DAY), model_version=99)
    assert (states["plan"], states["publish"]) == ("failed", "upstream_failed")
    assert "99" in parcels.last_run()["error"]
    assert parcels.shown() == before
