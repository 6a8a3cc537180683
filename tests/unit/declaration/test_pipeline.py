"""A declaration that contradicts itself, or that cannot be shown or imported, is refused."""

import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from daybreak.declaration.functions import function_name, load_function
from daybreak.declaration.loading import load_pipelines
from daybreak.declaration.pipeline import Push, Retrain
from daybreak.declaration.row_rules import RowRules
from daybreak.errors import ConfigurationError
from fixture_pipelines import PARCEL_CARRIERS, PARCEL_HOURS

HEAVY = ["pandas", "sklearn", "great_expectations", "mlflow", "pyarrow", "numpy", "airflow"]


@pytest.mark.parametrize("reference", ["no_such_module:suite", "json:no_such_function", "json", ""])
def test_a_function_that_cannot_be_imported_is_refused(reference: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be imported"):
        load_function(reference)


def test_a_function_is_imported_by_module_and_name() -> None:
    assert load_function("daybreak.declaration.pipeline:load_function") is load_function


def test_a_function_is_declared_as_it_is_or_by_name() -> None:
    rules = RowRules(rows=(1, 2))
    declared = replace(PARCEL_HOURS, expectations=rules, training=load_function, training_rows="json:loads")
    assert load_function(declared.expectations) is rules
    assert load_function(declared.training) is load_function
    names = (declared.expectations, declared.training, declared.training_rows or "", print)
    assert [function_name(one) for one in names] == ["RowRules", "load_function", "json:loads", "print"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"expectations": None}, "None as its expectations"),
        ({"expectations": RowRules}, "as its expectations, which is neither a function nor the name of one"),
        ({"training": 3}, "3 as its training, which is neither"),
        ({"training_rows": ["a:b"]}, "['a:b'] as its training_rows"),
        ({"push": Push(connection="c", offers="m:O", scores={})}, "{} as its scores"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_called_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        replace(PARCEL_HOURS, **changes)
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


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


def test_a_pipeline_is_called_by_its_title_or_by_its_name_in_words() -> None:
    assert PARCEL_HOURS.display_name == "Parcel hours"
    assert replace(PARCEL_HOURS, title="Hours, per parcel").display_name == "Hours, per parcel"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"owner": ""}, "'' as its owner"),
        ({"owner": "two\nlines"}, "as its owner, which is no line of 1 to 200 characters"),
        ({"owner": 7}, "7 as its owner"),
        ({"title": " Hours"}, "' Hours' as its title"),
        ({"title": "x" * 201}, "as its title, which is no line of 1 to 200 characters"),
        ({"group": ""}, "'' as its asset's group"),
        ({"group": None}, "None as its asset's group"),
        ({"tags": "daily"}, "'daily' as its tags, which is no tuple of texts"),
        ({"tags": None}, "None as its tags"),
        ({"tags": ("daily", "")}, "'' as a tag"),
        ({"tags": ("x" * 101,)}, "as a tag, which is no line of 1 to 100 characters"),
        ({"tags": (3,)}, "3 as a tag"),
        ({"push": Push(connection="c", offers="m:O", scores="m:s"), "group": "offers"}, "a push, which has none"),
    ],
)
def test_what_airflow_cannot_show_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        replace(PARCEL_HOURS, **changes)
    assert problem in str(refused.value)
    assert "Next: mend the pipeline's declaration." in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_airflow_can_show_is_taken() -> None:
    shown = replace(PARCEL_HOURS, owner="Größe & Söhne", tags=("täglich", "x" * 100), group="paketdienst", title="時間")
    assert (shown.owner, shown.display_name) == ("Größe & Söhne", "時間")


def test_declaring_pipelines_imports_nothing_heavy() -> None:
    script = "import sys; from daybreak.declaration.loading import load_pipelines; assert load_pipelines('retail'); "
    script += f"print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_declaring_rules_and_a_training_in_place_imports_no_library_at_all() -> None:
    script = "import sys; from daybreak import EventTable, Pipeline, RowRules, StateTable; "
    script += "from daybreak.training import Classification; Classification(positive=1); RowRules(rows=(1, 2)); "
    script += f"print([name for name in {[*HEAVY, 'sqlalchemy', 'pydantic']} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
