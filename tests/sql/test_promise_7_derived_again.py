"""Promise 7: what a run used is known by digest, and its predictions can be derived again bit for bit."""

import hashlib
from pathlib import Path

import pytest

from daybreak.errors import DaybreakError, ModelRefused, SourceRefused
from daybreak.run.references import COUNTED
from daybreak.run.reproduce import Reproduction, reproduce
from fixture_pipelines.parcel_kinds import VALUE
from own_environments import owning
from parcels import Parcels

from .conftest import Way, break_weights


def derived(parcels: Parcels) -> Reproduction:
    return reproduce(parcels.runner, parcels.last_run()["run_id"])


@pytest.mark.parametrize(
    ("kind", "by_tasks", "own"),
    [
        (VALUE, False, False),
        ("a class", False, True),
        ("all classes", True, True),
        ("quantiles", True, False),
    ],
    indirect=["kind"],
)
def test_predictions_are_derived_again_bit_for_bit(kind: Parcels, *, by_tasks: bool, own: bool) -> None:
    if own:
        # What one environment has predicted, the other derives again.
        kind.run()
        kind = owning(kind)
        assert derived(kind).different == 0
    break_weights(kind, 12)
    kind.execute("UPDATE parcels.handed_in SET zone = 'moon' WHERE parcel_id IN (8001, 8398)")
    if by_tasks:
        kind.run_by_tasks()
    else:
        kind.run()
    run_id = kind.last_run()["run_id"]
    assert derived(kind) == Reproduction(run_id, 386, 0, [])
    # What the source has become since has no say.
    kind.execute("TRUNCATE parcels.handed_in")
    assert derived(kind) == Reproduction(run_id, 386, 0, [])


def test_a_tampered_prediction_is_found_in_each_column(kind: Parcels) -> None:
    for number, column in enumerate(kind.pipeline.prediction.columns):
        text = kind.pipeline.prediction.texts and not number
        # The next number that a double can hold, one that is hardly more than nothing, or another text.
        other = f"{column} || ' '" if text else f"{column} * (1 + 2.3e-16::float8) + 1e-300"
        kind.execute(f"UPDATE predictions.parcel_hours_runs SET {column} = {other} WHERE parcel_id = {8007 + number}")
        found = reproduce(kind.runner, 1)
        assert (found.rows, found.different) == (400, 1 + number), column


@pytest.mark.parametrize(
    ("tampered", "rows"),
    [
        # The next number that a double can hold.
        ("UPDATE predictions.parcel_hours_runs SET predicted_hours = predicted_hours * (1 + 2.3e-16::float8)", 400),
        ("UPDATE predictions.parcel_hours_runs SET predicted_hours = 'NaN'", 400),
        ("UPDATE predictions.parcel_hours_runs SET parcel_id = 1", 399),
        ("DELETE FROM predictions.parcel_hours_runs", 399),
    ],
    ids=["by one bit", "not a number", "another key", "gone"],
)
def test_a_tampered_prediction_is_found(parcels: Parcels, tampered: str, rows: int) -> None:
    parcels.execute(f"{tampered} WHERE run_id = 1 AND parcel_id = 8007")
    found = reproduce(parcels.runner, 1)
    assert (found.rows, found.different) == (rows, 2 if "parcel_id = 1" in tampered else 1)


def test_a_prediction_that_was_slipped_in_is_found(parcels: Parcels) -> None:
    parcels.execute("INSERT INTO predictions.parcel_hours_runs VALUES (1, 'north', 1, 7.5)")
    found = reproduce(parcels.runner, 1)
    assert (found.rows, found.different) == (400, 1)


def snapshot_of(parcels: Parcels) -> Path:
    return Path(parcels.last_run()["snapshot_uri"].removeprefix("file://"))


def test_a_tampered_snapshot_is_refused(parcels: Parcels) -> None:
    parcels.run()
    path = snapshot_of(parcels)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(SourceRefused, match=r"^parcel_hours 2024-03-09: Snapshot .* is not the one that was written"):
        derived(parcels)
    path.unlink()
    with pytest.raises(SourceRefused, match=r"^parcel_hours 2024-03-09: Snapshot .* is missing\. Next: "):
        derived(parcels)


@pytest.mark.parametrize("stage", ["validate", "score"])
def test_a_snapshot_that_was_tampered_with_between_tasks_stops_the_run(parcels: Parcels, stage: str) -> None:
    plan = parcels.plan(origin="parcel_hours/a")
    snapshot = parcels.runner.extract(plan)
    if stage == "score":
        parcels.runner.validate(plan, snapshot)
    path = snapshot_of(parcels)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(SourceRefused, match=r"^parcel_hours 2024-03-09: Snapshot .* Next: run the partition again"):
        getattr(parcels.runner, stage)(plan, snapshot)
    assert parcels.last_run()["state"] == "failed"


def test_a_model_that_is_not_the_one_of_the_run_is_refused(parcels: Parcels) -> None:
    parcels.run()
    parcels.execute("UPDATE ledger.runs SET model_digest = 'another'")
    with pytest.raises(ModelRefused, match=r"^parcel_hours 2024-03-09: .* has another digest than the run used"):
        derived(parcels)


def test_a_run_that_was_not_scored_cannot_be_derived_again(parcels: Parcels) -> None:
    parcels.execute("ALTER TABLE parcels.handed_in RENAME TO gone")
    with pytest.raises(SourceRefused):
        parcels.run()
    with pytest.raises(DaybreakError, match=r"^parcel_hours 2024-03-09: .* Next: "):
        derived(parcels)
    with pytest.raises(DaybreakError, match=r"^parcel_hours: There is no run 99\. Next: "):
        reproduce(parcels.runner, 99)


def test_what_has_changed_since_is_named(parcels: Parcels) -> None:
    parcels.execute("UPDATE ledger.runs SET code_digest = 'x', libraries = libraries || '{\"numpy\": \"1.0\"}'")
    found = reproduce(parcels.runner, 1)
    assert (found.different, len(found.changed)) == (0, 2)
    assert found.changed[0].startswith("numpy was 1.0, is ")
    assert found.changed[1] == "the code has changed since"


MISCOUNTED = {
    "extracted and failed": (
        "UPDATE ledger.runs SET rows_extracted = 402, rows_failed = 4",
        [
            "rows_extracted is 402 in the ledger and 400 in the snapshot",
            "rows_failed is 4 in the ledger and 2 in the quarantine",
        ],
    ),
    "quarantined for scored": (
        "UPDATE ledger.runs SET rows_quarantined = 13, rows_scored = 385",
        [
            "rows_quarantined is 13 in the ledger and 12 in the quarantine",
            "rows_scored is 385 in the ledger and 386 stored under",
        ],
    ),
    "a row of the quarantine": (
        "DELETE FROM ledger.quarantine WHERE row_number = (SELECT max(row_number) FROM ledger.quarantine "
        "WHERE stage = 'score' AND run_id = 2)",
        ["rows_failed is 2 in the ledger and 1 in the quarantine"],
    ),
    "the segments": (
        "UPDATE ledger.run_segments SET rows_scored = 387, rows_failed = 1",
        ["rows_failed is 2 in the ledger and 1 in the run's segments", "rows_scored is 386 in the ledger and 387 in"],
    ),
}


def test_counts_that_were_changed_by_hand_are_found(parcels: Parcels) -> None:
    break_weights(parcels, 12)
    parcels.execute("UPDATE parcels.handed_in SET zone = 'moon' WHERE parcel_id IN (8001, 8398)")
    parcels.run()
    assert derived(parcels).miscounted == []
    tables = ("runs", "quarantine", "run_segments")
    parcels.execute(*(f"CREATE TABLE parcels.{table} AS TABLE ledger.{table}" for table in tables))
    for what, (change, told) in MISCOUNTED.items():
        parcels.execute(change + (" AND" if "WHERE" in change else " WHERE") + " run_id = 2")
        found = derived(parcels)
        assert found.different == 0, what
        assert all(any(wrong.startswith(line) for wrong in found.miscounted) for line in told), (what, found.miscounted)
        counts = ", ".join(f"{name} = b.{name}" for name in COUNTED)
        for table in ("runs", "run_segments"):
            parcels.execute(
                f"UPDATE ledger.{table} AS t SET {counts} FROM parcels.{table} AS b WHERE t.run_id = b.run_id"
            )
        parcels.execute("INSERT INTO ledger.quarantine SELECT * FROM parcels.quarantine ON CONFLICT DO NOTHING")
    assert derived(parcels).miscounted == []


def test_the_digests_in_the_ledger_are_those_of_what_was_used(parcels: Parcels, run: Way) -> None:
    run()
    first = parcels.last_run()
    assert hashlib.sha256(snapshot_of(parcels).read_bytes()).hexdigest() == first["snapshot_digest"]
    run()
    again = parcels.last_run()
    digests = [name for name in first if name.endswith("_digest")]
    assert len(digests) == 6
    assert [again[name] for name in digests] == [first[name] for name in digests]


@pytest.mark.parametrize("changed", ["query", "snapshot", "expectations"])
def test_a_change_of_what_is_used_changes_its_digest(parcels: Parcels, changed: str) -> None:
    parcels.run()
    before = parcels.last_run()
    if changed == "query":
        parcels.rewrite("features", "-- One row per parcel", "-- One line per parcel")
    elif changed == "snapshot":
        parcels.execute("UPDATE parcels.handed_in SET remark = 'wet' WHERE parcel_id = 8007")
    else:
        parcels = parcels.declared(expectations="fixture_pipelines.parcel_hours.expectations:mended_rule")
    parcels.run()
    after = parcels.last_run()
    different = [name for name in before if name.endswith("_digest") and before[name] != after[name]]
    assert different == [f"{changed}_digest"]
