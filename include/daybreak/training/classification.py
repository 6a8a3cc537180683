"""Classification: the training of a pipeline that predicts a probability, as a declaration names it.

Light to import, since a declaration imports it: what it does is in ``classifying``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daybreak.declaration.source_tables import StateTable
from daybreak.errors import ConfigurationError

if TYPE_CHECKING:
    from daybreak.training.past import Past
    from daybreak.training.trained import Trained


@dataclass(frozen=True, kw_only=True)
class Classification:
    """The training of a pipeline that predicts how likely its target is ``positive``; called, it trains.

    Three classifiers are compared on held-out rows; the one to register is that whose probabilities are best by log
    loss. Every column of training.sql but the entity key, the target and ``as_of`` is a feature: a number or a text.
    Rows without a target are left out. ``as_of`` holds the day that a row tells of; the last one is
    ``trained_through``.

    ``target`` and ``positive`` are the pipeline's own where none are given here, and ``as_of`` that of the table of
    states which it reads.

    Where rows tell of partitions one after the other, ``when`` holds the first day of each, and ``last_value`` what the
    target was last, as a number; there is no ``as_of``, and the entity key is a feature. The newest ``days`` are read
    as far as targets are known, the classifiers are compared on folds by time, and the last partitions are held out.
    """

    positive: str | float | None = None
    target: str | None = None
    as_of: str | None = None
    when: str | None = None
    last_value: str | None = None
    days: int = 1_461

    def __call__(self, past: "Past", progress: Callable[[str], None]) -> "Trained":
        """Fit all three on four fifths of the rows and measure them on the others, or on the last partitions."""
        from daybreak.training.classifiers import classifiers
        from daybreak.training.classifying import classify
        from daybreak.training.over_time import Dated, learn_over_time

        declared = past.pipeline
        target = self.target or declared.target
        positive = declared.positive if self.positive is None else self.positive
        published = declared.prediction
        if published.further or (published.of is not None and declared.positive is None):
            raise ConfigurationError(
                f"A Classification learns whether the target is its positive value; {declared.name} publishes "
                + ("more than one number." if published.further else f"the probability of {published.of!r}."),
                next_step="declare that value as the pipeline's `positive`, and not `of`, `classes` or `quantiles`, "
                "or a training of your own.",
                pipeline=declared.name,
            )
        if target is None or positive is None:
            raise ConfigurationError(
                "Nothing says what the model is to predict.",
                next_step="declare the pipeline's `target`, a column of training.sql, and its `positive` value.",
                pipeline=declared.name,
            )
        if self.when and self.last_value:
            dated = Dated(self.when, self.last_value, target, self.days)
            return learn_over_time(past, dated, classifiers(declared, target, positive), progress)
        if self.when or self.last_value:
            raise ConfigurationError(
                "The classification has one of `when` and `last_value`, and not the other.",
                next_step="declare both, or neither where the rows have no time.",
                pipeline=declared.name,
            )
        as_of = self.as_of or (declared.reads.as_of if isinstance(declared.reads, StateTable) else StateTable.as_of)
        return classify(past, target, positive, as_of, progress)
