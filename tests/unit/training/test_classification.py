"""What a declared classification predicts: its own target, or that of the pipeline."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from daybreak.declaration.prediction import Prediction
from daybreak.errors import ConfigurationError
from daybreak.settings import Settings
from daybreak.training import Classification, Past
from daybreak.workspace import Workspace
from fixture_pipelines import PARCEL_HOURS


def test_a_classification_without_any_target_is_refused_in_one_line(tmp_path: Path) -> None:
    workspace = Workspace(Settings(home=tmp_path))
    past = Past(workspace, replace(PARCEL_HOURS, target=None), date(2024, 3, 9))
    with pytest.raises(ConfigurationError) as refused:
        Classification(positive="Yes")(past, print)
    assert str(refused.value) == (
        "parcel_hours: Nothing says what the model is to predict. "
        "Next: declare the pipeline's `target`, a column of training.sql, and its `positive` value, or `classes` "
        "of its prediction."
    )


@pytest.mark.parametrize(
    ("prediction", "told"),
    [
        (Prediction("p", 0, 1, method="predict_proba", of="Yes"), "publishes the probability of 'Yes'"),
        (Prediction("p", 0, 1, method="predict_proba", classes=("Yes", "No")), "publishes more than one number"),
        (Prediction("p", 0, 1, quantiles=(0.1, 0.9)), "publishes more than one number"),
    ],
)
def test_a_classification_for_anything_but_its_positive_value_is_refused(
    prediction: Prediction, told: str, tmp_path: Path
) -> None:
    declared = replace(PARCEL_HOURS, measures=None, measured_by=None, prediction=prediction)
    past = Past(Workspace(Settings(home=tmp_path)), declared, date(2024, 3, 9))
    with pytest.raises(ConfigurationError, match=told):
        Classification(positive="Yes")(past, print)
