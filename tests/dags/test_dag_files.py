"""Every DAG file: it parses, documents itself, and is its page and one call."""

import ast
import re
from typing import TYPE_CHECKING

import pytest

from daybreak.declaration.loading import load_pipelines
from daybreak.settings import PROJECT

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

FILES = {path.stem: path for path in sorted((PROJECT / "dags").glob("*.py"))}
# DAGs of the models' life: they have no partition of their own.
OF_MODELS = {"train_models", "measure_predictions", "promote_models", "replay_quarantine", "watch"} & FILES.keys()


def test_the_dags_are_exactly_these(bag: "DagBag") -> None:
    assert bag.import_errors == {}
    # Every declared pipeline has its DAG, those that `daybreak new` has made too.
    assert set(bag.dags) == {"daily_promotions", "demand_forecast", *load_pipelines("retail"), *OF_MODELS}


def test_a_dag_is_named_like_its_file_and_its_pipeline(bag: "DagBag") -> None:
    assert sorted(bag.dags) == sorted(FILES)
    assert set(bag.dags) - OF_MODELS <= set(load_pipelines("retail"))


@pytest.mark.parametrize("dag_id", sorted(OF_MODELS))
def test_a_dag_of_the_models_life_sees_to_the_pipelines_of_the_setting(
    dag_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.dag_processing.dagbag import DagBag

    monkeypatch.setenv("DAYBREAK_PIPELINES", "fixture_pipelines")
    page = DagBag(str(FILES[dag_id])).dags[dag_id].doc_md
    assert page is not None
    assert not [name for name in load_pipelines("retail") if f"`{name}`" in page]
    assert "`parcel_hours`" in page or "no pipeline |" in page


@pytest.mark.parametrize("dag_id", FILES)
def test_the_documentation_in_the_ui_opens_with_the_modules_docstring(bag: "DagBag", dag_id: str) -> None:
    docstring = ast.get_docstring(ast.parse(FILES[dag_id].read_text()), clean=False)
    doc_md = bag.dags[dag_id].doc_md
    assert docstring is not None
    assert doc_md is not None
    assert doc_md.startswith(f"{docstring.strip()}\n\n")
    for word in ("again", "fails") if dag_id in OF_MODELS else ("partition", "fails", "`plan`", "score"):
        assert word in doc_md.lower()


@pytest.mark.parametrize("dag_id", FILES)
def test_the_documentation_names_every_task_and_parameter(bag: "DagBag", dag_id: str) -> None:
    dag = bag.dags[dag_id]
    # A task of a group is named without its group; one of each pipeline by the pipeline.
    for name in [*(name.rpartition(".")[2] for name in dag.task_ids), *dag.params]:
        assert f"`{name}`" in (dag.doc_md or ""), name


@pytest.mark.parametrize("dag_id", FILES)
def test_what_the_declaration_says_is_not_said_again_by_hand(dag_id: str) -> None:
    docstring = ast.get_docstring(ast.parse(FILES[dag_id].read_text())) or ""
    if dag_id not in OF_MODELS:
        for said in ("| **", "If a run fails", "To run a day again", "* `plan`"):
            assert said not in docstring, said


@pytest.mark.parametrize("dag_id", FILES)
def test_a_dag_file_is_its_page_and_one_call(dag_id: str) -> None:
    text = FILES[dag_id].read_text()
    docstring, *imports, call = ast.parse(text).body
    assert isinstance(docstring, ast.Expr)
    assert isinstance(docstring.value, ast.Constant)
    assert all(isinstance(each, ast.ImportFrom) for each in imports)
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert len(text.splitlines()) - (docstring.end_lineno or 0) <= 5


@pytest.mark.parametrize("dag_id", FILES)
def test_the_code_that_the_ui_shows_is_the_dag_file(bag: "DagBag", dag_id: str) -> None:
    assert bag.dags[dag_id].fileloc == str(FILES[dag_id])


def test_an_asset_is_the_same_one_wherever_it_is_named(bag: "DagBag") -> None:
    """Airflow believes the file that it has read last: two that differ about a group would change it all the time."""
    from airflow.serialization.serialized_objects import DagSerialization

    groups: dict[str, set[str]] = {}
    for parsed in bag.dags.values():
        dag = DagSerialization.from_dict(DagSerialization.to_dict(parsed))
        waited_for = [asset for _, asset in dag.timetable.asset_condition.iter_assets()]
        for asset in (*waited_for, *(asset for task in dag.tasks for asset in task.outlets)):
            groups.setdefault(asset.name, set()).add(asset.group)
    assert {"predictions.customer_segments", "retraining.demand_forecast"} <= groups.keys()
    assert {name: found for name, found in groups.items() if len(found) > 1} == {}


@pytest.mark.parametrize("dag_id", FILES)
def test_every_task_says_what_it_does(bag: "DagBag", dag_id: str) -> None:
    for task in bag.dags[dag_id].tasks:
        assert re.match(r"^[A-Z].*\.$", (task.doc or task.doc_md or "").strip(), re.S), task.task_id


@pytest.mark.parametrize("dag_id", FILES)
def test_a_dag_has_no_run_by_itself_that_nobody_asked_for(bag: "DagBag", dag_id: str) -> None:
    dag = bag.dags[dag_id]
    assert not dag.catchup
    assert dag.max_active_runs <= 16
    assert dag.description
    assert dag.tags


@pytest.mark.parametrize("dag_id", FILES)
def test_a_dag_file_computes_nothing(dag_id: str) -> None:
    tree = ast.parse(FILES[dag_id].read_text())
    for node in ast.walk(tree):
        assert not isinstance(node, ast.For | ast.While | ast.Try | ast.With | ast.BinOp), ast.unparse(node)


def test_contexts_that_partitioned_runs_lack_are_not_used() -> None:
    # The timetable's methods have Airflow's own signatures, which name them.
    plugins = {*(PROJECT / "plugins").rglob("*.py")} - {PROJECT / "plugins/daybreak_airflow/partition_timetable.py"}
    for path in [*FILES.values(), *plugins]:
        text = path.read_text()
        assert not re.search(r"data_interval|logical_date|[\"'](ds|ts)(_nodash)?[\"']|@daily", text), path.name
