"""The DAG that promotes: judged, then asked, then moved."""

from typing import TYPE_CHECKING, Any

import pytest

from daybreak.declaration.loading import load_pipelines

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag


@pytest.fixture(scope="module")
def dag(bag: "DagBag") -> Any:
    return bag.dags["promote_models"]


def test_nothing_is_moved_before_a_person_was_asked(dag: Any) -> None:
    assert sorted(dag.task_ids) == ["ask", "judge", "settle"]
    assert dag.get_task("ask").upstream_task_ids == {"judge"}
    assert dag.get_task("settle").upstream_task_ids == {"judge", "ask"}
    assert {str(task.trigger_rule.value) for task in dag.tasks} == {"all_success"}


def test_a_person_can_approve_and_reject(dag: Any) -> None:
    ask = dag.get_task("ask")
    assert ask.options == ["Approve", "Reject"]
    assert ask.multiple is False
    assert ask.response_timeout is None


def test_any_pipeline_can_be_named_and_nothing_else(dag: Any) -> None:
    assert dag.params.get_param("pipeline").schema["enum"] == list(load_pipelines("retail"))


def test_one_of_several_models_can_be_named_and_need_not_be(dag: Any) -> None:
    assert dag.params.get_param("model").resolve() is None
    assert dag.params.get_param("model").resolve("customer_recommendations_loyal")
    assert dag.get_task("judge").op_args[1] == "{{ params.model or '' }}"


def test_it_starts_when_asked_for_and_at_no_other_time(dag: Any) -> None:
    assert dag.schedule is None
