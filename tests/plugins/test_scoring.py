"""A pipeline's DAG follows from its declaration, and what a DAG file gives beside it wins."""

from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from airflow.sdk import DAG, Param

from daybreak.declaration.pipeline import Pipeline, Push
from daybreak.declaration.prediction import Prediction
from daybreak.declaration.segments import ModelRef, PerSegment
from daybreak.errors import ConfigurationError
from daybreak_airflow import scoring_dag, stages

PUBLISHED = Pipeline(
    name="shelf_demand",
    description="Units that each shelf will sell.",
    timezone="Asia/Tokyo",
    entity_key=("shelf",),
    model=ModelRef("shelf_demand"),
    prediction=Prediction("units", low=0, high=10),
    expectations="shelves:suite",
    training="shelves:train",
)
PUSHED = replace(PUBLISHED, push=Push(connection="tills", offers="shelves:Offers", scores="shelves:scores"))
DOWNSTREAM = replace(PUBLISHED, name="shelf_orders", upstream="shelf_demand")
PUSHED_DOWNSTREAM = replace(PUSHED, name="shelf_offers", upstream="shelf_demand")
SHADOWED = replace(PUBLISHED, shadow="challenger")
PER_SEGMENT = replace(PUBLISHED, model=PerSegment("aisle", {"cold": ModelRef("cold"), "dry": ModelRef("dry")}))
EVERY = {
    "published": PUBLISHED,
    "pushed": PUSHED,
    "downstream": DOWNSTREAM,
    "pushed downstream": PUSHED_DOWNSTREAM,
    "shadowed": SHADOWED,
    "per segment": PER_SEGMENT,
}
STAGES = ["plan", "extract", "validate"]


@pytest.fixture(params=EVERY.values(), ids=EVERY)
def pipeline(request: pytest.FixtureRequest) -> Any:
    return request.param


def read_back(dag: DAG) -> Any:
    """Return the DAG as the scheduler has it."""
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(DagSerialization.to_dict(dag))


def edges(dag: DAG) -> dict[str, set[str]]:
    return {task.task_id: set(task.downstream_task_ids) for task in dag.tasks}


def values(dag: DAG) -> dict[str, Any]:
    return deepcopy(dag.params).dump()


def test_it_is_named_described_and_shown_as_declared(pipeline: Pipeline) -> None:
    dag = read_back(scoring_dag(pipeline))
    assert (dag.dag_id, dag.description) == (pipeline.name, pipeline.description)
    assert dag.dag_display_name == pipeline.display_name
    assert dag.start_date == datetime(2017, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert not dag.catchup
    assert dag.max_active_runs == 4
    assert {task.retries for task in dag.tasks} == {5}


def test_a_failed_run_is_closed_in_the_ledger(pipeline: Pipeline) -> None:
    assert scoring_dag(pipeline).on_failure_callback == [stages.close_run]


def test_what_is_published_is_scored_first_and_then_made_current() -> None:
    assert edges(scoring_dag(PUBLISHED)) == {
        "plan": {"extract", "validate", "score", "publish"},
        "extract": {"validate"},
        "validate": {"score"},
        "score": {"publish"},
        "publish": set(),
    }


def test_what_is_pushed_is_one_task_and_leaves_nothing_staged() -> None:
    dag = scoring_dag(PUSHED)
    assert edges(dag)["push"] == {"discard"}
    assert set(edges(dag)) == {*STAGES, "push", "discard"}
    assert dag.get_task("discard").is_teardown
    assert {task.task_id for task in dag.tasks if task.is_setup} == set(STAGES)
    assert not any(task.outlets for task in dag.tasks)


def test_a_shadow_comes_after_the_publication() -> None:
    dag = scoring_dag(SHADOWED)
    assert dag.get_task("shadow").upstream_task_ids == {"plan", "validate", "publish"}
    assert "shadow" not in scoring_dag(PUBLISHED).task_ids


def test_without_an_upstream_it_runs_after_midnight_of_its_own_zone() -> None:
    timetable = read_back(scoring_dag(PUBLISHED)).timetable
    assert (type(timetable).__name__, timetable.calendar.timezone) == ("PartitionTimetable", "Asia/Tokyo")


@pytest.mark.parametrize("pipeline", [DOWNSTREAM, PUSHED_DOWNSTREAM], ids=["published", "pushed"])
def test_with_an_upstream_it_runs_when_that_has_published_the_partition(pipeline: Pipeline) -> None:
    timetable = read_back(scoring_dag(pipeline)).timetable
    [(_, asset)] = timetable.asset_condition.iter_assets()
    assert (asset.name, asset.uri) == ("predictions.shelf_demand", "daybreak://predictions/shelf_demand")
    mapper = timetable.get_partition_mapper(name=asset.name, uri=asset.uri)
    assert mapper.to_downstream("2026-06-30") == "2026-06-30"


@pytest.mark.parametrize(
    ("pipeline", "names"),
    [
        (PUBLISHED, ["model_version", "backfill_policy", "allow_leakage"]),
        (PER_SEGMENT, ["backfill_policy", "allow_leakage"]),
        (PUSHED, ["model_version", "backfill_policy", "allow_leakage", "push_backfill", "resume", "dry_run"]),
    ],
    ids=["published", "per segment", "pushed"],
)
def test_a_run_can_be_told_what_its_pipeline_can_do(pipeline: Pipeline, names: list[str]) -> None:
    assert list(scoring_dag(pipeline).params) == names


def test_its_asset_is_in_the_declared_group_and_its_upstreams_too() -> None:
    grouped = replace(DOWNSTREAM, group="shelves")
    dag = read_back(scoring_dag(grouped))
    [outlet] = dag.get_task("publish").outlets
    [(_, waited_for)] = dag.timetable.asset_condition.iter_assets()
    assert (outlet.group, waited_for.group) == ("shelves", "shelves")
    [outlet] = scoring_dag(PUBLISHED).get_task("publish").outlets
    assert (outlet.name, outlet.uri, outlet.group) == (
        "predictions.shelf_demand",
        "daybreak://predictions/shelf_demand",
        "predictions",
    )


def test_owner_tags_and_title_are_shown_as_declared() -> None:
    dag = scoring_dag(replace(PUBLISHED, owner="stores", tags=("daily", "shelves"), title="Shelves, tomorrow"))
    assert dag.owner == "stores"
    assert set(dag.tags) == {"daybreak", "publish", "daily", "shelves"}
    assert dag.dag_display_name == "Shelves, tomorrow"
    assert set(scoring_dag(PUSHED).tags) == {"daybreak", "push"}


def test_without_an_owner_it_is_airflows_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "owner" not in scoring_dag(PUBLISHED).default_args
    assert scoring_dag(PUBLISHED).owner == "airflow"


# What is given, and what the DAG has then.
OVERRIDES: dict[str, Any] = {
    "dag_id": "another_id",
    "dag_display_name": "Another name",
    "description": "Another description.",
    "schedule": None,
    "start_date": datetime(2020, 2, 2, tzinfo=ZoneInfo("UTC")),
    "end_date": datetime(2030, 2, 2, tzinfo=ZoneInfo("UTC")),
    "catchup": True,
    "max_active_runs": 1,
    "max_active_tasks": 2,
    "dagrun_timeout": timedelta(hours=1),
    "tags": {"mine"},
    "owner_links": {"airflow": "https://example.org"},
    "is_paused_upon_creation": False,
    "on_success_callback": print,
    "fail_fast": False,
}


@pytest.mark.parametrize("name", OVERRIDES)
def test_an_argument_that_is_given_wins(name: str) -> None:
    dag = scoring_dag(PUBLISHED, **{name: OVERRIDES[name]})
    assert getattr(dag, name) == OVERRIDES[name]
    # And nothing else is changed by it.
    assert set(edges(dag)) == {*STAGES, "score", "publish"}


def test_default_arguments_win_key_by_key() -> None:
    dag = scoring_dag(replace(PUBLISHED, owner="stores"), default_args={"retries": 1, "queue": "slow"})
    task = dag.get_task("score")
    assert (task.retries, task.queue, task.owner) == (1, "slow", "stores")
    assert task.retry_delay == timedelta(seconds=15)
    assert task.retry_policy is not None
    assert scoring_dag(replace(PUBLISHED, owner="stores"), default_args={"owner": "night"}).owner == "night"


def test_parameters_are_added_to_ours_and_win_key_by_key() -> None:
    dag = scoring_dag(PUBLISHED, params={"region": "east", "backfill_policy": Param("as_of", type="string")})
    assert values(dag) == {
        "model_version": None,
        "backfill_policy": "as_of",
        "allow_leakage": False,
        "region": "east",
    }


def test_a_value_that_is_given_for_one_of_our_parameters_keeps_its_form() -> None:
    from airflow.sdk.exceptions import ParamValidationError

    param = scoring_dag(PUBLISHED, params={"allow_leakage": True}).params.get_param("allow_leakage")
    assert (param.resolve(), param.schema["type"]) == (True, "boolean")
    with pytest.raises(ParamValidationError, match="model_version"):
        scoring_dag(PUBLISHED, params={"model_version": "the newest"})


def test_what_one_dag_is_given_shows_in_no_other() -> None:
    scoring_dag(PUBLISHED, params={"allow_leakage": True, "region": "east"}, default_args={"retries": 0})
    other = scoring_dag(PUBLISHED)
    assert values(other) == {"model_version": None, "backfill_policy": None, "allow_leakage": False}
    assert other.get_task("plan").retries == 5


def tell(context: Any) -> None:
    """Stand for a callback of a user's own."""


@pytest.mark.parametrize("given", [tell, [tell], (tell,)], ids=["one", "list", "tuple"])
def test_a_callback_of_a_failed_run_is_called_beside_ours(given: Any) -> None:
    assert scoring_dag(PUBLISHED, on_failure_callback=given).on_failure_callback == [stages.close_run, tell]


@pytest.mark.parametrize("name", ["params", "default_args", "on_failure_callback"])
def test_none_in_the_place_of_what_is_merged_leaves_ours(name: str) -> None:
    assert getattr(scoring_dag(PUBLISHED, **{name: None}), name) == getattr(scoring_dag(PUBLISHED), name)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("shedule", "write schedule."),
        ("schedule_interval", "write schedule."),
        ("owner", "write owner_links."),
        ("concurrency", "take it out of the DAG file."),
        ("self", "take it out of the DAG file."),
    ],
)
def test_an_argument_that_airflow_does_not_have_is_refused_in_our_words(name: str, advice: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        scoring_dag(PUBLISHED, **{name: 1})
    assert str(refused.value) == f"Airflow's DAG has no argument '{name}'. Next: {advice}"


@pytest.mark.parametrize("wrong", ["shelf_demand", None, {"name": "shelf_demand"}, Pipeline])
def test_what_is_no_pipeline_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"which is no Pipeline\. Next: give it the pipeline's constant"):
        scoring_dag(wrong)


def test_a_time_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"no time zone 'Mars/Olympus'\. Next: "):
        scoring_dag(replace(PUBLISHED, timezone="Mars/Olympus"))


def test_it_survives_the_way_to_the_database(pipeline: Pipeline) -> None:
    dag = scoring_dag(pipeline)
    again = read_back(dag)
    assert sorted(again.task_ids) == sorted(dag.task_ids)
    assert type(again.timetable).__name__ == type(dag.timetable).__name__
    assert again.doc_md == dag.doc_md
