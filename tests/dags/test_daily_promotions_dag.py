"""The daily promotions' DAG: order, what is removed and when, parameters, retries of what could not be delivered."""

from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from daybreak.errors import DeliveryRefused, DeliveryUnavailable

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

TASKS = ["plan", "extract", "validate", "push", "discard"]


@dataclass(frozen=True)
class _Task:
    """As much of a task instance as Airflow looks at here."""

    task_id: str
    state: str | None = None


@pytest.fixture(scope="module")
def dag(bag: "DagBag") -> Any:
    return bag.dags["daily_promotions"]


@pytest.fixture(scope="module")
def read_back(dag: Any) -> Any:
    """Return the DAG as the scheduler has it."""
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(DagSerialization.to_dict(dag))


def test_the_tasks_run_in_the_order_of_the_stages(dag: Any) -> None:
    assert sorted(dag.task_ids) == sorted(TASKS)
    for before, after in pairwise(TASKS):
        assert after in dag.get_task(before).downstream_task_ids
    assert dag.get_task("plan").upstream_task_ids == set()
    assert dag.get_task("push").upstream_task_ids == {"plan", "validate"}


def test_scoring_and_sending_are_one_task(dag: Any) -> None:
    assert not {"score", "publish"} & set(dag.task_ids)
    assert dag.get_task("push").downstream_task_ids == {"discard"}


def test_a_task_runs_only_where_all_before_it_succeeded_but_what_is_staged_is_always_removed(dag: Any) -> None:
    rules = {task.task_id: str(task.trigger_rule.value) for task in dag.tasks}
    assert rules == {**dict.fromkeys(TASKS[:-1], "all_success"), "discard": "all_done_setup_success"}


def test_the_removal_hides_no_failure(read_back: Any) -> None:
    """What decides on a run's state are its last tasks; a teardown is none of them, so `push` decides."""
    from airflow.models.dagrun import DagRun

    run: Any = None
    tasks: Any = [_Task(name) for name in TASKS]
    deciding = DagRun._tis_for_dagrun_state(run, dag=read_back, tis=tasks)
    assert {task.task_id for task in deciding} == {"push"}
    assert not read_back.get_task("discard").on_failure_fail_dagrun


def test_clearing_the_push_clears_what_it_needs(read_back: Any) -> None:
    """Its snapshot is gone: `push` alone could not run again."""
    cleared = read_back.partial_subset(["push"], include_upstream=False, include_downstream=True)
    assert sorted(cleared.task_ids) == sorted(TASKS)


def test_an_undelivered_push_is_retried_and_a_refused_one_is_not(dag: Any) -> None:
    task = dag.get_task("push")
    assert task.retries >= 3
    unavailable = DeliveryUnavailable("The receiver is down.", next_step="wait.")
    refused = DeliveryRefused("The receiver refused it.", next_step="mend it.")
    assert task.retry_policy.evaluate(unavailable, 1, task.retries).action.value == "default"
    assert task.retry_policy.evaluate(refused, 1, task.retries).action.value == "fail"


def test_by_itself_a_run_forces_no_version_and_sends_no_backfill(dag: Any) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    params = deepcopy(dag.params)
    assert {name: params[name] for name in params} == {
        "model_version": None,
        "backfill_policy": None,
        "allow_leakage": False,
        "push_backfill": False,
        "resume": False,
        "dry_run": False,
    }
    for name in ("allow_leakage", "push_backfill", "dry_run"):
        with pytest.raises(ParamValidationError):
            params.get_param(name).resolve("yes")


def test_the_documentation_says_what_is_kept_and_how_to_resume(dag: Any) -> None:
    for said in ("**Not kept**", "`discard`", "--resume`", "not pushed: backfill", "`push_backfill`", "`dry_run`"):
        assert said in dag.doc_md, said


def test_nothing_is_announced_as_an_asset(dag: Any) -> None:
    assert [task.task_id for task in dag.tasks if task.outlets] == []


def test_a_failed_run_is_closed_in_the_ledger(dag: Any) -> None:
    from daybreak_airflow import stages

    assert dag.on_failure_callback is stages.close_run or stages.close_run in dag.on_failure_callback
