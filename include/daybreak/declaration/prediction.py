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

    def contradiction(self, beside: Iterable[str]) -> str | None:
        """Say what of it cannot be, None where all can; ``beside`` are the other columns that are published."""
        kinds = [*(["labels"] * bool(self.labels)), *(["all classes"] * bool(self.classes))]
        kinds += [*(["quantiles"] * bool(self.quantiles)), *(["one class"] * (self.of is not None))]
        if kinds[1:]:
            return f"a prediction of {' and of '.join(kinds)}, and it can be of one of them"
        if self.labels and (self.low, self.high) != (0, len(self.labels) - 1):
            return f"{len(self.labels)} labels and a range other than 0 to {len(self.labels) - 1}"
        if (self.classes or self.of is not None) and self.method != "predict_proba":
            return f"{kinds[0]}, whose probability '{self.method}' does not give: it takes method=\"predict_proba\""
        if self.quantiles and self.method == "predict_proba":
            return "quantiles, and a method that gives probabilities"
        return self._wrong_classes() or self._wrong_quantiles() or self._wrong_columns(tuple(beside))

    def _wrong_classes(self) -> str | None:
        classes = tuple(self.classes)
        if not classes:
            return None
        if len(classes) == 1:
            return "a single class, of which every row is"
        if len(set(map(str, classes))) < len(classes):
            return f"two classes of one name among {', '.join(map(repr, classes))}"
        if (self.low, self.high) != (0, 1):
            return "all classes and a range other than 0 to 1, which is that of their probabilities"
        return None

    def _wrong_quantiles(self) -> str | None:
        if any(isinstance(q, str | bool) or not 0 < q < 1 for q in self.quantiles):
            return "a quantile that is not between 0 and 1"
        if list(self.quantiles) != sorted(set(self.quantiles)):
            return "quantiles that are not in ascending order, each once"
        return None

    def _wrong_columns(self, beside: tuple[str, ...]) -> str | None:
        named = 'name the columns of the classes: classes={"a": "column_of_a", …}'
        for label, name in zip(self.classes or self.quantiles, self.further, strict=True):
            if not name or name == f"{self.column}_":
                return f"class {label!r}, of whose name no column's can be made: {named}"
            if name in beside or name in RESERVED or self.columns.count(name) > 1:
                advice = f": {named}" if self.classes else ""
                return f"two columns '{name}', one of them of {label!r} in its prediction{advice}"
        return None


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
