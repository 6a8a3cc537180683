"""Every DAG file: it parses, documents itself, declares only."""

import ast
import re
from typing import TYPE_CHECKING

import pytest

from daybreak.declaration.pipeline import load_pipelines
from daybreak.settings import PROJECT

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

FILES = {path.stem: path for path in sorted((PROJECT / "dags").glob("*.py"))}
# DAGs of the models' life: they have no partition of their own.
OF_MODELS = {"train_models", "measure_predictions", "promote_models"} & FILES.keys()


def test_the_dags_are_exactly_these(bag: "DagBag") -> None:
    assert bag.import_errors == {}
    # Every declared pipeline has its DAG, those that `daybreak new` has made too.
    assert set(bag.dags) == {"daily_promotions", "demand_forecast", *load_pipelines("retail"), *OF_MODELS}


def test_a_dag_is_named_like_its_file_and_its_pipeline(bag: "DagBag") -> None:
    assert sorted(bag.dags) == sorted(FILES)
    assert set(bag.dags) - OF_MODELS <= set(load_pipelines("retail"))


@pytest.mark.parametrize("dag_id", FILES)
def test_the_documentation_in_the_ui_is_the_modules_docstring(bag: "DagBag", dag_id: str) -> None:
    docstring = ast.get_docstring(ast.parse(FILES[dag_id].read_text()), clean=False)
    doc_md = bag.dags[dag_id].doc_md
    assert docstring is not None
    assert doc_md is not None
    assert doc_md.strip() == docstring.strip()
    for word in ("again", "fails") if dag_id in OF_MODELS else ("partition", "again", "fails", "`plan`"):
        assert word in doc_md.lower()


@pytest.mark.parametrize("dag_id", FILES)
def test_the_documentation_names_every_task_and_parameter(bag: "DagBag", dag_id: str) -> None:
    dag = bag.dags[dag_id]
    # A task of a group is named without its group.
    names = [name.rpartition(".")[2] for name in dag.task_ids]
    for name in [*names, *(dag.params if dag_id in OF_MODELS else ["model_version"])]:
        assert f"`{name}`" in (dag.doc_md or ""), name


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
    for path in [*FILES.values(), *(PROJECT / "plugins").rglob("*.py")]:
        text = path.read_text()
        assert not re.search(r"data_interval|logical_date|[\"'](ds|ts)(_nodash)?[\"']|@daily", text), path.name
