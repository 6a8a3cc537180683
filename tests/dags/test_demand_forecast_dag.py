"""The demand forecast's DAG: order, schedule, parameters, retries, asset."""

from copy import deepcopy
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from daybreak.errors import (
    ConfigurationError,
    ExpectationsFailed,
    ModelRefused,
    PartitionRefused,
    PublicationRefused,
    ScoringFailed,
    SourceRefused,
    WarehouseUnavailable,
)

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

TASKS = ["plan", "extract", "validate", "score", "publish", "shadow"]
TERMINAL = [
    ConfigurationError,
    ExpectationsFailed,
    ModelRefused,
    PartitionRefused,
    PublicationRefused,
    ScoringFailed,
    SourceRefused,
]


@pytest.fixture(scope="module")
def dag(bag: "DagBag") -> Any:
    return bag.dags["demand_forecast"]


def test_the_tasks_run_in_the_order_of_the_stages(dag: Any) -> None:
    assert sorted(dag.task_ids) == sorted(TASKS)
    for before, after in pairwise(TASKS):
        assert after in dag.get_task(before).downstream_task_ids
    assert dag.get_task("plan").upstream_task_ids == set()
    # What the challenger makes of the rows comes after the publication, and delays nothing.
    assert dag.get_task("shadow").upstream_task_ids == {"plan", "validate", "publish"}
    assert dag.get_task("shadow").downstream_task_ids == set()
    assert dag.get_task("score").upstream_task_ids == {"plan", "validate"}


def test_a_task_runs_only_where_all_before_it_succeeded(dag: Any) -> None:
    assert {str(task.trigger_rule.value) for task in dag.tasks} == {"all_success"}


def test_the_schedule_is_the_days_of_the_stores_zone(dag: Any) -> None:
    assert (dag.timetable.partitioned, dag.timetable.summary) == (True, "daily, America/New_York")


def test_the_first_day_lies_before_every_partition_a_person_may_ask_for(dag: Any) -> None:
    assert dag.start_date == datetime(2017, 1, 1, tzinfo=ZoneInfo("America/New_York"))


@pytest.mark.parametrize("task_id", TASKS)
@pytest.mark.parametrize("error", TERMINAL, ids=[kind.__name__ for kind in TERMINAL])
def test_a_terminal_error_is_not_retried(dag: Any, task_id: str, error: type[Exception]) -> None:
    policy = dag.get_task(task_id).retry_policy
    decision = policy.evaluate(error("Wrong.", next_step="mend it."), 1, 5)  # type: ignore[call-arg]
    assert decision.action.value == "fail"
    assert decision.reason


@pytest.mark.parametrize(
    "error", [WarehouseUnavailable("Gone.", next_step="wait."), ConnectionError("reset"), MemoryError(), RuntimeError()]
)
def test_any_other_error_is_retried_as_the_task_says(dag: Any, error: BaseException) -> None:
    for task_id in TASKS:
        assert dag.get_task(task_id).retry_policy.evaluate(error, 1, 5).action.value == "default"


def test_retries_wait_longer_each_time_and_come_to_an_end(dag: Any) -> None:
    for task_id in TASKS:
        task = dag.get_task(task_id)
        waits = [
            min(task.retry_delay * task.retry_exponential_backoff**n, task.max_retry_delay) for n in range(task.retries)
        ]
        assert waits == sorted(waits)
        assert waits[0] < waits[-1]
        assert timedelta(minutes=5) <= sum(waits, timedelta()) <= timedelta(minutes=30)


def test_the_policy_survives_the_way_to_the_scheduler(dag: Any) -> None:
    from airflow.sdk import ExceptionRetryPolicy

    for task_id in TASKS:
        again = ExceptionRetryPolicy.deserialize(dag.get_task(task_id).retry_policy.serialize())
        assert again.evaluate(SourceRefused("Empty.", next_step="load it."), 1, 5).action.value == "fail"


def test_the_dag_survives_the_way_to_the_database(dag: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert sorted(again.task_ids) == sorted(TASKS)
    assert type(again.timetable).__name__ == "PartitionTimetable"


def test_a_person_can_force_a_model_version_and_accept_leakage(dag: Any) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    params = deepcopy(dag.params)
    assert {name: params[name] for name in params} == {
        "model_version": None,
        "backfill_policy": None,
        "allow_leakage": False,
    }
    params["model_version"] = 3
    params.validate()
    for wrong in (0, "three", 1.5):
        with pytest.raises(ParamValidationError):
            params.get_param("model_version").resolve(wrong)


def test_only_publishing_updates_the_asset(dag: Any) -> None:
    outlets = {task.task_id: [asset.name for asset in task.outlets] for task in dag.tasks if task.outlets}
    assert outlets == {"publish": ["predictions.demand_forecast"]}


def test_a_failed_run_is_closed_in_the_ledger(dag: Any) -> None:
    from daybreak_airflow import stages

    assert dag.on_failure_callback is stages.close_run or stages.close_run in dag.on_failure_callback
