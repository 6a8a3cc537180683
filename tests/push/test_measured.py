"""Pushed predictions are measured by scoring again in memory; only means over enough rows are kept."""

import numpy as np
import pytest

from daybreak.declaration.prediction import Prediction
from daybreak.models.version import ModelVersion
from daybreak.monitoring.measure import LEAST_ROWS, Measured, measure
from local_days import local_day

from .shelf_offers import FEATURES, SHELF_OFFERS
from .shelves import DAY, TRAINED_THROUGH, Shelves, read_day

ACTUALS = """-- One row per product on the shelves on the partition's day: 1 if it was sold, else 0.
SELECT product_id, department, sold::integer AS actual
FROM shelves.daily
WHERE day = :first_day
"""


@pytest.fixture
def measuring(shelves: Shelves) -> Shelves:
    """Declare what the pipeline measures."""
    declared = shelves.declared(measures="probability", measured_by="department")
    declared.workspace.sql(declared.pipeline, "actuals").write_text(ACTUALS)
    return declared


def measured(shelves: Shelves) -> Measured:
    [found] = measure(shelves.workspace, shelves.pipeline, *2 * [local_day(DAY, "UTC")])
    return found


def probabilities(shelves: Shelves, version: ModelVersion) -> tuple[np.ndarray, np.ndarray]:
    import pandas as pd

    rows = shelves.rows(
        f"SELECT {', '.join(FEATURES)}, sold FROM shelves.daily WHERE day = '{DAY}' ORDER BY product_id"
    )
    frame = pd.DataFrame(rows, columns=[*FEATURES, "sold"])
    model = shelves.workspace.registry.load(version)
    return model.predict_proba(frame[version.signature.names])[:, 1], frame["sold"].to_numpy(dtype=float)


def test_the_calibration_is_that_of_the_planned_version(measuring: Shelves) -> None:
    plan = measuring.push().plan
    measuring.promote(2)
    found = measured(measuring)
    assert (found.run_id, found.rows, found.predictions) == (plan.run_id, 400, 400)
    predicted, actual = probabilities(measuring, plan.single_model)
    kept = dict(measuring.rows("SELECT metric, value FROM ledger.performance WHERE segment_by = ''"))
    assert kept["brier_score"] == pytest.approx(((predicted - actual) ** 2).mean())
    assert set(kept) == {"log_loss", "brier_score", "reliability"}
    versions = measuring.rows("SELECT DISTINCT model_version FROM ledger.performance")
    assert versions == [(plan.single_model.version,)]


def test_nothing_that_is_kept_is_of_few_rows(measuring: Shelves) -> None:
    measuring.execute(f"UPDATE shelves.daily SET department = 'RARE' WHERE day = '{DAY}' AND product_id <= 12")
    measuring.push()
    measured(measuring)
    for segment, rows in measuring.rows("SELECT segment, rows FROM ledger.performance WHERE segment_by <> ''"):
        assert rows >= LEAST_ROWS, segment
    # Twelve rows could be had by taking the others from all: another segment goes with them.
    departments = measuring.rows("SELECT DISTINCT segment FROM ledger.performance WHERE segment_by <> ''")
    assert len(departments) == 3
    assert ("(other)",) in departments
    [(bins,)] = measuring.rows("SELECT detail FROM ledger.performance WHERE metric = 'reliability'")
    assert all(part["rows"] >= LEAST_ROWS for part in bins)


def test_no_prediction_is_written_anywhere(measuring: Shelves) -> None:
    plan = measuring.push().plan
    measured(measuring)
    predicted, _ = probabilities(measuring, plan.single_model)
    kept = measuring.rows("SELECT value, detail::text FROM ledger.performance")
    text = " ".join(f"{value!r} {detail}" for value, detail in kept)
    assert [value for value in predicted if repr(float(value)) in text] == []
    assert measuring.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'predictions'") == []


def test_quarantined_rows_are_left_out(measuring: Shelves) -> None:
    measuring.execute(f"UPDATE shelves.daily SET price = 0.25 WHERE day = '{DAY}' AND product_id <= 5")
    measuring.push()
    found = measured(measuring)
    assert (found.rows, found.predictions) == (395, 395)


def test_too_few_rows_are_not_measured(measuring: Shelves) -> None:
    measuring.push()
    path = measuring.workspace.sql(measuring.pipeline, "actuals")
    path.write_text(ACTUALS + "    AND product_id < 30\n")
    assert measured(measuring).problem == "too few rows"
    assert measuring.rows("SELECT * FROM ledger.performance") == []


def test_quantiles_are_offered_by_and_measured_with_all_of_them(shelves: Shelves) -> None:
    from sklearn.dummy import DummyRegressor
    from sklearn.ensemble import VotingRegressor
    from sklearn.tree import DecisionTreeRegressor

    rows = read_day(shelves.workspace, TRAINED_THROUGH)
    sold = rows["sold"].astype(float)
    low, high = DecisionTreeRegressor(max_depth=3, random_state=0), DummyRegressor(strategy="constant", constant=1.0)
    model = VotingRegressor([("low", low), ("median", low), ("high", high)]).fit(rows[FEATURES], sold)
    version = shelves.workspace.registry.register(
        SHELF_OFFERS.single_ref.name,
        model,
        rows[FEATURES].head(20),
        trained_through=TRAINED_THROUGH,
        method="transform",
        score_profile={"bins": [0.0, 1.0], "weights": [1.0]},
    )
    shelves.promote(version.version)
    declared = shelves.declared(
        prediction=Prediction("probability", 0, 1, method="transform", quantiles=(0.1, 0.5, 0.9)),
        measures="amounts",
        push_scores="push.shelf_offers:any_scores",
        push_offers="push.shelf_offers:Surest",
    )
    declared.workspace.sql(declared.pipeline, "actuals").write_text(ACTUALS)
    outcome = declared.push()
    assert outcome.counts.rows_scored == 400
    found = measured(declared)
    assert (found.rows, found.problem) == (400, None)
    kept = dict(declared.rows("SELECT metric, value FROM ledger.performance WHERE segment_by = ''"))
    assert set(kept) == {"mae", "rmse", "bias", "pinball_q10", "pinball_q50", "pinball_q90", "coverage_q10_q90"}
    assert kept["pinball_q50"] == pytest.approx(kept["mae"] / 2)
