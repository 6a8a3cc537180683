"""When measurements ask for a model to be trained again."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cascades import Cascade
from daybreak.declaration.pipeline import Retrain
from daybreak.declaration.segments import ModelRef
from daybreak.models.aliases import Decision
from daybreak.models.training_record import TrainingRecord
from daybreak.monitoring.drift import judge_drift, shares_of
from daybreak.monitoring.measure import measure as measure_pipeline
from daybreak.monitoring.retraining import cooling_down, watch, watch_newest
from daybreak.training.profiles import as_published, keep_profiles, profile, read_profiles
from daybreak.training.train import train
from daybreak.training.trained import Unseen
from fixture_pipelines import PARCEL_CARRIERS
from fixture_pipelines.parcel_carriers.training import LEVELS, sample
from fixture_pipelines.parcel_carriers.training import build as build_carriers
from parcels import DAY, ROWS, TRAINED_THROUGH, Parcels

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
        "INSERT INTO ledger.performance (pipeline, partition_key, partition_date, run_id, role, segment_by, segment, "
        "metric, model_name, model_version, value, rows, predictions, measured_at) VALUES ('parcel_hours', "
        f"'{day}', '{day}', {run}, 'champion', '', '(all)', 'rmse', 'parcel_hours', 1, {rmse}, 400, 400, now())"
    )


def requests(parcels: Parcels) -> list[tuple[object, ...]]:
    return parcels.rows(
        "SELECT partition_date, cardinality(reasons), held_back IS NOT NULL FROM ledger.retraining_requests"
    )


def test_a_partition_spread_as_in_training_asks_for_nothing_and_is_written_down(watched: Parcels) -> None:
    found = watch(watched.workspace, watched.pipeline, str(DAY), LATER)
    assert (found.reasons, found.asked) == ((), False)
    assert watched.rows(
        "SELECT column_name, drifted, rows FROM ledger.drift WHERE divergence < 0.01 ORDER BY column_name"
    ) == [(name, False, ROWS) for name in ("distance_km", "predicted_hours", "weight_kg", "zone")]
    assert requests(watched) == []
    shares = watched.rows("SELECT shares FROM ledger.drift")
    assert [sum(kept) for (kept,) in shares] == pytest.approx([1.0] * 4), "each row is in a bin of its own spread"


def test_a_feature_that_drifts_asks_for_a_training_and_says_which(watched: Parcels) -> None:
    watched.execute("UPDATE parcels.handed_in SET distance_km = distance_km / 10, zone = 'city'")
    watched.run()
    found = watch(watched.workspace, watched.pipeline, str(DAY), LATER)
    assert found.asked
    drifted = {reason.split(" ")[0] for reason in found.reasons}
    assert {"distance_km", "zone"} <= drifted
    assert "weight_kg" not in drifted
    assert requests(watched) == [(DAY, len(found.reasons), False)]


def test_within_the_cool_down_nothing_is_asked_for_and_the_reason_is_kept(watched: Parcels) -> None:
    watched.execute("UPDATE parcels.handed_in SET distance_km = distance_km / 10")
    watched.run()
    found = watch(watched.workspace, watched.pipeline, str(DAY))
    assert found.reasons
    assert not found.asked
    assert "within 7 days" in str(found.held_back)
    assert requests(watched) == [(DAY, len(found.reasons), True)]


def test_an_error_beyond_the_declared_ratio_asks_once_there_are_enough_partitions(watched: Parcels) -> None:
    trained = watched.workspace.registry.resolve(watched.pipeline.single_ref).metrics["rmse"]
    before = DAY - timedelta(days=1)
    watched.run(before, allow_leakage=True)
    measure(watched, DAY, 2 * trained)
    assert not watch(watched.workspace, watched.pipeline, str(DAY), LATER).asked
    measure(watched, before, 2 * trained)
    [reason] = watch(watched.workspace, watched.pipeline, str(DAY), LATER).reasons
    assert "over 2 partitions, 2.00 times" in reason


def test_an_error_within_the_ratio_asks_for_nothing(watched: Parcels) -> None:
    trained = watched.workspace.registry.resolve(watched.pipeline.single_ref).metrics["rmse"]
    watched.run(DAY - timedelta(days=1), allow_leakage=True)
    for day in (DAY, DAY - timedelta(days=1)):
        measure(watched, day, 1.4 * trained)
    assert watch(watched.workspace, watched.pipeline, str(DAY), LATER).reasons == ()


def test_what_was_asked_for_stays_written_down_and_is_settled_while_nothing_is_crossed(watched: Parcels) -> None:
    trained = watched.workspace.registry.resolve(watched.pipeline.single_ref).metrics["rmse"]
    watched.run(DAY - timedelta(days=1), allow_leakage=True)

    def said(error: float) -> list[Any]:
        watched.execute("DELETE FROM ledger.performance")
        for day in (DAY, DAY - timedelta(days=1)):
            measure(watched, day, error)
        watch(watched.workspace, watched.pipeline, str(DAY), LATER)
        return watched.rows("SELECT cardinality(reasons), settled_at IS NOT NULL FROM ledger.retraining_requests")

    assert [said(error * trained) for error in (1.4, 2, 1.4, 2)] == [[], [(1, False)], [(1, True)], [(1, False)]]


def test_a_partition_that_is_not_published_says_nothing(watched: Parcels) -> None:
    assert watch(watched.workspace, watched.pipeline, str(DAY + timedelta(days=2)), LATER).reasons == ()


def test_watching_twice_writes_one_row(watched: Parcels) -> None:
    watched.execute("UPDATE parcels.handed_in SET distance_km = distance_km / 10")
    watched.run()
    for _ in range(2):
        watch(watched.workspace, watched.pipeline, str(DAY), LATER)
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
    assert (same.shares, other.shares) == ((1.0,), (0.0,))


def test_shares_are_of_the_values_and_bins_of_the_training_and_no_others() -> None:
    values = {"values": ["a", "b", "c"], "weights": [0.5, 0.25, 0.25]}
    assert shares_of(pd.Series(["b", "b", "else", "a"]), values) == (0.25, 0.5, 0.0)
    bins = {"bins": [0.0, 1.0, 2.0], "weights": [0.5, 0.5]}
    assert shares_of(pd.Series([0.0, 2.0, 7.0, float("inf")]), bins) == (0.25, 0.25)
    assert shares_of(pd.Series([], dtype="float64"), bins) == ()


def test_the_newest_partition_that_was_measured_is_the_one_that_is_watched(watched: Parcels) -> None:
    assert watch_newest(watched.workspace, watched.pipeline) is None
    before = DAY - timedelta(days=1)
    watched.run(before, allow_leakage=True)
    measure(watched, before, 1.0)
    found = watch_newest(watched.workspace, watched.pipeline)
    assert found is not None
    assert found.partition == str(before)
    measure(watched, DAY, 1.0)
    found = watch_newest(watched.workspace, watched.pipeline)
    assert found is not None
    assert found.partition == str(DAY)


def test_what_measures_nothing_is_watched_in_its_newest_publication(watched: Parcels) -> None:
    unmeasured = watched.declared(measures=None, measured_by=None)
    found = watch_newest(unmeasured.workspace, unmeasured.pipeline)
    assert found is not None
    assert found.partition == str(DAY)
    later = DAY + timedelta(days=2)
    watched.run(later)
    # A later run that is not published says nothing.
    watched.run(later + timedelta(days=1), dry_run=True)
    found = watch_newest(unmeasured.workspace, unmeasured.pipeline)
    assert found is not None
    assert found.partition == str(later)


def test_what_was_never_published_is_not_watched(watched: Parcels) -> None:
    unmeasured = watched.declared(measures=None, measured_by=None)
    watched.execute("UPDATE ledger.publications SET withdrawn_at = now()")
    assert watch_newest(unmeasured.workspace, unmeasured.pipeline) is None


def test_labels_that_drift_ask_for_a_training(cascade: Cascade) -> None:
    classes = cascade.classes.declared(retrain=Retrain(features=("distance_km",)))
    held_out = classes.rows("SELECT parcel_class FROM predictions.parcel_classes")
    unseen = pd.Series([label for (label,) in held_out])
    keep_profiles(classes.workspace.warehouse, "parcel_classes", 1, {"parcel_class": unseen})
    assert not watch(classes.workspace, classes.pipeline, str(DAY), LATER).reasons
    classes.execute("UPDATE parcels.handed_in SET distance_km = distance_km / 10")
    classes.run()
    [reason] = watch(classes.workspace, classes.pipeline, str(DAY), LATER).reasons
    assert reason.startswith("parcel_class is spread unlike")


def test_a_training_keeps_the_profile_of_labels_as_they_are_published(cascade: Cascade) -> None:
    classes = cascade.classes.declared(retrain=Retrain(features=("distance_km",)))
    [(version, _)] = train(classes.workspace, classes.pipeline, through=TRAINED_THROUGH)
    found = read_profiles(cascade.workspace.warehouse, "parcel_classes", version.version)
    assert set(found) == {"parcel_class", "distance_km"}
    assert found["parcel_class"]["values"] == ["far", "middling", "near"]


def test_of_a_pipeline_that_publishes_the_best_the_profile_is_that_of_the_best() -> None:
    unseen = Unseen(pd.DataFrame({"x": [1, 2, 3]}), None, np.array([0.1, 0.7, 0.6]), kept=np.array([False, True, True]))
    assert as_published(PARCEL_CARRIERS, unseen).tolist() == [0.7, 0.6]


@pytest.fixture
def carriers(cascade: Cascade) -> Parcels:
    """Declare thresholds where each class has its own model; the profiles are those of what each predicts."""
    declared = cascade.declared(
        retrain=Retrain(features=("carrier",), days=1, error_ratio=1.5), measures="ranking", measured_by="parcel_class"
    ).carriers
    for name, level in LEVELS.items():
        keep_profiles(declared.workspace.warehouse, name, 1, {"carrier": pd.Series([1, 2, 3, 4] * 50)})
        # Carriers 3 and 4, with bins that leave a sum of floating-point numbers some room.
        likely = {"bins": [level + 0.025, level + 0.035, level + 0.045], "weights": [0.5, 0.5]}
        declared.execute(
            f"INSERT INTO ledger.training_profiles VALUES ('{name}', 1, 'likelihood', '{json.dumps(likely)}')"
        )
    return declared


def drifts(carriers: Parcels) -> list[tuple[object, ...]]:
    return carriers.rows("SELECT segment, column_name, model_version, drifted FROM ledger.drift ORDER BY 1, 2")


def test_each_segments_rows_are_held_against_its_own_models_training(carriers: Parcels) -> None:
    carriers.run()
    assert watch(carriers.workspace, carriers.pipeline, str(DAY), LATER).reasons == ()
    # Which rows have to fall back is not known beforehand: those of class far are held against nothing.
    assert drifts(carriers) == [
        (segment, column, 1, False) for segment in ("middling", "near") for column in ("carrier", "likelihood")
    ]


def test_a_segment_that_drifts_asks_for_a_training_of_the_pipeline_and_is_named(carriers: Parcels) -> None:
    carriers.rewrite("extract", "WHERE\n", "WHERE\n    (classes.parcel_class <> 'near' OR carrier < 3) AND\n")
    carriers.run()
    for _ in range(2):
        found = watch(carriers.workspace, carriers.pipeline, str(DAY), LATER)
    assert found.asked
    assert [reason.split(" is ")[0] for reason in found.reasons] == [
        "carrier of segment 'near'",
        "likelihood of segment 'near'",
    ]
    assert [row for row in drifts(carriers) if row[3]] == [
        ("near", name, 1, True) for name in ("carrier", "likelihood")
    ]
    [(pipeline, version, reasons)] = carriers.rows(
        "SELECT pipeline, model_version, reasons FROM ledger.retraining_requests"
    )
    assert (pipeline, version, tuple(reasons)) == ("parcel_carriers", None, found.reasons)


def test_a_segment_of_few_rows_is_not_judged(carriers: Parcels) -> None:
    carriers.rewrite("extract", "WHERE\n", "WHERE\n    (classes.parcel_class <> 'near' OR parcel_id % 40 = 0) AND\n")
    carriers.run()
    assert watch(carriers.workspace, carriers.pipeline, str(DAY), LATER).reasons == ()
    assert {segment for segment, *_ in drifts(carriers)} == {"middling"}


def register_near(carriers: Parcels, precision: float) -> None:
    record = TrainingRecord(metrics={"precision_at_5": precision})
    version = carriers.workspace.registry.register(
        "carriers_near", build_carriers(0.1), sample().head(3), trained_through=TRAINED_THROUGH, record=record
    )
    carriers.workspace.aliases(ModelRef("carriers_near")).move(version.version, Decision("test"))


@pytest.mark.parametrize(("trained", "asked"), [(0.2, True), (0.06, False)])
def test_a_segments_lists_that_are_right_less_often_ask_for_a_training(
    carriers: Parcels, trained: float, asked: bool
) -> None:
    register_near(carriers, trained)
    carriers.run()
    measure_pipeline(carriers.workspace, carriers.pipeline)
    found = watch_newest(carriers.workspace, carriers.pipeline)
    assert found is not None
    assert [reason.split(" was ")[0] for reason in found.reasons] == (
        ["precision_at_5 of segment 'near'"] if asked else []
    )


def test_what_a_segments_earlier_version_did_is_not_held_against_the_new_one(
    cascade: Cascade, carriers: Parcels
) -> None:
    two_days = carriers.declared(retrain=Retrain(days=2))
    later = DAY + timedelta(days=2)
    cascade.classes.run(later, allow_leakage=True)
    register_near(two_days, 0.2)
    two_days.run()
    register_near(two_days, 0.2)
    two_days.run(later, allow_leakage=True)
    between = DAY + timedelta(days=1)
    cascade.classes.run(between, allow_leakage=True)
    two_days.run(between, allow_leakage=True)
    measure_pipeline(two_days.workspace, two_days.pipeline)
    assert watch(two_days.workspace, two_days.pipeline, str(between), LATER).reasons == ()
    [reason] = watch(two_days.workspace, two_days.pipeline, str(later), LATER).reasons
    assert "of segment 'near'" in reason


def test_a_training_that_did_not_register_all_models_holds_nothing_back(carriers: Parcels) -> None:
    retrain, now = Retrain(), datetime.now(UTC)
    assert "within 7 days" in str(cooling_down(carriers.workspace, carriers.pipeline, retrain, now))
    carriers.execute(
        "UPDATE model_versions SET creation_time = creation_time - 30 * 86400000::bigint WHERE name = 'carriers_near'"
    )
    assert cooling_down(carriers.workspace, carriers.pipeline, retrain, now) is None
