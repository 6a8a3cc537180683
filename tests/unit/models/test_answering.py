"""Whose probability a prediction is: that of the class that was named, wherever the model has it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from daybreak.declaration.prediction import Label, Prediction
from daybreak.errors import ModelRefused, ScoringFailed
from daybreak.models.answering import Answering

X = pd.DataFrame({"x": np.arange(12.0)})


def classifier(*labels: Label) -> Any:
    """Fit a classifier that finds each of the labels about as often as the others."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(X, np.resize(np.array(labels), len(X)))


def answering(of: Label | None = None, positive: Label | None = None) -> Answering:
    return Answering.by(Prediction("p", 0, 1, method="predict_proba", of=of), positive)


def column(model: Any, how: Answering) -> int:
    """Return which of the model's columns is the answer."""
    how.refuse_other(model, "The model")
    answer, known = how.values(model, X), model.predict_proba(X)
    assert answer.shape == (len(X), 1)
    [found] = [at for at in range(known.shape[1]) if answer.tobytes() == known[:, at].tobytes()]
    return found


@pytest.mark.parametrize(
    ("labels", "named", "at"),
    [
        # scikit-learn sorts its classes: what is positive is not always the second.
        (("Churned", "Stayed"), {"positive": "Churned"}, 0),
        (("No", "Yes"), {"positive": "Yes"}, 1),
        (("lo", "mid", "hi"), {"of": "mid"}, 2),
        (("lo", "mid", "hi"), {"positive": "hi"}, 0),
        ((3, 5, 9), {"of": 5}, 1),
        ((3.0, 5.0), {"of": 3}, 0),
        ((1, 2), {"positive": 1}, 0),
        # Fitted on whether the target is the positive value, whatever that is.
        ((False, True), {"positive": "Churned"}, 1),
        ((False, True), {"positive": False}, 1),
        ((0, 1), {"positive": 0}, 1),
        ((0, 1), {"positive": "Churned"}, 1),
        ((0, 1), {"of": "Churned"}, 1),
        # A class of the model's own.
        ((0, 1), {"of": 0}, 0),
        ((False, True), {"of": False}, 0),
        # Nothing is named: the second of two, as ever.
        (("Churned", "Stayed"), {}, 1),
        ((False, True), {}, 1),
    ],
    ids=str,
)
def test_the_probability_is_that_of_the_named_class(
    labels: tuple[Label, ...], named: dict[str, Label], at: int
) -> None:
    assert column(classifier(*labels), answering(**named)) == at


@pytest.mark.parametrize(
    ("labels", "named", "told"),
    [
        (("Churned", "Stayed"), {"positive": "churned"}, "has the classes 'Churned', 'Stayed', and the probability of"),
        (("0", "1"), {"positive": 1}, "has the classes '0', '1', and the probability of 1 is declared"),
        ((1, 2), {"of": True}, "has the classes 1, 2, and the probability of True is declared"),
        (("lo", "mid", "hi"), {"of": "low"}, "has the classes 'hi', 'lo', 'mid', and the probability of 'low'"),
        (("lo", "mid", "hi"), {}, "has the classes 'hi', 'lo', 'mid', and it is not declared whose probability"),
        ((0, 1, 2), {"positive": "Churned"}, "has the classes 0, 1, 2, and the probability of 'Churned' is declared"),
    ],
    ids=str,
)
def test_a_model_without_the_named_class_is_refused_by_the_classes_it_has(
    labels: tuple[Label, ...], named: dict[str, Label], told: str
) -> None:
    model, how = classifier(*labels), answering(**named)
    with pytest.raises(ModelRefused, match=f"^Model churn {told}") as refused:
        how.refuse_other(model, "Model churn")
    assert "\n" not in str(refused.value)
    with pytest.raises(ModelRefused):
        how.values(model, X)


def test_a_classifier_of_several_targets_and_one_without_the_method_are_refused() -> None:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    several = DummyClassifier().fit(X, np.column_stack([np.arange(12) % 2, np.arange(12) % 3]))
    with pytest.raises(ModelRefused, match="predicts several targets at once"):
        answering().refuse_other(several, "The model")
    with pytest.raises(ModelRefused, match="The model has no method predict_proba"):
        answering().refuse_other(DummyRegressor().fit(X, X["x"]), "The model")


def test_a_classifier_that_saw_one_class_only_is_refused() -> None:
    from sklearn.dummy import DummyClassifier

    model = DummyClassifier().fit(X, np.ones(12))
    with pytest.raises(ModelRefused, match=r"has the classes 1\.0, and it is not declared"):
        answering().refuse_other(model, "The model")
    # Of a model that does not say, what it gives is counted.
    del model.classes_
    model.predict_proba = lambda frame: np.ones((len(frame), 1))
    with pytest.raises(ScoringFailed, match="gave 1 predictions for each row, 2 are declared"):
        answering().values(model, X)


@pytest.mark.parametrize("how", [answering("Churned", None), answering(None, 7), answering(True), answering()], ids=str)
def test_it_travels_between_processes_as_it_is(how: Answering) -> None:
    import json

    again = Answering.from_json(json.loads(json.dumps(how.to_json())))
    assert again == how
    assert type(again.named) is type(how.named)
