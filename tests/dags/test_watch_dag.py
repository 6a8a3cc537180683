"""The DAG that watches: every few minutes, one look at a time, and on from the start."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag


@pytest.fixture(scope="module")
def dag(bag: "DagBag") -> Any:
    return bag.dags["watch"]


def test_it_looks_every_five_minutes_and_never_twice_at_once(dag: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert again.timetable.summary == "*/5 * * * *"
    assert (dag.max_active_runs, dag.catchup) == (1, False)
    # One that hangs ends before the next one is due.
    assert timedelta(0) < dag.dagrun_timeout < timedelta(minutes=5)


def test_it_is_switched_on_by_itself_and_a_look_that_fails_is_left_to_the_next(dag: Any) -> None:
    assert dag.is_paused_upon_creation is False
    assert [(task.task_id, task.retries) for task in dag.tasks] == [("look", 0)]
