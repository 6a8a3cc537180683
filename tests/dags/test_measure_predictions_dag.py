"""The DAG that measures: one mapped task, every pipeline that says what it measures, every day."""

from typing import TYPE_CHECKING, Any

import pytest

from daybreak.declaration.loading import load_pipelines

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag


@pytest.fixture(scope="module")
def dag(bag: "DagBag") -> Any:
    return bag.dags["measure_predictions"]


def test_there_is_one_mapped_task_for_each_pipeline_that_measures(dag: Any) -> None:
    declared = load_pipelines("retail").items()
    watched = [f"watch.{name}" for name, pipeline in declared if pipeline.retrain]
    assert sorted(dag.task_ids) == ["measure", *sorted(watched)]
    mapped = dag.get_task("measure").op_kwargs_expand_input.value["pipeline"]
    assert mapped == [name for name, pipeline in declared if pipeline.measures]
    assert {"demand_forecast", "daily_promotions"} <= set(mapped)


def test_it_runs_once_a_day_in_the_stores_zone(dag: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert again.timetable.summary == "0 6 * * *"
    assert str(again.timetable.serialize()["timezone"]) == "America/New_York"
    assert dag.max_active_runs == 1


def test_a_pipeline_that_declares_when_to_retrain_is_watched_once_all_were_measured(dag: Any) -> None:
    watched = [name for name, pipeline in load_pipelines("retail").items() if pipeline.retrain]
    assert watched
    for name in watched:
        task = dag.get_task(f"watch.{name}")
        assert task.upstream_task_ids == {"measure"}
        assert [asset.name for asset in task.outlets] == [f"retraining.{name}"]
        # One pipeline that could not be measured keeps no other one from being watched.
        assert str(task.trigger_rule.value) == "all_done"
