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


CLASSES = Answering.by(Prediction("c", 0, 1, method="predict_proba", classes=("lo", "mid", "hi")))
NUMBERED = Answering.by(Prediction("c", 0, 1, method="predict_proba", classes={3: "three", 5: "five"}))
QUANTILES = Answering.by(Prediction("q", 0, 9, quantiles=(0.1, 0.4, 0.9)))


class Says:
    """Gives the answers that it is made of, whatever it is asked."""

    def __init__(self, *answers: list[float], classes: list[Label] | None = None) -> None:
        self.answers = np.array(answers, dtype=np.float64)
        if classes:
            self.classes_ = np.array(classes)

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return self.answers

    predict_proba = predict


def test_all_classes_are_given_in_the_declarations_order_after_the_most_probable() -> None:
    model = Says([0.1, 0.7, 0.2], [0.2, 0.4, 0.4], [1.0, 0.0, 0.0], classes=["hi", "lo", "mid"])
    CLASSES.refuse_other(model, "The model")
    # The first of two that are as probable.
    expected = [[0, 0.7, 0.2, 0.1], [0, 0.4, 0.4, 0.2], [2, 0.0, 0.0, 1.0]]
    assert CLASSES.values(model, X[:3]).tolist() == expected
    assert NUMBERED.values(Says([0.1, 0.9], classes=[3, 5]), X[:1]).tolist() == [[1, 0.1, 0.9]]


@pytest.mark.parametrize(
    "classes", [["lo", "mid"], ["lo", "mid", "high"], ["hi", "lo", "mid", "none"], [0, 1], None], ids=str
)
def test_a_model_of_other_classes_than_are_declared_is_refused(classes: list[Label] | None) -> None:
    model = Says([0.2] * len(classes or "abc"), classes=classes)
    told = f"has the classes {', '.join(map(repr, classes))}" if classes else "does not say which classes it has"
    with pytest.raises(ModelRefused, match=f"Model c {told}, and 'lo', 'mid', 'hi' are declared"):
        CLASSES.refuse_other(model, "Model c")
    with pytest.raises(ModelRefused):
        CLASSES.values(model, X[:1])


def test_quantiles_follow_the_one_nearest_to_a_half_and_those_that_cross_are_put_in_order() -> None:
    model = Says([1.0, 2.0, 3.0], [2.0, 1.0, 3.0], [3.0, 2.0, 1.0], [np.nan, 1.0, 2.0])
    found = QUANTILES.values(model, X[:4])
    assert found[:3].tolist() == [[2.0, 1.0, 2.0, 3.0]] * 3
    # What is no number is not put aside: the row fails.
    assert np.isnan(found[3]).any()


@pytest.mark.parametrize("answer", [[1.0], [1.0, 2.0], [1.0, 2.0, 3.0, 4.0]], ids=len)
def test_another_number_of_quantiles_is_refused(answer: list[float]) -> None:
    with pytest.raises(ScoringFailed, match=f"gave {len(answer)} predictions for each row, 3 are declared"):
        QUANTILES.values(Says(answer), X[:1])


def test_quantiles_come_out_of_models_side_by_side_bit_for_bit() -> None:
    from sklearn.ensemble import HistGradientBoostingRegressor, VotingRegressor

    models = [(f"q{q}", HistGradientBoostingRegressor(loss="quantile", quantile=q / 10)) for q in (1, 4, 9)]
    voting = VotingRegressor(models).fit(X, X["x"])
    how = Answering.by(Prediction("q", 0, 99, method="transform", quantiles=(0.1, 0.4, 0.9)))
    alone = np.sort(np.column_stack([model.predict(X) for model in voting.estimators_]), axis=1)
    assert how.values(voting, X)[:, 1:].tobytes() == alone.tobytes()


@pytest.mark.parametrize(
    "how",
    [answering("Churned", None), answering(None, 7), answering(True), answering(), CLASSES, NUMBERED, QUANTILES],
    ids=str,
)
def test_it_travels_between_processes_as_it_is(how: Answering) -> None:
    import json

    again = Answering.from_json(json.loads(json.dumps(how.to_json())))
    assert again == how
    assert type(again.named) is type(how.named)
