"""Regression: the training of a pipeline that predicts a number of the next partition, as a declaration names it.

Light to import, since a declaration imports it: what it does is in ``over_time``, and what it compares in
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

    Every column of training.sql but ``when`` and the target is a feature, the entity key too: a number or a text. Rows
    without a target are left out. ``when`` holds the first day of the partition that a row tells of. The newest
    ``days`` are read, as far as their targets are known; the last partitions of them are held out. On folds by time
    before those a linear regression and two gradient boostings are compared, and the best is fitted, by root mean
    squared error for amounts and by Poisson deviance for counts. It has to beat the column ``last_value``, which holds
    what the target was last.

    ``target`` is the pipeline's own where none is given here.
    """

    when: str
    last_value: str
    target: str | None = None
    days: int = 1_461

    def __call__(self, past: "Past", progress: Callable[[str], None]) -> "Trained":
        """Compare the candidates, fit the best on all but the held-out partitions and measure it on these."""
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
        return learn_over_time(past, Dated(self.when, self.last_value, target, self.days), regressors(kind), progress)
