"""The DAGs of the models' life are made for the pipelines that a module declares, and what a file gives wins."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daybreak.errors import ConfigurationError
from daybreak_airflow import measuring_dag, promoting_dag, training_dag, watching_dag

MAKERS: dict[str, Callable[..., Any]] = {
    "train_models": lambda module, **given: training_dag(module, timezone="Asia/Tokyo", **given),
    "measure_predictions": lambda module, **given: measuring_dag(module, timezone="Asia/Tokyo", **given),
    "promote_models": promoting_dag,
    "watch": watching_dag,
}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return MAKERS[request.param]


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the name of a module without pipelines, as before the first one is made."""
    (tmp_path / "no_pipelines_yet.py").write_text("PIPELINES = ()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "no_pipelines_yet"
    sys.modules.pop("no_pipelines_yet", None)


def read_back(dag: Any) -> Any:
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(DagSerialization.to_dict(dag))


@pytest.mark.parametrize("dag_id", MAKERS)
def test_each_is_named_for_what_it_does_and_says_for_which_pipelines(dag_id: str) -> None:
    dag = read_back(MAKERS[dag_id]("fixture_pipelines", doc_md="Special."))
    assert dag.dag_id == dag_id
    assert dag.doc_md.startswith("Special.\n\n| | |\n")
    if dag_id != "measure_predictions":
        assert "`parcel_hours`, `parcel_classes` and `parcel_carriers` |" in dag.doc_md
    assert "Leaves out" not in dag.doc_md


def test_without_a_pipeline_each_is_there_and_has_nothing_to_do(make: Callable[..., Any], nothing: str) -> None:
    dag = read_back(make(nothing))
    assert dag.tasks
    assert "no pipeline |" in dag.doc_md


@pytest.mark.parametrize("dag_id", MAKERS)
def test_where_no_module_is_named_it_is_that_of_the_settings(dag_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBREAK_PIPELINES", "fixture_pipelines")
    assert MAKERS[dag_id](None).doc_md == MAKERS[dag_id]("fixture_pipelines").doc_md


def test_what_a_file_gives_wins(make: Callable[..., Any]) -> None:
    dag = make("fixture_pipelines", schedule=None, tags={"mine"}, params={"note": "x"}, default_args={"retries": 0})
    assert (dag.schedule, dag.tags) == (None, {"mine"})
    assert "note" in dag.params
    assert {task.retries for task in dag.tasks} == {0}


def test_what_airflow_does_not_have_is_refused(make: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"no argument 'tag'\. Next: write tags\."):
        make("fixture_pipelines", tag="mine")


def test_a_module_that_declares_no_pipelines_is_refused(make: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match="No pipelines are declared in module 'json'"):
        make("json")
