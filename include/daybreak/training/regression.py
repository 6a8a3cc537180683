"""Regression: the training of a pipeline that predicts a number, as a declaration names it.

Light to import, since a declaration imports it: what it does is in ``over_keys`` and ``over_time``, what it compares in
``regressors``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daybreak.errors import ConfigurationError

if TYPE_CHECKING:
    from daybreak.training.past import Past
    from daybreak.training.trained import Trained


@dataclass(frozen=True, kw_only=True)
class Regression:
    """The training of a pipeline that predicts the number ``target``, measured as amounts or counts; called, it trains.

    A linear regression and two gradient boostings are compared, by root mean squared error for amounts and by Poisson
    deviance for counts. Every column of training.sql but the entity key, the target and ``as_of`` is a feature: a
    number, a text or a truth value. Rows without a target are left out. ``as_of`` holds the day that a row tells of;
    the last one is ``trained_through``. A fifth of the entity keys is held out, and the best has to beat the mean of
    the others.

    Where rows are of partitions one after the other, ``when`` holds the first day of each, or that of the row; there is
    no ``as_of``. The newest ``days`` are read, as far as their targets are known; the last partitions of them are held
    out, and the candidates are compared on folds by time before those. Where the same entity key comes again and again,
    ``last_value`` is the column that holds what the target was last, which has to be beaten; then the entity key is a
    feature.

    ``target`` is the pipeline's own where none is given here.
    """

    when: str | None = None
    last_value: str | None = None
    target: str | None = None
    as_of: str | None = None
    days: int = 1_461

    def __call__(self, past: "Past", progress: Callable[[str], None]) -> "Trained":
        """Compare the candidates, fit the best and measure it on a fifth of the keys, or on the last partitions."""
        from daybreak.training.classification import told_as_of
        from daybreak.training.over_keys import learn_over_keys
        from daybreak.training.over_time import Dated, learn_over_time
        from daybreak.training.regressors import regressors

        declared = past.pipeline
        target, kind = self.target or declared.target, declared.measures
        if target is None or (kind != "amounts" and kind != "counts"):
            raise ConfigurationError(
                "Nothing says what number the model is to predict.",
                next_step='declare the pipeline\'s `target`, a column of training.sql, and `measures="amounts"` or '
                '`"counts"`.',
                pipeline=declared.name,
            )
        if self.when:
            dated = Dated(self.when, self.last_value, target, self.days)
            return learn_over_time(past, dated, regressors(kind), progress)
        if self.last_value:
            raise ConfigurationError(
                "The regression has a `last_value` and no `when`.",
                next_step="declare both, or neither where the rows have no time.",
                pipeline=declared.name,
            )
        return learn_over_keys(past, target, told_as_of(declared, self.as_of), regressors(kind), progress)
