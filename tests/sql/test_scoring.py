"""Score: what a model takes, and what becomes of rows that it cannot score."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from daybreak.errors import ScoringFailed
from fixture_pipelines.parcel_hours.training import FEATURES, build, sample
from parcels import DAY, ROWS, Parcels, refused

from .conftest import Way

RAISED = "the model raised ValueError"
OUTSIDE = "predicted_hours: not a number from 0 to 1000"


def counts(parcels: Parcels) -> tuple[int, int, int, int]:
    run = parcels.last_run()
    return run["rows_extracted"], run["rows_quarantined"], run["rows_failed"], run["rows_scored"]


def failed(parcels: Parcels) -> list[tuple[int, list[str]]]:
    return [
        (key["parcel_id"], reasons)
        for key, reasons in parcels.rows(
            "SELECT entity_key, reasons FROM ledger.quarantine WHERE stage = 'score' ORDER BY entity_key->'parcel_id'"
        )
    ]


def test_rows_that_the_model_raises_on_are_found_and_all_others_are_scored(parcels: Parcels, run: Way) -> None:
    before = parcels.forecasts()
    # Two that are neighbours, the first of the batch and the last of it.
    broken = [8000, 8003, 8004, 8398]
    parcels.execute(f"UPDATE parcels.handed_in SET zone = 'moon' WHERE parcel_id IN {tuple(broken)}")
    run()
    assert counts(parcels) == (ROWS, 0, 4, 396)
    assert failed(parcels) == [(parcel, [RAISED]) for parcel in broken]
    assert parcels.forecasts() == {key: value for key, value in before.items() if key[1] not in broken}


@pytest.mark.parametrize("rows", [5, ROWS])
def test_more_failed_rows_than_the_budget_allows_stop_the_run(parcels: Parcels, run: Way, rows: int) -> None:
    parcels.execute(f"UPDATE parcels.handed_in SET zone = 'moon' WHERE parcel_id BETWEEN 8000 AND {8000 + rows - 1}")
    problem = f"5 rows could not be scored, 4 are allowed ({RAISED}"
    with refused(parcels, ScoringFailed, problem, "look at the rows in ledger.quarantine"):
        run()


def linear() -> Any:
    from sklearn.linear_model import LinearRegression

    return LinearRegression()


def exponential() -> Any:
    from sklearn.compose import TransformedTargetRegressor

    return TransformedTargetRegressor(linear(), func=np.log, inverse_func=np.exp, check_inverse=False)


def square_root() -> Any:
    from sklearn.compose import TransformedTargetRegressor

    return TransformedTargetRegressor(linear(), func=np.square, inverse_func=np.sqrt, check_inverse=False)


@pytest.mark.parametrize(
    ("regressor", "target", "distance"),
    [
        (linear, lambda km: km, 5_000),
        (linear, lambda km: km, -50),
        (exponential, lambda km: np.exp(km / 50), 1e9),
        (square_root, np.sqrt, -50),
    ],
    ids=["too high", "too low", "infinite", "not a number"],
)
@pytest.mark.parametrize("rows", [4, 5])
@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_predictions_outside_of_the_contract_count_as_failed(
    parcels: Parcels, regressor: Callable[[], Any], target: Callable[[Any], Any], distance: float, rows: int
) -> None:
    known = sample()
    parcels.register(build(regressor()).fit(known, target(known["distance_km"])), known)
    broken = list(range(8101, 8101 + rows))
    parcels.execute(f"UPDATE parcels.handed_in SET distance_km = {distance} WHERE parcel_id IN {tuple(broken)}")
    if rows > 4:
        with refused(parcels, ScoringFailed, f"5 rows could not be scored, 4 are allowed ({OUTSIDE})", "look at the"):
            parcels.run()
    else:
        parcels.run()
        assert counts(parcels) == (ROWS, 0, 4, 396)
        assert failed(parcels) == [(parcel, [OUTSIDE]) for parcel in broken]
        assert not {parcel for _, parcel in parcels.forecasts()} & set(broken)


def test_a_model_that_gives_more_than_one_value_for_a_row_stops_the_run(parcels: Parcels, run: Way) -> None:
    from sklearn.dummy import DummyRegressor

    known = sample()
    model = build(DummyRegressor()).fit(known, known[["distance_km", "weight_kg"]])
    parcels.register(model, known)
    with refused(parcels, ScoringFailed, "The model gave", "register a model that predicts one value for each row"):
        run()


def test_predictions_are_those_of_the_model_on_the_rows_of_the_source(parcels: Parcels, run: Way) -> None:
    # Nullable integers, NUMERIC and text reach the model as its own library would read them.
    import pandas as pd

    columns = ["depot", "parcel_id", *FEATURES]
    rows = parcels.rows(
        f"SELECT {', '.join(columns)} FROM parcels.handed_in WHERE parcel_id BETWEEN 8000 AND 8399 ORDER BY 1, 2"
    )
    frame = pd.DataFrame(rows, columns=columns).astype({"weight_kg": "float64", "zone": "str"})
    assert frame["pieces"].isna().any()
    outcome = parcels.run(dry_run=True)
    expected = parcels.workspace.registry.load(outcome.plan.single_model).predict(frame[FEATURES])
    run()
    assert list(parcels.forecasts().values()) == list(expected)


@pytest.mark.parametrize(
    "changed",
    [
        "ALTER TABLE parcels.handed_in ALTER pieces TYPE smallint",
        "ALTER TABLE parcels.handed_in ALTER pieces TYPE bigint",
        "ALTER TABLE parcels.handed_in ALTER pieces TYPE numeric",
        "ALTER TABLE parcels.handed_in ALTER weight_kg TYPE numeric(30, 9)",
        "ALTER TABLE parcels.handed_in ALTER weight_kg TYPE double precision",
        "ALTER TABLE parcels.handed_in ALTER zone TYPE varchar(10)",
    ],
)
def test_the_width_of_a_column_changes_no_prediction(parcels: Parcels, changed: str) -> None:
    before = parcels.forecasts()
    parcels.execute(changed)
    parcels.run()
    assert parcels.forecasts() == before


def test_columns_that_the_model_does_not_know_and_their_order_change_no_prediction(parcels: Parcels, run: Way) -> None:
    before = parcels.forecasts()
    parcels.rewrite("features", "    zone,\n    remark\n", "    zone\n")
    parcels.rewrite("features", "    depot,\n", "    remark AS note, 7 AS more, handed_in_at, depot,\n")
    run()
    assert parcels.forecasts(DAY) == before


def test_nulls_of_every_column_are_kept_with_the_run_also_of_rows_in_quarantine(parcels: Parcels, run: Way) -> None:
    parcels.execute("UPDATE parcels.handed_in SET distance_km = 'NaN' WHERE parcel_id IN (8001, 8002)")
    run()
    nulls = parcels.last_run()["nulls"]
    assert (nulls["pieces"], nulls["distance_km"], nulls["weight_kg"]) == (ROWS // 10, 2, 0)
