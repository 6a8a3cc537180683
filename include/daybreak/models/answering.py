"""Answering: what a model says to rows, as the numbers that are declared. Whoever scores asks here."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.prediction import Label, Prediction, same
from daybreak.errors import ModelRefused, ScoringFailed

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class AsksElsewhere(ABC):
    """A model that is not in this process: it is asked there, by what is declared."""

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Whether it will answer no more."""

    @abstractmethod
    def values(self, answering: "Answering", frame: "pd.DataFrame") -> "np.ndarray":
        """Return what ``Answering.values`` would of a model of this process."""

    @abstractmethod
    def refuse_other(self, answering: "Answering", called: str) -> None:
        """Refuse, now or with the first question, a model that does not have what is declared."""


@dataclass(frozen=True)
class Answering:
    """Which of a model's numbers are the predictions.

    ``named`` is the class whose probability it is, None for the second of two. ``positive`` tells that it is a value of
    the pipeline's target: a training may have fitted whether the target is that one. With ``classes`` it is the
    position of the most probable one, and then the probability of each; with ``quantiles`` that which is nearest to a
    half, and then each.
    """

    method: str
    named: Label | None = None
    positive: bool = False
    classes: tuple[Label, ...] = ()
    quantiles: tuple[float, ...] = ()
    main: int = 0

    @staticmethod
    def by(prediction: Prediction, positive: Label | None = None) -> "Answering":
        """Return how a prediction is made; ``positive`` is the value of the target that its pipeline declares."""
        named = prediction.of if positive is None else positive
        if prediction.classes:
            return Answering(prediction.method, classes=tuple(prediction.classes))
        if prediction.quantiles:
            return Answering(prediction.method, quantiles=prediction.quantiles, main=prediction.main)
        return Answering(prediction.method, named, positive is not None)

    @staticmethod
    def of(pipeline: Pipeline) -> "Answering":
        """Return how a pipeline's predictions are made."""
        return Answering.by(pipeline.prediction, pipeline.positive)

    def values(self, model: Any, frame: "pd.DataFrame") -> "np.ndarray":
        """Return a row of float64 for each row of the frame: the main value, and further ones.

        One that is asked elsewhere, ``AsksElsewhere``, is handed the frame.

        Raises ScoringFailed where the model gives other rows or columns than are declared, ModelRefused where it has
        other classes.
        """
        import numpy as np

        if isinstance(model, AsksElsewhere):
            return model.values(self, frame)
        known = _classes(model) if self.method == "predict_proba" else None
        columns = [] if self.method != "predict_proba" else self._columns(known, "The model")
        answer = _matrix(getattr(model, self.method)(frame), len(frame))
        if self.quantiles:
            _refuse_columns(answer, len(self.quantiles))
            # Models of one quantile each cross where these lie close together. In order they are never farther from
            # what happens: Chernozhukov, Fernández-Val and Galichon, Quantile and probability curves without crossing.
            ordered = np.sort(answer, axis=1)
            return np.column_stack([ordered[:, self.main], ordered])
        if not columns:
            _refuse_columns(answer, 1)
            return answer
        _refuse_columns(answer, 2 if known is None else len(known))
        chosen = answer[:, columns]
        return np.column_stack([chosen.argmax(axis=1), chosen]) if self.classes else chosen

    def refuse_other(self, model: Any, called: str) -> None:
        """Refuse a model that does not have the classes that are declared; ``called`` is what a message calls it.

        Raises ModelRefused.
        """
        if isinstance(model, AsksElsewhere):
            model.refuse_other(self, called)
        elif not hasattr(model, self.method):
            raise ModelRefused(
                f"{called} has no method {self.method}.",
                next_step="declare the `method` of its prediction that the model has, or train one that has it.",
            )
        elif self.method == "predict_proba":
            self._columns(_classes(model), called)

    def _columns(self, classes: list[Label] | None, called: str) -> list[int]:
        """Return the columns of the classes that are declared, in the declaration's order."""
        told = "does not say which classes it has" if classes is None else f"has the classes {_shown(classes)}"
        if not self.classes:
            return [self._column(classes, called, told)]
        found = [at for label in self.classes for at, known in enumerate(classes or ()) if same(label, known)]
        if classes is None or len(found) < max(len(self.classes), len(classes)):
            raise ModelRefused(
                f"{called} {told}, and {_shown(self.classes)} are declared.",
                next_step="declare the classes that it has, or train it on a target that has those.",
            )
        return found

    def _column(self, classes: list[Label] | None, called: str, told: str) -> int:
        """Return the column of the class that is named."""
        if classes is None:
            if self.named is None:
                return 1  # of two, or it is refused by what it gives
            raise _other_classes(called, told, self.named)
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
        lists = {name: tuple(value[name]) for name in ("classes", "quantiles")}
        return Answering(**{**value, **lists})


def _classes(model: Any) -> list[Label] | None:
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


def _refuse_columns(answer: "np.ndarray", wanted: int) -> None:
    if answer.shape[1] != wanted:
        raise ScoringFailed(
            f"The model gave {answer.shape[1]} predictions for each row, {wanted} "
            f"{'is' if wanted == 1 else 'are'} declared.",
            next_step="register a model that predicts one value for each row, or declare what the others are "
            "(`classes`, `quantiles` of the prediction)."
            if wanted == 1
            else "register a model that gives as many, or declare those that it gives.",
        )


def _shown(labels: Sequence[Label]) -> str:
    shown = [repr(label) for label in labels[:20]]
    return ", ".join(shown) + (f" and {len(labels) - 20} more" if len(labels) > 20 else "")


def _other_classes(called: str, told: str, wanted: Label) -> ModelRefused:
    return ModelRefused(
        f"{called} {told}, and the probability of {wanted!r} is declared.",
        next_step="name a class that it has in the declaration (`of`, or `positive`), or train it on that target.",
    )
