"""Answering: what a model says to rows, as the numbers that are declared. Whoever scores asks here."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.prediction import Label, Prediction, same
from daybreak.errors import ModelRefused, ScoringFailed

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Answering:
    """Which of a model's numbers are the predictions.

    ``named`` is the class whose probability it is, None for the second of two. ``positive`` tells that it is a value of
    the pipeline's target: a training may have fitted whether the target is that one.
    """

    method: str
    named: Label | None = None
    positive: bool = False

    @staticmethod
    def by(prediction: Prediction, positive: Label | None = None) -> "Answering":
        """Return how a prediction is made; ``positive`` is the value of the target that its pipeline declares."""
        named = prediction.of if positive is None else positive
        return Answering(prediction.method, named, positive is not None)

    @staticmethod
    def of(pipeline: Pipeline) -> "Answering":
        """Return how a pipeline's predictions are made."""
        return Answering.by(pipeline.prediction, pipeline.positive)

    def values(self, model: Any, frame: "pd.DataFrame") -> "np.ndarray":
        """Return a row of float64 for each row of the frame: the main value, and further ones.

        Raises ScoringFailed where the model gives other rows or columns than are declared, ModelRefused where it has
        other classes.
        """
        import numpy as np

        if self.method == "predict_proba":
            chosen = self._column(_classes(model), "The model")
            answer = _matrix(model.predict_proba(frame), len(frame))
            if chosen >= answer.shape[1]:
                raise _columns(answer, chosen + 1)
            return np.ascontiguousarray(answer[:, [chosen]])
        answer = _matrix(getattr(model, self.method)(frame), len(frame))
        if answer.shape[1] != 1:
            raise _columns(answer, 1)
        return answer

    def refuse_other(self, model: Any, called: str) -> None:
        """Refuse a model that does not have the classes that are declared; ``called`` is what a message calls it.

        Raises ModelRefused.
        """
        if not hasattr(model, self.method):
            raise ModelRefused(
                f"{called} has no method {self.method}.",
                next_step="declare the `method` of its prediction that the model has, or train one that has it.",
            )
        if self.method == "predict_proba":
            self._column(_classes(model), called)

    def _column(self, classes: list[Any] | None, called: str) -> int:
        """Return the column of the class that is named."""
        if classes is None:
            if self.named is None:
                return 1  # it says nothing of them
            raise _other_classes(called, "does not say which classes it has", self.named)
        told = f"has the classes {_shown(classes)}"
        # A training that fitted whether the target is the positive value knows that value as True or 1.
        outcome = len(classes) == 2 and classes[0] == 0 and classes[1] == 1
        if len(classes) == 2 and (self.named is None or (outcome and self.positive)):
            return 1
        if self.named is None:
            raise ModelRefused(
                f"{called} {told}, and it is not declared whose probability is published.",
                next_step='name one of them, Prediction(…, of="…"), or all: Prediction(…, classes=(…)).',
            )
        for at, label in enumerate(classes):
            if same(label, self.named):
                return at
        if outcome:
            return 1
        raise _other_classes(called, told, self.named)

    def to_json(self) -> dict[str, Any]:
        """Turn it into what can travel between processes."""
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Answering":
        """Read what ``to_json`` wrote."""
        return Answering(**value)


def _classes(model: Any) -> list[Any] | None:
    """Return the classes that a classifier knows, in the order of its probabilities; None where it does not say."""
    import numpy as np

    found = getattr(model, "classes_", None)
    if found is None:
        return None
    if isinstance(found, list) or np.ndim(found) != 1:
        raise ModelRefused(
            "The model predicts several targets at once, each with classes of its own.",
            next_step="train a model for each target.",
        )
    return list(np.asarray(found).tolist())


def _matrix(answer: Any, rows: int) -> "np.ndarray":
    import numpy as np

    found = np.asarray(answer, dtype=np.float64)
    if found.ndim not in (1, 2) or len(found) != rows:
        shape = " by ".join(map(str, found.shape))
        raise ScoringFailed(
            f"The model gave {shape} predictions for {rows} rows.",
            next_step="register a model that predicts one value for each row.",
        )
    return found.reshape(rows, -1)


def _columns(answer: "np.ndarray", wanted: int) -> ScoringFailed:
    return ScoringFailed(
        f"The model gave {answer.shape[1]} predictions for each row, {wanted} "
        f"{'is' if wanted == 1 else 'are'} declared.",
        next_step="register a model that predicts one value for each row, or declare what the others are "
        "(`classes`, `quantiles` of the prediction).",
    )


def _shown(labels: "list[Any] | tuple[Any, ...]") -> str:
    shown = [repr(label) for label in labels[:20]]
    return ", ".join(shown) + (f" and {len(labels) - 20} more" if len(labels) > 20 else "")


def _other_classes(called: str, told: str, wanted: Label) -> ModelRefused:
    return ModelRefused(
        f"{called} {told}, and the probability of {wanted!r} is declared.",
        next_step="name a class that it has in the declaration (`of`, or `positive`), or train it on that target.",
    )
