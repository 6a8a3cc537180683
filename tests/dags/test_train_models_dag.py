"""The DAG that trains: one group of tasks for each pipeline, when it runs, what a person can tell it."""

from copy import deepcopy
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from daybreak.declaration.loading import load_pipelines
from daybreak.errors import ModelRefused, SourceRefused, WarehouseUnavailable

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

GROUP = ["pipeline.due", "pipeline.train", "pipeline.challenge"]
NAMES = list(load_pipelines("retail"))


@pytest.fixture(scope="module")
def dag(bag: "DagBag") -> Any:
    return bag.dags["train_models"]


@pytest.fixture(scope="module")
def read_back(dag: Any) -> Any:
    """Return the DAG as the scheduler has it."""
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(DagSerialization.to_dict(dag))


def test_there_is_one_mapped_group_of_tasks_for_each_pipeline(dag: Any) -> None:
    from airflow.sdk.definitions.taskgroup import MappedTaskGroup

    assert sorted(dag.task_ids) == sorted(["choose", *GROUP])
    assert isinstance(dag.task_group.get_child_by_label("pipeline"), MappedTaskGroup)
    for before, after in zip(["choose", *GROUP], GROUP, strict=False):
        assert after in dag.get_task(before).downstream_task_ids


def test_every_declared_pipeline_is_trained(dag: Any) -> None:
    assert dag.get_task("choose").op_args == (NAMES,)


def test_one_pipeline_is_trained_at_a_time_because_a_search_uses_every_core(dag: Any) -> None:
    assert dag.get_task("pipeline.train").max_active_tis_per_dagrun == 1
    assert dag.max_active_runs == 1


def test_it_runs_on_monday_morning_and_when_measurements_ask(read_back: Any) -> None:
    from airflow.timetables.assets import AssetOrTimeSchedule

    timetable = read_back.timetable
    assert type(timetable) is AssetOrTimeSchedule
    assert type(timetable.timetable).__name__ == "CronTriggerTimetable"
    assert timetable.timetable.summary == "0 7 * * 1"
    assert timetable.can_be_scheduled
    # Any one of them, not all.
    assert type(timetable.asset_condition).__name__ == "SerializedAssetAny"
    assets = dict(timetable.asset_condition.iter_assets())
    # Those that declare when to retrain are those that measurements may ask for.
    watched = [name for name, pipeline in load_pipelines("retail").items() if pipeline.retrain]
    assert {asset.uri for asset in assets.values()} == {f"daybreak://retraining/{name}" for name in watched}


def test_the_next_run_by_time_is_the_next_monday(read_back: Any) -> None:
    from airflow.timetables.base import TimeRestriction
    from pendulum import instance

    zone = ZoneInfo("America/New_York")
    after = instance(datetime(2026, 11, 17, 12, tzinfo=zone))
    found = read_back.timetable.next_dagrun_info(
        last_automated_data_interval=None, restriction=TimeRestriction(after, None, catchup=True)
    )
    assert found.run_after == datetime(2026, 11, 23, 7, tzinfo=zone)


def test_the_dag_hears_events_without_a_partition(read_back: Any) -> None:
    # An event with a partition's key would start no run of a DAG that is not partitioned.
    assert not read_back.timetable.partitioned


def test_a_person_can_name_pipelines_and_the_last_day_and_leave_the_search_out(dag: Any) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    params = deepcopy(dag.params)
    assert {name: params[name] for name in params} == {"pipelines": [], "through": None, "search": True}
    params["through"] = "2026-11-01"
    params["pipelines"] = ["demand_forecast"]
    params.validate()
    for name, wrong in (("through", "yesterday"), ("through", 3), ("pipelines", "all"), ("search", "no")):
        with pytest.raises(ParamValidationError):
            params.get_param(name).resolve(wrong)


def test_the_documentation_names_every_parameter(dag: Any) -> None:
    for name in dag.params:
        assert f"`{name}`" in dag.doc_md, name


@pytest.mark.parametrize("task_id", ["choose", *GROUP])
def test_what_is_refused_is_not_tried_again_and_what_was_unavailable_is(dag: Any, task_id: str) -> None:
    policy = dag.get_task(task_id).retry_policy
    for refused in (SourceRefused("Empty.", next_step="load it."), ModelRefused("Worse.", next_step="look.")):
        assert policy.evaluate(refused, 1, 5).action.value == "fail"
    unavailable = WarehouseUnavailable("Gone.", next_step="wait.")
    assert policy.evaluate(unavailable, 1, 5).action.value == "default"


@pytest.mark.parametrize(("events", "wanted"), [(["demand_forecast"], ["demand_forecast"]), (None, NAMES)])
def test_an_event_trains_only_the_pipeline_that_it_asks_for(
    dag: Any, monkeypatch: pytest.MonkeyPatch, events: list[str] | None, wanted: list[str]
) -> None:
    from daybreak_airflow import training
    from daybreak_airflow.assets import retraining

    run = SimpleNamespace(run_type=SimpleNamespace(value="scheduled" if events is None else "asset_triggered"))
    context = {
        "dag_run": run,
        "params": {"pipelines": []},
        "triggering_asset_events": {retraining(name): [object()] for name in events or ()},
    }
    monkeypatch.setattr(training, "get_current_context", lambda: context)
    assert dag.get_task("choose").python_callable(NAMES) == wanted


@pytest.mark.parametrize("task_id", GROUP)
def test_each_task_of_a_group_is_shown_under_its_pipelines_name(dag: Any, task_id: str) -> None:
    """A template that names what the task is not given fails the task when its work is done."""
    task = dag.get_task(task_id)
    [given] = task.op_kwargs
    assert task.op_args == ()
    assert f"task.op_kwargs['{given}']" in task.map_index_template
