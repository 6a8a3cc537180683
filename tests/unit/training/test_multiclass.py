"""What is learnt of several classes: which rows a model is fitted on, what it has to beat, and rare classes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from daybreak.declaration.prediction import Label, Prediction
from daybreak.errors import SourceRefused
from daybreak.models.answering import Answering
from daybreak.training.multiclass import multiclass
from daybreak.training.over_keys import LEAST_TO_CHOOSE, learn
from daybreak.training.train import refuse_no_better
from daybreak.training.trained import Trained
from fixture_pipelines import PARCEL_HOURS

COUNT = 700


def declared(classes: Sequence[Label]) -> object:
    return replace(
        PARCEL_HOURS,
        name="claims",
        entity_key=("claim",),
        target="cause",
        positive=None,
        measured_by=None,
        measures="class",
        prediction=Prediction("cause_told", 0, 1, method="predict_proba", classes=tuple(classes)),
    )


def claims(labels: Sequence[Label], other: Sequence[Label | None] = (), *, rare: int = 0) -> pa.Table:
    """Make claims whose label follows from their amount; the last label has ``rare`` of them, ``other`` come first."""
    draw = np.random.default_rng(3)
    amount = draw.uniform(0, len(labels) - 1 if rare else len(labels), COUNT)
    told = [labels[int(each)] for each in amount]
    for position in range(rare):
        told[-1 - position * 7] = labels[-1]
    told[: len(other)] = other
    return pa.table(
        {
            "claim": [f"C{n:04d}" for n in range(COUNT)],
            "amount": amount,
            "cause": pa.array(told),
            "as_of": pa.repeat(pa.scalar(date(2026, 3, 2)), COUNT),
        }
    )


def learned(rows: pa.Table, classes: Sequence[Label]) -> Trained:
    pipeline = declared(classes)
    return learn(pipeline, rows, "cause", "as_of", multiclass(pipeline, "cause"), lambda step: None)  # type: ignore[arg-type]


@pytest.mark.parametrize("labels", [("b", "a", 'it\'s "ç"'), (3, 1, 2)], ids=["texts", "codes"])
def test_each_class_has_its_probability_whatever_its_label(labels: Sequence[Label]) -> None:
    trained = learned(claims(labels), labels)
    answers = Answering("predict_proba", classes=tuple(labels)).values(
        trained.model, trained.sample.head(3).assign(amount=[0.5, 1.5, 2.5])
    )
    assert answers[:, 0].tolist() == [0, 1, 2]
    assert answers[:, 1:].sum(axis=1) == pytest.approx(1)
    assert trained.metrics["log_loss"] < 0.3 < trained.baseline["log_loss"]
    assert [c.name for c in trained.candidates if "frequencies" in c.name] == ["class frequencies"]
    refuse_no_better(declared(labels), "claims", trained)  # type: ignore[arg-type]


def test_rows_of_no_declared_class_are_not_fitted_and_are_measured_as_wrong() -> None:
    classes = ("a", "b", "c")
    plain, other = learned(claims(classes), classes), learned(claims(classes, ["x"] * 40 + [None] * 5), classes)
    assert other.model.classes_.tolist() == ["a", "b", "c"]
    assert other.metrics["share_right"] < plain.metrics["share_right"] - 0.02
    assert other.unseen is not None
    assert (other.unseen.actual == -1).any()  # type: ignore[union-attr]


def test_where_a_class_is_rare_the_candidates_are_compared_on_folds_that_each_have_some_of_it() -> None:
    classes = ("a", "b", "rare")
    trained = learned(claims(classes, rare=30), classes)
    on_folds = [c for c in trained.candidates if c.measured_on == "stratified folds"]
    assert len(on_folds) == 3
    [best] = [c for c in on_folds if c.chosen]
    assert best.metrics["log_loss"] == min(c.metrics["log_loss"] for c in on_folds)
    assert trained.parameters["model"] == best.name
    assert LEAST_TO_CHOOSE > 30 / 5


@pytest.mark.parametrize(
    ("classes", "problem"),
    [(("a", "b", "gone"), "cause is 'gone' in none of the"), (tuple("defghij"), "and 2 more in none of the")],
)
def test_a_class_that_no_row_has_is_refused_by_name(classes: Sequence[Label], problem: str) -> None:
    with pytest.raises(SourceRefused, match=problem) as refused:
        learned(claims(("a", "b")), classes)
    assert "`classes`" in str(refused.value)
