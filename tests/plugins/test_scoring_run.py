"""The DAG of the pipelines made for tests, run by Airflow: what is declared is what happens."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from collectors import collecting
from daybreak.settings import Settings
from fixture_pipelines.calendars import PATIENT
from parcels import DAY, SHORT_DAY, Parcels
from processes import environment
from waiting import until

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


def test_an_hour_of_a_day_whose_clocks_change_is_published_under_its_key(
    run: Run, parcels: Parcels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYBREAK_PIPELINES", "fixture_pipelines.calendars")
    assert run(".calendars", "BY_HOUR", "2024-03-10T03") == PUBLISHED
    [(start, rows)] = parcels.rows("SELECT partition_start, count(*) FROM predictions.parcels_by_hour GROUP BY 1")
    # On that day the hour before it is skipped.
    assert start == datetime(2024, 3, 10, 7, tzinfo=UTC)
    handed_in = "SELECT count(*) FROM parcels.handed_in WHERE handed_in_at >= %s AND handed_in_at < %s"
    assert rows == parcels.value(handed_in, start, start + timedelta(hours=1)) > 0


def test_a_plan_waits_for_its_source_without_a_slot_or_a_try_and_goes_on(
    run: Run, parcels: Parcels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYBREAK_PIPELINES", "fixture_pipelines.calendars")
    yesterday = PATIENT.calendar.last_complete(datetime.now(UTC))
    seen: list[tuple[str, int, object]] = []

    def land() -> None:
        """Have the source land once the plan waits, and let Airflow look again at once."""
        from airflow.models.taskinstance import TaskInstance
        from airflow.models.taskreschedule import TaskReschedule
        from airflow.utils.session import create_session

        until(lambda: parcels.last_run()["waiting"], "the plan to wait")
        parcels.execute(
            f"UPDATE parcels.handed_in SET handed_in_at = handed_in_at + (date '{yesterday.key}' - date '2024-03-12') "
            "* interval '1 day' WHERE parcel_id >= 11000"
        )

        def rescheduled() -> bool:
            with create_session() as session:
                looks = session.query(TaskReschedule).all()
                for look in looks:
                    task = session.get(TaskInstance, look.ti_id)
                    seen.append((str(task.state), task.try_number, look.reschedule_date - look.end_date))
                    look.reschedule_date = look.end_date
                return bool(looks)

        until(rescheduled, "Airflow to know of it")

    landing = threading.Thread(target=land)
    landing.start()
    assert run(".calendars", "PATIENT", yesterday.key) == PUBLISHED
    landing.join()
    state, tries, pause = seen[0]
    assert (state, tries) == ("up_for_reschedule", 1)
    assert isinstance(pause, timedelta)
    assert pause > timedelta(minutes=4)
    assert (parcels.last_run()["state"], parcels.last_run()["attempt"]) == ("published", 1)


def test_airflows_lineage_is_told_of_the_run_its_inputs_and_its_outputs(
    run: Run, parcels: Parcels, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("airflow.providers.openlineage", reason="needs requirements/lineage.txt")
    with collecting() as collector:
        monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps({"type": "http", "url": collector.url}))
        assert run(".parcel_hours", "PARCEL_HOURS", str(SHORT_DAY)) == PUBLISHED
    events = [json.loads(body) for _, body in collector.bodies]
    told = {event["job"]["name"]: event for event in events if "daybreak_run" in event["run"]["facets"]}
    assert set(told) == {"parcel_hours.validate", "parcel_hours.publish"}
    validated, published = told["parcel_hours.validate"], told["parcel_hours.publish"]
    assert [one["name"].partition(".")[2] for one in validated["inputs"]] == ["parcels.handed_in"]
    assert validated["run"]["facets"]["test"]["tests"]
    [output] = published["outputs"]
    assert output["name"].partition(".")[2] == "predictions.parcel_hours"
    assert published["run"]["facets"]["daybreak_run"]["run"] == parcels.last_run()["run_id"]
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 400


@pytest.mark.usefixtures("parcels")
def test_a_lineage_collector_that_is_away_fails_no_task(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("airflow.providers.openlineage", reason="needs requirements/lineage.txt")
    transport = {"type": "http", "url": "http://127.0.0.1:9"}  # or one that was there before, and is gone
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps(transport))
    assert run(".parcel_hours", "PARCEL_HOURS", str(SHORT_DAY)) == PUBLISHED


@pytest.mark.usefixtures("parcels", "new_telemetry")
def test_a_task_tells_a_collector_of_its_stages_and_the_last_one_of_the_metrics(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        assert run(".parcel_hours", "PARCEL_HOURS", str(SHORT_DAY)) == PUBLISHED
    told = b"".join(body for path, body in collector.bodies if path == "/v1/traces")
    for stage in PUBLISHED:
        assert f"daybreak.task.{stage}".encode() in told
        assert f"daybreak.{stage}".encode() in told
    assert sum(path == "/v1/metrics" for path, _ in collector.bodies) == 1
