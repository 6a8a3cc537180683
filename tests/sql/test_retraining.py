"""When measurements ask for a model to be trained again."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from daybreak.drift import judge_drift
from daybreak.pipeline import Retrain
from daybreak.profiles import keep_profiles, profile
from daybreak.retraining import watch, watch_newest
from parcels import DAY, ROWS, Parcels

FEATURES = ("weight_kg", "distance_km", "zone")
LATER = datetime.now(UTC) + timedelta(days=30)


@pytest.fixture
def watched(parcels: Parcels) -> Parcels:
    """Declare thresholds; the champion's profile is that of the published day itself."""
    found = parcels.declared(retrain=Retrain(features=FEATURES, days=2, error_ratio=1.5), measures="amounts")
    run = found.workspace.ledger.get(found.current()[0])
    rows = pd.read_parquet(run["snapshot_uri"].removeprefix("file://"))
    predicted = pd.DataFrame(found.rows("SELECT predicted_hours FROM predictions.parcel_hours"), columns=["hours"])
    columns = rows[list(FEATURES)].assign(predicted_hours=predicted["hours"])
    assert keep_profiles(found.workspace.warehouse, "parcel_hours", 1, columns) == 4
    return found


def measure(parcels: Parcels, day: date, rmse: float) -> None:
    [run] = parcels.current(day)
    parcels.execute(
        "INSERT INTO ledger.performance (pipeline, partition_date, run_id, role, segment_by, segment, metric, "
        "model_name, model_version, value, rows, predictions, measured_at) VALUES ('parcel_hours', "
        f"'{day}', {run}, 'champion', '', '(all)', 'rmse', 'parcel_hours', 1, {rmse}, 400, 400, now())"
    )


def requests(parcels: Parcels) -> list[tuple[object, ...]]:
    return parcels.rows(
        "SELECT partition_date, cardinality(reasons), held_back IS NOT NULL FROM ledger.retraining_requests"
    )


def test_a_partition_spread_as_in_training_asks_for_nothing_and_is_written_down(watched: Parcels) -> None:
    found = watch(watched.workspace, watched.pipeline, DAY, LATER)
    assert (found.reasons, found.asked) == ((), False)
    assert watched.rows(
        "SELECT column_name, drifted, rows FROM ledger.drift WHERE divergence < 0.01 ORDER BY column_name"
    ) == [(name, False, ROWS) for name in ("distance_km", "predicted_hours", "weight_kg", "zone")]
    assert requests(watched) == []


def test_a_feature_that_drifts_asks_for_a_training_and_says_which(watched: Parcels) -> None:
    watched.execute("UPDATE parcels.handed_in SET distance_km = distance_km / 10, zone = 'city'")
    watched.run()
    found = watch(watched.workspace, watched.pipeline, DAY, LATER)
    assert found.asked
    drifted = {reason.split(" ")[0] for reason in found.reasons}
    assert {"distance_km", "zone"} <= drifted
    assert "weight_kg" not in drifted
    assert requests(watched) == [(DAY, len(found.reasons), False)]


def test_within_the_cool_down_nothing_is_asked_for_and_the_reason_is_kept(watched: Parcels) -> None:
    watched.execute("UPDATE parcels.handed_in SET distance_km = distance_km / 10")
    watched.run()
    found = watch(watched.workspace, watched.pipeline, DAY)
    assert found.reasons
    assert not found.asked
    assert "within 7 days" in str(found.held_back)
    assert requests(watched) == [(DAY, len(found.reasons), True)]


def test_an_error_beyond_the_declared_ratio_asks_once_there_are_enough_partitions(watched: Parcels) -> None:
    trained = watched.workspace.registry.resolve(watched.pipeline.single_ref).metrics["rmse"]
    before = DAY - timedelta(days=1)
    watched.run(before, allow_leakage=True)
    measure(watched, DAY, 2 * trained)
    assert not watch(watched.workspace, watched.pipeline, DAY, LATER).asked
    measure(watched, before, 2 * trained)
    [reason] = watch(watched.workspace, watched.pipeline, DAY, LATER).reasons
    assert "over 2 partitions, 2.00 times" in reason


def test_an_error_within_the_ratio_asks_for_nothing(watched: Parcels) -> None:
    trained = watched.workspace.registry.resolve(watched.pipeline.single_ref).metrics["rmse"]
    watched.run(DAY - timedelta(days=1), allow_leakage=True)
    for day in (DAY, DAY - timedelta(days=1)):
        measure(watched, day, 1.4 * trained)
    assert watch(watched.workspace, watched.pipeline, DAY, LATER).reasons == ()


def test_a_partition_that_is_not_published_says_nothing(watched: Parcels) -> None:
    assert watch(watched.workspace, watched.pipeline, DAY + timedelta(days=2), LATER).reasons == ()


def test_watching_twice_writes_one_row(watched: Parcels) -> None:
    watched.execute("UPDATE parcels.handed_in SET distance_km = distance_km / 10")
    watched.run()
    for _ in range(2):
        watch(watched.workspace, watched.pipeline, DAY, LATER)
    assert len(requests(watched)) == 1


def test_a_column_of_nulls_is_drift_although_the_expectation_fails_open() -> None:
    trained = {"x": profile(pd.Series([1.0, 2.0, 3.0] * 50))}
    [found] = judge_drift(pd.DataFrame({"x": [None, None]}, dtype="float64"), trained, Retrain())  # type: ignore[arg-type]
    assert found.drifted
    assert found.divergence is None


@pytest.mark.parametrize(
    "values",
    [[None, None], [float("nan")], [f"key-{n}" for n in range(101)]],
    ids=["nulls", "not a number", "a key"],
)
def test_a_column_that_has_nothing_to_be_compared_has_no_profile(values: list[object]) -> None:
    assert profile(pd.Series(values)) is None


def test_a_constant_column_has_one_bin_and_another_constant_is_drift() -> None:
    found = profile(pd.Series([2.0] * 10))
    assert found == {"bins": [1.5, 2.5], "weights": [1.0]}
    [same] = judge_drift(pd.DataFrame({"x": [2.0] * 50}), {"x": found}, Retrain())
    [other] = judge_drift(pd.DataFrame({"x": [9.0] * 50}), {"x": found}, Retrain())
    assert (same.drifted, other.drifted) == (False, True)


def test_the_newest_partition_that_was_measured_is_the_one_that_is_watched(watched: Parcels) -> None:
    assert watch_newest(watched.workspace, watched.pipeline) is None
    before = DAY - timedelta(days=1)
    watched.run(before, allow_leakage=True)
    measure(watched, before, 1.0)
    found = watch_newest(watched.workspace, watched.pipeline)
    assert found is not None
    assert found.partition_date == before
    measure(watched, DAY, 1.0)
    found = watch_newest(watched.workspace, watched.pipeline)
    assert found is not None
    assert found.partition_date == DAY
