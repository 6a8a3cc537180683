"""Classification: the training of a pipeline that predicts probabilities of classes, as a declaration names it.

Light to import, since a declaration imports it: what it does is in ``over_keys`` and ``over_time``, what it compares in
``classifiers`` and ``multiclass``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daybreak.declaration.source_tables import StateTable
from daybreak.errors import ConfigurationError

if TYPE_CHECKING:
    from daybreak.declaration.pipeline import Pipeline
    from daybreak.training.family import Family
    from daybreak.training.past import Past
    from daybreak.training.trained import Trained


@dataclass(frozen=True, kw_only=True)
class Classification:
    """The training of a pipeline that predicts how likely its target is ``positive``, or each class; called, it trains.

    Where the prediction names ``classes``, it is the probability of each; else the target has two, one of them
    ``positive``. Three classifiers are compared by log loss, which is that of all published probabilities. Every column
    of training.sql but the entity key, the target and ``as_of`` is a feature: a number, a text or a truth value. Rows
    without a target are left out. ``as_of`` holds the day that a row tells of; the last one is ``trained_through``. A
    fifth of the entity keys is held out. Where fewer than 50 of these rows have the rarest class, the classifiers are
    compared on stratified folds of the others.

    ``target`` and ``positive`` are the pipeline's own where none are given here, and ``as_of`` that of the table of
    states which it reads.

    Where rows are of partitions one after the other, ``when`` holds the first day of each, or that of the row; there is
    no ``as_of``. The newest ``days`` are read as far as targets are known, the classifiers are compared on folds by
    time, and the last partitions are held out. Where the same entity key comes again and again, ``last_value`` is the
    column that holds what the target was last; then the entity key is a feature.
    """

    positive: str | float | None = None
    target: str | None = None
    as_of: str | None = None
    when: str | None = None
    last_value: str | None = None
    days: int = 1_461

    def __call__(self, past: "Past", progress: Callable[[str], None]) -> "Trained":
        """Compare the classifiers, fit the best and measure it on a fifth of the keys, or on the last partitions."""
        from daybreak.training.over_keys import learn_over_keys
        from daybreak.training.over_time import Dated, learn_over_time

        declared = past.pipeline
        target = self.target or declared.target
        if target is None:
            raise _nothing_to_predict(declared)
        family = self._family(declared, target)
        if self.when:
            return learn_over_time(past, Dated(self.when, self.last_value, target, self.days), family, progress)
        if self.last_value:
            raise ConfigurationError(
                "The classification has a `last_value` and no `when`.",
                next_step="declare both, or neither where the rows have no time.",
                pipeline=declared.name,
            )
        return learn_over_keys(past, target, told_as_of(declared, self.as_of), family, progress)

    def _family(self, declared: "Pipeline", target: str) -> "Family":
        from daybreak.training.classifiers import classifiers
        from daybreak.training.multiclass import multiclass

        published = declared.prediction
        if published.classes and self.positive is None:
            return multiclass(declared, target)
        if published.further or (published.of is not None and declared.positive is None):
            raise ConfigurationError(
                f"A Classification learns whether the target is its positive value; {declared.name} publishes "
                + ("more than one number." if published.further else f"the probability of {published.of!r}."),
                next_step="declare that value as the pipeline's `positive`, and not `of`, `classes` or `quantiles`, "
                "or a training of your own.",
                pipeline=declared.name,
            )
        positive = declared.positive if self.positive is None else self.positive
        if positive is None:
            raise _nothing_to_predict(declared)
        return classifiers(declared, target, positive)


def _nothing_to_predict(declared: "Pipeline") -> ConfigurationError:
    return ConfigurationError(
        "Nothing says what the model is to predict.",
        next_step="declare the pipeline's `target`, a column of training.sql, and its `positive` value, or `classes` "
        "of its prediction.",
        pipeline=declared.name,
    )


def told_as_of(declared: "Pipeline", wanted: str | None) -> str:
    """Return the column that holds the day which a row without a time tells of."""
    return wanted or (declared.reads.as_of if isinstance(declared.reads, StateTable) else StateTable.as_of)
