"""What is learnt from rows without a time: the choice, the refusal, and what nothing can be learnt from."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from daybreak.declaration.prediction import Prediction
from daybreak.errors import ModelRefused, SourceRefused
from daybreak.training.classifiers import classifiers
from daybreak.training.over_keys import learn
from daybreak.training.past import refuse_not_finite
from daybreak.training.train import refuse_no_better
from daybreak.training.trained import Trained
from fixture_pipelines import PARCEL_HOURS

LEAVING = replace(
    PARCEL_HOURS,
    name="leaving",
    entity_key=("member",),
    target="left_us",
    measures="probability",
    prediction=Prediction("left_us_probability", low=0, high=1, method="predict_proba"),
)
COUNT = 1_500


def members(share: Callable[[np.ndarray], np.ndarray], yes: str = "Yes", no: str = "No") -> pa.Table:
    """Make members of whom each leaves with a probability that is a function of how long they have been there."""
    numbers = np.random.default_rng(5)
    months = numbers.integers(0, 60, COUNT).astype(float)
    left = numbers.random(COUNT) < share(months)
    return pa.table(
        {
            "member": [f"M{n:04d}" for n in range(COUNT)],
            "months": months,
            "left_us": np.where(left, yes, no),
            "as_of": pa.repeat(pa.scalar(date(2026, 3, 2)), COUNT),
        }
    )


def learned(rows: pa.Table, positive: str = "Yes") -> Trained:
    return learn(LEAVING, rows, "left_us", "as_of", classifiers(LEAVING, "left_us", positive), lambda step: None)


def test_the_best_probabilities_win_where_no_row_is_likelier_than_not() -> None:
    # Who has been there for 20 to 40 months leaves more often, which no line says, and nobody probably.
    trained = learned(members(lambda months: np.where((months >= 20) & (months < 40), 0.45, 0.02)))
    by_name = {candidate.name: candidate.metrics for candidate in trained.candidates}
    assert trained.parameters["model"] != "logistic regression"
    assert trained.metrics["log_loss"] == min(metrics["log_loss"] for metrics in by_name.values())
    refuse_no_better(LEAVING, "leaving", trained)


def test_a_refusal_shows_every_candidate_beside_the_baseline() -> None:
    trained = learned(members(lambda months: np.where(months < 20, 0.9, 0.1)))
    trained = replace(trained, baseline=dict.fromkeys(trained.baseline, 0.0))
    with pytest.raises(ModelRefused) as refused:
        refuse_no_better(LEAVING, "leaving", trained)
    message = str(refused.value)
    for candidate in trained.candidates:
        assert f"{candidate.name} log_loss {candidate.metrics['log_loss']:.4f}" in message
    assert "share of positives" in message
    assert "\n" not in message


def test_texts_are_compared_without_the_blanks_around_them() -> None:
    rows = members(lambda months: np.where(months < 20, 0.9, 0.1), yes="Yes ", no="No  ")
    trained = learned(rows)
    newest = trained.model.predict_proba(trained.sample.assign(months=1.0))[:, 1]
    assert newest.mean() > 0.5


def test_a_gap_does_not_change_what_the_model_takes_and_truth_values_stay_what_they_are() -> None:
    rows = members(lambda months: np.where(months < 20, 0.9, 0.1))
    whole = rows.set_column(1, "months", rows["months"].cast(pa.int64()))
    with_gap = pa.chunked_array([pa.array([None, *whole["months"].to_pylist()[1:]], pa.int64())])
    truths = pa.array([month > 30 for month in whole["months"].to_pylist()])
    some = pa.array([None, *truths.to_pylist()[1:]])
    one = learned(whole.append_column("is_old", truths))
    other = learned(whole.set_column(1, "months", with_gap).append_column("is_old", some))
    for trained in (one, other):
        assert trained.sample.dtypes.astype(str).to_dict() == {"months": "float64", "is_old": "boolean"}
        # As a run gives them: without gaps they are NumPy's.
        given = pa.table({"months": whole["months"], "is_old": truths}).slice(0, 50).to_pandas()
        assert np.isfinite(trained.model.predict_proba(given)).all()


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_is_not_finite_is_refused_by_column_and_count(value: float) -> None:
    rows = pa.table({"a": [1.0, None, 2.0], "fee": [value, 1.0, value], "n": [1, 2, 3]})
    with pytest.raises(SourceRefused) as refused:
        refuse_not_finite(LEAVING, rows)
    assert str(refused.value).startswith(
        "leaving: A number is infinite, or not a number: fee in 2 of 3 rows. Next: mend the source, or "
    )
    refuse_not_finite(LEAVING, rows.drop_columns(["fee"]))


CASES = next((found for parent in Path(__file__).parents if (found := parent / "shared/cases").is_dir()), None)


@pytest.mark.skipif(CASES is None, reason="needs the cases at ../shared/cases")
def test_infinite_fees_of_a_file_are_named() -> None:
    from daybreak.starting.csv_file import read_csv

    rows = read_csv(CASES / "infinity.csv", ["member"]).rows
    with pytest.raises(SourceRefused, match=r"fee in \d+ of 300 rows"):
        learned(rows.append_column("as_of", pa.repeat(pa.scalar(date(2026, 3, 2)), rows.num_rows)))
