"""A pipeline is found by name, and a declaration that cannot be used is refused with what there is."""

import subprocess
import sys
from dataclasses import FrozenInstanceError, replace

import pytest

from daybreak.declaration.pipeline import Retrain, find_pipeline, load_function, load_pipelines
from daybreak.errors import ConfigurationError
from fixture_pipelines import PARCEL_CARRIERS, PARCEL_HOURS

HEAVY = ["pandas", "sklearn", "great_expectations", "mlflow", "pyarrow", "numpy", "airflow"]


def test_a_pipeline_is_found_by_name() -> None:
    assert find_pipeline("fixture_pipelines", PARCEL_HOURS.name) is PARCEL_HOURS


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"no pipeline 'orders'.*choose from .*parcel_hours"):
        find_pipeline("fixture_pipelines", "orders")


@pytest.mark.parametrize("module", ["no_such_module", "json"])
def test_a_module_without_pipelines_is_refused(module: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"module '{module}'.*DAYBREAK_PIPELINES"):
        load_pipelines(module)


@pytest.mark.parametrize("reference", ["no_such_module:suite", "json:no_such_function", "json", ""])
def test_a_function_that_cannot_be_imported_is_refused(reference: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be imported"):
        load_function(reference)


def test_a_function_is_imported_by_module_and_name() -> None:
    assert load_function("daybreak.declaration.pipeline:load_function") is load_function


def test_a_declaration_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        PARCEL_HOURS.name = "other"  # type: ignore[misc]


def test_the_retailers_pipelines_hold_together() -> None:
    for name, pipeline in load_pipelines("retail").items():
        assert name.isidentifier()
        assert pipeline.entity_key
        assert pipeline.prediction.low < pipeline.prediction.high
        assert 0 <= pipeline.max_quarantined_share < 1
        assert 0 <= pipeline.max_failed_share < 1
        assert callable(load_function(pipeline.expectations))
        assert callable(load_function(pipeline.training))


def test_a_model_per_segment_is_watched_only_where_everything_says_whose_rows_they_are() -> None:
    watched = replace(PARCEL_CARRIERS, retrain=Retrain(), measures="ranking", measured_by="parcel_class")
    with pytest.raises(ConfigurationError, match="does not carry parcel_class"):
        replace(watched, carries=())
    with pytest.raises(ConfigurationError, match="is not measured by parcel_class"):
        replace(watched, measured_by="depot")
    assert replace(watched, measures=None, measured_by=None).retrain


def test_declaring_pipelines_imports_nothing_heavy() -> None:
    script = f"import sys, retail; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
