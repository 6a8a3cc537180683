"""What a training over time learns from earlier partitions, and which later ones it is measured on."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from daybreak.declaration.cadence import Week
from daybreak.errors import ConfigurationError, ModelRefused, SourceRefused
from daybreak.settings import Settings
from daybreak.training import Past, Regression
from daybreak.training.over_time import LEAST, Dated, learn
from daybreak.training.regressors import regressors
from daybreak.training.train import refuse_no_better
from daybreak.training.trained import Trained
from daybreak.workspace import Workspace
from fixture_pipelines import PARCEL_HOURS

SALES = replace(
    PARCEL_HOURS, entity_key=("store",), every=Week(), target="next", target_days=7, measures="amounts", positive=None
)
FIRST = date(2026, 1, 5)


def sold(weeks: int, follows: float = 1.0) -> pa.Table:
    """Make weeks of four stores whose next value is a line over the last one, or, where nothing follows, that again."""
    week, store = (grid.ravel() for grid in np.meshgrid(np.arange(weeks), np.arange(4), indexing="ij"))
    this = (week * 37 + store * 11) % 50 - 5.0
    return pa.table(
        {
            "week": pa.array([FIRST + timedelta(weeks=int(n)) for n in week]),
            "store": store,
            "this_week": this,
            "next": np.where(week == weeks - 1, None, this + follows * (20 - 0.5 * this)).astype(float),
        }
    )


def learned(rows: pa.Table, tmp_path: Path) -> Trained:
    past = Past(Workspace(Settings(home=tmp_path)), SALES, date(2027, 1, 1))
    return learn(past, rows, Dated("week", "this_week", "next", 1_000), regressors("amounts"), lambda step: None)


def test_the_last_partitions_are_held_out_and_nothing_of_them_is_fitted(tmp_path: Path) -> None:
    rows = sold(33)
    trained = learned(rows.filter(pa.compute.invert(pa.compute.is_nan(rows["next"]))), tmp_path)
    assert trained.unseen is not None
    # Of 32 weeks with a target an eighth is held out.
    assert len(trained.unseen.inputs) == 4 * 4
    assert trained.parameters["last_day"] == FIRST + timedelta(weeks=27)
    # The target of the last week that is fitted is known a week after its Sunday.
    assert trained.trained_through == FIRST + timedelta(weeks=28, days=6)
    assert trained.parameters["model"] == "linear regression"
    assert trained.metrics["rmse"] < 0.1 < trained.baseline["rmse"]
    trials = [candidate for candidate in trained.candidates if candidate.measured_on == "folds by time"]
    assert [trial.name for trial in trials if trial.chosen] == ["linear regression"]
    held_out = [candidate for candidate in trained.candidates if candidate not in trials]
    assert [(one.name, one.chosen) for one in held_out] == [("linear regression", True), ("last value", False)]
    assert len(trials) == 3
    refuse_no_better(SALES, "sales", trained)


def test_what_is_no_better_than_the_last_value_is_refused(tmp_path: Path) -> None:
    rows = sold(33, follows=0)
    with pytest.raises(ModelRefused, match="no better than its baseline on held-out rows") as refused:
        refuse_no_better(SALES, "sales", learned(rows.slice(0, 32 * 4), tmp_path))
    assert "last value rmse 0.0000" in str(refused.value)


def test_too_few_partitions_and_a_missing_column_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=f"rows of {LEAST - 1} weeks with a known target; at least {LEAST} are"):
        learned(sold(LEAST).slice(0, (LEAST - 1) * 4), tmp_path)
    with pytest.raises(SourceRefused, match=r"training\.sql gives no column this_week"):
        learned(sold(33).drop_columns(["this_week"]), tmp_path)


def test_a_regression_without_a_number_to_predict_is_refused_in_one_line(tmp_path: Path) -> None:
    past = Past(Workspace(Settings(home=tmp_path)), replace(SALES, measures="probability"), date(2026, 3, 9))
    with pytest.raises(ConfigurationError, match="Nothing says what number the model is to predict"):
        Regression(when="week", last_value="this_week")(past, print)
