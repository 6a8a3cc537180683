"""The two customer DAGs: the segments' publication of a partition starts the recommendations of the same one."""

from copy import deepcopy
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

TASKS = ["plan", "extract", "validate", "score", "publish"]
DAGS = ["customer_segments", "customer_recommendations"]


@pytest.mark.parametrize("dag_id", DAGS)
def test_the_tasks_run_in_the_order_of_the_stages(bag: "DagBag", dag_id: str) -> None:
    dag = bag.dags[dag_id]
    assert sorted(dag.task_ids) == sorted(TASKS)
    for before, then in pairwise(TASKS):
        assert then in dag.get_task(before).downstream_task_ids
    assert {str(task.trigger_rule.value) for task in dag.tasks} == {"all_success"}


@pytest.mark.parametrize("dag_id", DAGS)
def test_only_publishing_updates_the_asset(bag: "DagBag", dag_id: str) -> None:
    outlets = {task.task_id: [asset.name for asset in task.outlets] for task in bag.dags[dag_id].tasks if task.outlets}
    assert outlets == {"publish": [f"predictions.{dag_id}"]}


def test_the_segments_run_daily(bag: "DagBag") -> None:
    assert type(bag.dags["customer_segments"].timetable).__name__ == "PartitionTimetable"


def test_each_partition_of_the_segments_starts_the_same_one_of_the_recommendations(bag: "DagBag") -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    dag = DagSerialization.from_dict(DagSerialization.to_dict(bag.dags["customer_recommendations"]))
    timetable: Any = dag.timetable
    assert type(timetable).__name__ == "PartitionedAssetTimetable"
    [asset] = [asset for _, asset in timetable.asset_condition.iter_assets()]
    assert asset.name == "predictions.customer_segments"
    mapper = timetable.get_partition_mapper(name=asset.name, uri=asset.uri)
    assert mapper.to_downstream("2026-06-30") == "2026-06-30"


def test_a_version_can_be_forced_on_the_one_model_and_not_on_a_model_per_segment(bag: "DagBag") -> None:
    params = {dag_id: deepcopy(bag.dags[dag_id].params) for dag_id in DAGS}
    assert {dag_id: {name: found[name] for name in found} for dag_id, found in params.items()} == {
        "customer_segments": {"model_version": None, "backfill_policy": None, "allow_leakage": False},
        "customer_recommendations": {"backfill_policy": None, "allow_leakage": False},
    }


@pytest.mark.parametrize("dag_id", DAGS)
def test_a_failed_run_is_closed_in_the_ledger(bag: "DagBag", dag_id: str) -> None:
    from daybreak_airflow import stages

    callback = bag.dags[dag_id].on_failure_callback
    assert callback is stages.close_run or stages.close_run in callback
