"""Prediction: which numbers of a model's answer are published, in which columns, and what they may be."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

# A class, as a classifier knows it: the value of a target.
Label = str | int | float | bool
# Columns that a table or a view of predictions has besides, or actuals have.
RESERVED = frozenset(
    {
        "run_id",
        "partition_date",
        "partition_start",
        "model_name",
        "model_version",
        "leakage_allowed",
        "published_at",
        "upstream_run_id",
        "rank",
        "actual",
    }
)


@dataclass(frozen=True)
class Prediction:
    """The output contract: the predicted column and the closed range its values must lie in.

    ``method`` is the model's: ``predict``, ``transform``, or ``predict_proba`` for the probability of a class: that
    which ``of`` names, else the pipeline's ``positive``, else the second of two. With ``labels`` the model predicts
    their positions, from 0, and the labels are what is published.

    With ``classes``, all that the classifier knows, ``column`` holds the most probable one and
    ``<column>_<class>`` the probability of each; a mapping says other names for these columns. With ``quantiles``
    the model gives one number for each, and ``<column>_q05`` is what an actual is below in 5 % of all rows; they are
    put in order where they cross. ``column`` repeats the quantile that is nearest to a half.
    """

    column: str
    low: float
    high: float
    method: str = "predict"
    labels: tuple[str, ...] = ()
    of: Label | None = None
    classes: tuple[Label, ...] | Mapping[Label, str] = ()
    quantiles: tuple[float, ...] = ()

    @cached_property
    def further(self) -> tuple[str, ...]:
        """The columns that are published beside ``column``, all of them numbers."""
        if isinstance(self.classes, Mapping):
            return tuple(self.classes.values())
        if self.classes:
            return tuple(f"{self.column}_{plain(str(label))}" for label in self.classes)
        return tuple(f"{self.column}_q{percent(quantile)}" for quantile in self.quantiles)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are published, the one with the main value first."""
        return self.column, *self.further

    @property
    def texts(self) -> tuple[str, ...]:
        """What is published for the positions that the main value stands for; nothing where it is a number."""
        return self.labels or tuple(map(str, self.classes))

    @property
    def main(self) -> int:
        """Which of the quantiles ``column`` repeats: that nearest to a half, the lower one of two."""
        return min(range(len(self.quantiles)), key=lambda at: (abs(self.quantiles[at] - 0.5), at))


def prediction_problem(prediction: Prediction, beside: Iterable[str]) -> str | None:
    """Say what of a prediction cannot be; ``beside`` are the columns of extract.sql that are published too."""
    parts = {
        "labels": prediction.labels,
        "all classes": prediction.classes,
        "quantiles": prediction.quantiles,
        "one class": prediction.of is not None,
    }
    kinds = [kind for kind, declared in parts.items() if declared]
    if kinds[1:]:
        return f"a prediction of {' and of '.join(kinds)}, and it can be of one of them"
    if prediction.labels and (prediction.low, prediction.high) != (0, len(prediction.labels) - 1):
        return f"{len(prediction.labels)} labels and a range other than 0 to {len(prediction.labels) - 1}"
    if (prediction.classes or prediction.of is not None) and prediction.method != "predict_proba":
        return f"{kinds[0]}, whose probability '{prediction.method}' does not give: it takes method=\"predict_proba\""
    if prediction.quantiles and prediction.method == "predict_proba":
        return "quantiles, and a method that gives probabilities"
    return _wrong_classes(prediction) or _wrong_quantiles(prediction) or _wrong_columns(prediction, tuple(beside))


def same(one: Label, other: Label) -> bool:
    """Tell whether two labels are one: a text is no number, and True is not 1."""
    kinds = [(isinstance(label, str), isinstance(label, bool)) for label in (one, other)]
    return kinds[0] == kinds[1] and one == other


def plain(label: str) -> str:
    """Write a class as a part of a column's name that needs no quotes: what is no letter or digit becomes one _."""
    letters = unicodedata.normalize("NFKD", label.lower().replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", letters).strip("_")


def percent(quantile: float) -> str:
    """Write a quantile as percent, 0.05 as ``05`` and 0.025 as ``02_5``."""
    whole, _, rest = f"{Decimal(str(quantile)) * 100:f}".partition(".")
    rest = rest.rstrip("0")
    return whole.zfill(2) + (f"_{rest}" if rest else "")


def _wrong_classes(prediction: Prediction) -> str | None:
    classes = tuple(prediction.classes)
    if not classes:
        return None
    if len(classes) == 1:
        return "a single class, of which every row is"
    if len(set(map(str, classes))) < len(classes):
        return f"two classes of one name among {', '.join(map(repr, classes))}"
    if (prediction.low, prediction.high) != (0, 1):
        return "all classes and a range other than 0 to 1, which is that of their probabilities"
    return None


def _wrong_quantiles(prediction: Prediction) -> str | None:
    quantiles = prediction.quantiles
    if any(isinstance(quantile, str | bool) or not 0 < quantile < 1 for quantile in quantiles):
        return "a quantile that is not between 0 and 1"
    if list(quantiles) != sorted(set(quantiles)):
        return "quantiles that are not in ascending order, each once"
    return None


def _wrong_columns(prediction: Prediction, beside: tuple[str, ...]) -> str | None:
    named = 'name the columns of the classes: classes={"a": "column_of_a", …}'
    for label, name in zip(prediction.classes or prediction.quantiles, prediction.further, strict=True):
        if not name or name == f"{prediction.column}_":
            return f"class {label!r}, of whose name no column's can be made: {named}"
        if name in beside or name in RESERVED or prediction.columns.count(name) > 1:
            advice = f": {named}" if prediction.classes else ""
            return f"two columns '{name}', one of them of {label!r} in its prediction{advice}"
    return None
