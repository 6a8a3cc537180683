"""Promise 2: extracted = quarantined + failed + scored, for every run, enforced by the database."""

import json

import pytest
import sqlalchemy as sa

from daybreak.errors import ExpectationsFailed, PublicationRefused
from daybreak.tables.limits import KEY_BYTES
from parcels import DAY, ROWS, Parcels, refused

from .conftest import Way, break_weights

HEAVY = "weight_kg: column values to be between (min_value=0.0, max_value=50.0)"


def test_three_percent_of_broken_rows_are_quarantined_and_the_rest_is_published(parcels: Parcels, run: Way) -> None:
    before = parcels.forecasts()
    broken = break_weights(parcels, 12)
    run()
    ledger = parcels.last_run()
    assert [ledger[f"rows_{kind}"] for kind in ("extracted", "quarantined", "failed", "scored")] == [ROWS, 12, 0, 388]
    after = parcels.forecasts()
    assert after.keys() == before.keys() - broken
    assert all(after[key] == before[key] for key in after)


def test_quarantined_rows_keep_their_key_their_reasons_and_their_payload(parcels: Parcels, run: Way) -> None:
    broken = break_weights(parcels, 12)
    worst = min(broken)
    parcels.execute(f"UPDATE parcels.handed_in SET zone = NULL WHERE parcel_id = {worst[1]}")
    run()
    kept = parcels.rows("SELECT row_number, stage, entity_key, reasons, payload FROM ledger.quarantine ORDER BY 1")
    assert {(key["depot"], key["parcel_id"]) for _, _, key, _, _ in kept} == broken
    assert {stage for _, stage, *_ in kept} == {"validate"}
    reasons = {(key["depot"], key["parcel_id"]): found for _, _, key, found, _ in kept}
    assert reasons.pop(worst) == [HEAVY, "zone: column values to not be null"]
    assert set(map(tuple, reasons.values())) == {(HEAVY,)}
    source = dict(parcels.rows("SELECT parcel_id, to_jsonb(parcel) FROM (TABLE parcels.handed_in) AS parcel"))
    for _, _, key, _, payload in kept:
        row = source[key["parcel_id"]]
        assert payload == {name: row[name] for name in payload}
        assert payload.keys() == row.keys() - {"handed_in_at", "hours_taken"}


@pytest.mark.parametrize("rows", [21, 32])
def test_more_broken_rows_than_allowed_stop_the_run(parcels: Parcels, run: Way, rows: int) -> None:
    break_weights(parcels, rows)
    problem = (
        f"{rows} of 400 rows ({rows / ROWS:.1%}) break a critical expectation, most often '{HEAVY}'; 5.0% are allowed"
    )
    with refused(parcels, ExpectationsFailed, problem, "the rows are in ledger.quarantine"):
        run()
    # The message sends its reader there; the rows of the first chunk that overdraws are kept, and all before.
    assert parcels.value("SELECT count(*) FROM ledger.quarantine") > 0


def test_exactly_the_allowed_share_is_published(parcels: Parcels, run: Way) -> None:
    break_weights(parcels, 20)
    run()
    assert parcels.last_run()["rows_quarantined"] == 20
    assert len(parcels.forecasts()) == 380


def test_a_row_without_its_entity_key_is_quarantined(parcels: Parcels, run: Way) -> None:
    parcels.execute(
        "ALTER TABLE parcels.handed_in DROP CONSTRAINT handed_in_pkey",
        "ALTER TABLE parcels.handed_in ALTER depot DROP NOT NULL",
        "UPDATE parcels.handed_in SET depot = NULL WHERE parcel_id IN (8007, 8008)",
    )
    run()
    assert parcels.rows("SELECT entity_key, reasons FROM ledger.quarantine ORDER BY row_number") == [
        ({"depot": None, "parcel_id": 8007}, ["depot: entity key is null"]),
        ({"depot": None, "parcel_id": 8008}, ["depot: entity key is null"]),
    ]
    assert len(parcels.forecasts()) == 398


def test_a_row_that_is_quarantined_does_not_count_as_a_duplicate(parcels: Parcels, run: Way) -> None:
    parcels.execute(
        "ALTER TABLE parcels.handed_in DROP CONSTRAINT handed_in_pkey",
        "INSERT INTO parcels.handed_in SELECT * FROM parcels.handed_in WHERE parcel_id = 8007",
        "UPDATE parcels.handed_in SET weight_kg = 99 WHERE ctid = "
        "(SELECT max(ctid) FROM parcels.handed_in WHERE parcel_id = 8007)",
    )
    run()
    ledger = parcels.last_run()
    assert (ledger["rows_extracted"], ledger["rows_quarantined"], ledger["rows_scored"]) == (401, 1, 400)
    assert len(parcels.forecasts()) == 400


@pytest.mark.parametrize(
    "change",
    [
        "rows_scored = rows_scored - 1",
        "rows_extracted = rows_extracted + 1",
        "rows_quarantined = NULL",
        "rows_failed = NULL",
        "rows_scored = NULL",
        "rows_extracted = NULL",
        "state = 'running', rows_failed = 1",
        "state = 'failed', error = 'said why', rows_failed = 1",
        "state = 'failed'",
        "state = 'superseded', rows_failed = 1",
        "state = 'checked', rows_failed = 1",
        "state = 'done'",
        "snapshot_digest = NULL",
        "model_digest = NULL",
        "finished_at = NULL",
    ],
)
def test_the_database_refuses_a_run_that_does_not_add_up(parcels: Parcels, change: str) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="CheckViolation"):
        parcels.execute(f"UPDATE ledger.runs SET {change} WHERE run_id = {parcels.current()[0]}")


def test_the_database_refuses_predictions_that_were_not_counted(parcels: Parcels) -> None:
    plan = parcels.plan(origin="parcel_hours/a")
    runner = parcels.runner
    snapshot = runner.extract(plan)
    runner.validate(plan, snapshot)
    counts = runner.score(plan, snapshot)
    parcels.execute(f"DELETE FROM predictions.parcel_hours_runs WHERE run_id = {plan.run_id} AND parcel_id = 8007")
    before = parcels.shown()
    with pytest.raises(PublicationRefused, match="399 predictions are stored under run 2, 400 were"):
        runner.publish(plan, counts)
    assert parcels.shown() == before
    assert parcels.last_run()["state"] == "failed"
    assert runner.publish(plan, runner.score(plan, snapshot)).published
    assert len(parcels.forecasts()) == ROWS


def test_what_each_expectation_said_is_kept(parcels: Parcels, run: Way) -> None:
    break_weights(parcels, 12)
    parcels.execute("UPDATE parcels.handed_in SET pieces = 99 WHERE parcel_id >= 8350 AND parcel_id < 9000")
    run()
    found = parcels.rows(
        "SELECT column_name, level, severity, success, evaluated, unexpected FROM ("
        "SELECT *, coalesce(arguments->>'column', 'table') AS column_name FROM ledger.expectation_results) AS results "
        "WHERE run_id = (SELECT max(run_id) FROM ledger.runs) ORDER BY position"
    )
    assert found == [
        ("weight_kg", "row", "critical", False, 400, 12),
        ("zone", "row", "critical", True, 400, 0),
        # 50 of 365 parcels that say how many pieces they have: more than the tenth that may break the warning.
        ("pieces", "row", "warning", False, 365, 50),
        ("table", "batch", "critical", True, 388, 0),
        ("distance_km", "batch", "warning", True, 388, 0),
    ]
    observed = parcels.value("SELECT observed FROM ledger.expectation_results WHERE position = 4 ORDER BY run_id DESC")
    assert json.dumps(observed) == "388"
    assert parcels.current(DAY) == [parcels.last_run()["run_id"]]


def test_a_row_too_large_for_the_table_is_quarantined_and_stops_no_other(parcels: Parcels, run: Way) -> None:
    # What pglz cannot make smaller; with the number, the last that fits and the first that does not.
    text = "(SELECT left(string_agg(md5(random()::text), ''), {0}) FROM generate_series(1, 200))"
    parcels.execute("ALTER TABLE parcels.handed_in DROP CONSTRAINT handed_in_pkey")
    for parcel, size in ((8001, KEY_BYTES - 16), (8002, KEY_BYTES - 15), (8003, 6_000)):
        parcels.execute(f"UPDATE parcels.handed_in SET depot = {text.format(size)} WHERE parcel_id = {parcel}")
    run()
    told = parcels.rows(
        "SELECT (payload->>'parcel_id')::integer, reasons FROM ledger.quarantine WHERE run_id = %s ORDER BY 1",
        parcels.current()[0],
    )
    said = "depot, parcel_id: entity key has {0:,} bytes, at most 2,672 can be kept"
    assert told == [(8002, [said.format(2673)]), (8003, [said.format(6016)])]
    assert len(parcels.forecasts()) == ROWS - 2


def test_a_text_that_grew_in_the_source_is_quarantined_and_stops_no_other(parcels: Parcels) -> None:
    parcels.execute("ALTER TABLE parcels.handed_in ALTER remark TYPE varchar(7)")
    carrying = parcels.declared(carries=("remark",))
    carrying.run()
    parcels.execute(
        "ALTER TABLE parcels.handed_in ALTER remark TYPE varchar(50)",
        "UPDATE parcels.handed_in SET remark = 'very fragile' WHERE parcel_id = 8001",
    )
    carrying.run()
    [(reasons,)] = parcels.rows("SELECT reasons FROM ledger.quarantine WHERE run_id = %s", parcels.current()[0])
    assert reasons == ["remark: 12 characters, the table keeps 7"]
    assert len(parcels.forecasts()) == ROWS - 1
