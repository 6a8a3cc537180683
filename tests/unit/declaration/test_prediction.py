"""What a prediction declares: its columns by their names, and no contradiction."""

from dataclasses import replace
from typing import Any

import pytest

from daybreak.declaration.pipeline import Pipeline, Push, Top
from daybreak.declaration.prediction import Label, Prediction
from daybreak.errors import ConfigurationError
from fixture_pipelines import PARCEL_HOURS


def classes(*labels: Label, **names: str) -> Prediction:
    return Prediction("speed", 0, 1, method="predict_proba", classes=names or labels)


def quantiles(*quantiles: float, **changes: Any) -> Prediction:
    return replace(Prediction("hours", 0, 9, quantiles=quantiles), **changes)


def declared(prediction: Prediction, **changes: Any) -> Pipeline:
    return replace(PARCEL_HOURS, prediction=prediction, measures=None, measured_by=None, **changes)


@pytest.mark.parametrize(
    ("prediction", "further"),
    [
        (Prediction("v", 0, 1), ()),
        (classes("slow", "fast"), ("speed_slow", "speed_fast")),
        (classes("Very Fast!", "not/at all"), ("speed_very_fast", "speed_not_at_all")),
        (classes("Größe 1", "größer"), ("speed_grosse_1", "speed_grosser")),
        (classes(0, 1, 2), ("speed_0", "speed_1", "speed_2")),
        (classes(False, True), ("speed_false", "speed_true")),
        (classes(1.5, 2.5), ("speed_1_5", "speed_2_5")),
        (classes(slow="p_slow", fast="p_fast"), ("p_slow", "p_fast")),
        (quantiles(0.1, 0.5, 0.9), ("hours_q10", "hours_q50", "hours_q90")),
        (
            quantiles(0.001, 0.025, 0.05, 0.29, 0.975),
            tuple(f"hours_q{q}" for q in ["00_1", "02_5", "05", "29", "97_5"]),
        ),
    ],
    ids=str,
)
def test_each_class_and_each_quantile_has_a_column(prediction: Prediction, further: tuple[str, ...]) -> None:
    assert prediction.further == further
    assert declared(prediction).prediction.columns == (prediction.column, *further)


@pytest.mark.parametrize(
    ("given", "main"), [((0.1, 0.5, 0.9), 0.5), ((0.1, 0.9), 0.1), ((0.2, 0.4, 0.55), 0.55), ((0.9,), 0.9)]
)
def test_the_quantile_nearest_to_a_half_stands_for_all(given: tuple[float, ...], main: float) -> None:
    assert given[quantiles(*given).main] == main


def test_what_is_published_of_positions_are_texts() -> None:
    assert classes("slow", "fast").texts == ("slow", "fast")
    assert classes(1, 2).texts == ("1", "2")
    assert Prediction("v", 0, 1, labels=("a", "b")).texts == ("a", "b")
    assert Prediction("v", 0, 1).texts == ()


@pytest.mark.parametrize(
    ("prediction", "problem"),
    [
        (replace(classes("a", "b"), of="a"), "a prediction of all classes and of one class, and it can be of one"),
        (replace(classes("a", "b"), quantiles=(0.5,)), "a prediction of all classes and of quantiles"),
        (quantiles(0.5, labels=("a", "b")), "a prediction of labels and of quantiles"),
        (Prediction("v", 0, 1, of="a"), "one class, whose probability 'predict' does not give"),
        (Prediction("v", 0, 1, classes=("a", "b")), "all classes, whose probability 'predict' does not give"),
        (quantiles(0.5, method="predict_proba"), "quantiles, and a method that gives probabilities"),
        (classes("a"), "a single class"),
        (classes("1", 1), "two classes of one name among '1', 1"),
        (replace(classes("a", "b"), high=100), "all classes and a range other than 0 to 1"),
        (quantiles(0.0, 0.5), "a quantile that is not between 0 and 1"),
        (quantiles(0.5, 1.0), "a quantile that is not between 0 and 1"),
        (quantiles(10, 90), "a quantile that is not between 0 and 1"),
        (quantiles(0.5, float("nan")), "a quantile that is not between 0 and 1"),
        (quantiles(0.9, 0.1), "quantiles that are not in ascending order"),
        (quantiles(0.1, 0.1), "quantiles that are not in ascending order"),
        (classes("very fast", "very-fast"), "two columns 'speed_very_fast', one of them of 'very fast'"),
        (classes("A", "a"), "two columns 'speed_a', one of them of 'A'"),
        (classes("好", "b"), "class '好', of whose name no column's can be made: name the columns"),
        (classes(a="speed", b="b"), "two columns 'speed', one of them of 'a'"),
        (classes(a="depot", b="b"), "two columns 'depot', one of them of 'a'"),
        (classes(a="zone", b="b"), "two columns 'zone', one of them of 'a'"),
        (classes(a="published_at", b="b"), "two columns 'published_at', one of them of 'a'"),
        (classes(a="actual", b="b"), "two columns 'actual', one of them of 'a'"),
        (classes(a="", b="b"), "class 'a', of whose name no column's can be made"),
        (quantiles(0.5, column="zone"), None),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_where_it_is_declared(prediction: Prediction, problem: str | None) -> None:
    changes: dict[str, Any] = {"carries": ("zone",)}
    if problem is None:
        assert declared(prediction, **changes)  # the tables refuse it, with those of extract.sql
        return
    with pytest.raises(ConfigurationError) as refused:
        declared(prediction, **changes)
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"measures": "amounts", "prediction": classes("a", "b")},
            "a measure of amounts, and all classes as predicted",
        ),
        ({"measures": "class", "prediction": Prediction("v", 0, 1)}, "a measure of class, and no classes as predicted"),
        ({"measures": "probability", "prediction": quantiles(0.5)}, "a measure of probability, and quantiles"),
        (
            {"prediction": classes("a", "b"), "top": Top(3, ("depot",))},
            "a top of all classes, which have no order: name the one that it goes by",
        ),
        (
            {"prediction": classes("a", "b"), "push": Push(connection="c", offers="m:O", scores="m:s")},
            "a push of all classes, which have no order",
        ),
        (
            {"prediction": Prediction("v", 0, 1, method="predict_proba", of="no"), "positive": "yes"},
            "the probability of 'no', and 'yes' as its positive value",
        ),
        (
            {"prediction": Prediction("v", 0, 1, method="predict_proba", of=1), "positive": True},
            "the probability of 1, and True as its positive value",
        ),
    ],
)
def test_a_pipeline_whose_prediction_contradicts_the_rest_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        replace(PARCEL_HOURS, **{"measures": None, "measured_by": None, **changes})


def test_a_named_class_may_be_said_twice() -> None:
    prediction = Prediction("v", 0, 1, method="predict_proba", of="yes")
    assert declared(prediction, positive="yes").positive == "yes"
