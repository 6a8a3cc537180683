"""Promise 6: a source that cannot be trusted stops the run, in whichever of the two ways it is run."""

import pyarrow as pa
import pytest

from daybreak.batch.snapshot import SnapshotWriter
from daybreak.errors import ConfigurationError, DaybreakError, ExpectationsFailed, SourceRefused, UnexpectedError
from fixture_pipelines.parcel_hours.training import sample
from parcels import DAY, Parcels, refused

from .conftest import Way

OF_THE_DAY = "handed_in_at >= '2024-03-09 05:00+00' AND handed_in_at < '2024-03-10 05:00+00'"
MENDED = "ALTER TABLE parcels.handed_in"

BAD_SOURCES = {
    "an empty partition": (
        [f"DELETE FROM parcels.handed_in WHERE {OF_THE_DAY}"],
        "The batch is empty",
        "check that the source has loaded it",
    ),
    "a missing table": (
        [f"{MENDED} RENAME TO gone"],
        'relation "parcels.handed_in" does not exist',
        "mend the source or the query",
    ),
    "a missing column": (
        [f"{MENDED} DROP COLUMN distance_km"],
        'column "distance_km" does not exist',
        "mend the source or the query",
    ),
    "a number that became text": (
        [f"{MENDED} ALTER distance_km TYPE text"],
        "Column distance_km is string in the extracted rows; the model takes double",
        "mend extract.sql or the source",
    ),
    "text that became a number": (
        [f"{MENDED} ALTER zone TYPE integer USING 1"],
        "Column zone is int32 in the extracted rows; the model takes string",
        "mend extract.sql or the source",
    ),
    "a column that no file can hold": (
        [f"{MENDED} ALTER remark TYPE jsonb USING to_jsonb(remark)"],
        "Column remark is jsonb, which no batch can hold",
        "cast it in the query, for example remark::text AS remark",
    ),
    "money, which would come a hundred times too large": (
        [f"{MENDED} ALTER distance_km TYPE money USING distance_km::numeric::money"],
        "Column distance_km is money, which no batch can hold",
        "cast it in the query, for example distance_km::numeric AS distance_km",
    ),
    "an entity key that became a numeric": (
        [f"{MENDED} ALTER parcel_id TYPE numeric(20)"],
        "Column parcel_id is numeric, of which a batch holds 15 digits: two values could become one",
        "cast it in the query: parcel_id::bigint AS parcel_id if it is whole",
    ),
    "a day that is none": (
        [f"{MENDED} ALTER remark TYPE date USING CASE WHEN parcel_id % 100 = 7 THEN date 'infinity' END"],
        "Column remark holds infinity, or a year after 294246",
        "give it one in the query, or none: CASE WHEN remark < date '9999-12-31' AND isfinite(remark) THEN remark END",
    ),
    # Copied in binary, four letters would silently be read as an integer.
    "an entity key that became text": (
        [f"{MENDED} ALTER parcel_id TYPE text"],
        "Entity key parcel_id is string in the extracted rows; predictions keep int32",
        "cast parcel_id in extract.sql",
    ),
    "an entity key that became wider": (
        [f"{MENDED} ALTER parcel_id TYPE bigint"],
        "Entity key parcel_id is int64 in the extracted rows; predictions keep int32",
        "cast parcel_id in extract.sql",
    ),
    # `between` and the model's imputer both let a column of nothing but nulls pass.
    "a column all null that `between` judges": (
        [f"UPDATE parcels.handed_in SET weight_kg = NULL WHERE {OF_THE_DAY}"],
        "Column weight_kg is null in all 400 rows",
        "check how the source fills it",
    ),
    "a column all null that a warning judges": (
        [f"UPDATE parcels.handed_in SET pieces = NULL WHERE {OF_THE_DAY}"],
        "Column pieces is null in all 400 rows",
        "check how the source fills it",
    ),
    "a column all null that quarantines each row": (
        [f"UPDATE parcels.handed_in SET zone = NULL WHERE {OF_THE_DAY}"],
        "Column zone is null in all 400 rows",
        "check how the source fills it",
    ),
    "an entity key all null": (
        [
            f"{MENDED} DROP CONSTRAINT handed_in_pkey",
            f"{MENDED} ALTER depot DROP NOT NULL",
            f"UPDATE parcels.handed_in SET depot = NULL WHERE {OF_THE_DAY}",
        ],
        "Column depot is null in all 400 rows",
        "check how the source fills it",
    ),
    "duplicate entity keys": (
        [
            f"{MENDED} DROP CONSTRAINT handed_in_pkey",
            f"INSERT INTO parcels.handed_in SELECT * FROM parcels.handed_in WHERE {OF_THE_DAY} AND parcel_id % 200 = 7",
        ],
        "2 entity keys occur more than once, for example depot=north, parcel_id=8207; depot=south, parcel_id=8007",
        "make extract.sql give one row for each entity key",
    ),
}


@pytest.mark.parametrize(("breakage", "problem", "next_step"), BAD_SOURCES.values(), ids=BAD_SOURCES)
def test_a_bad_source_stops_the_run(
    parcels: Parcels, run: Way, breakage: list[str], problem: str, next_step: str
) -> None:
    parcels.execute(*breakage)
    with refused(parcels, SourceRefused, problem, next_step):
        run()


def test_a_column_all_null_is_named_even_if_the_model_fails_on_it_first(parcels: Parcels, run: Way) -> None:
    from sklearn.linear_model import LinearRegression

    rows = sample()[["weight_kg", "distance_km"]]
    parcels.register(LinearRegression().fit(rows, rows["distance_km"]), rows)
    parcels.execute(f"UPDATE parcels.handed_in SET weight_kg = NULL WHERE {OF_THE_DAY}")
    with refused(parcels, SourceRefused, "Column weight_kg is null in all 400 rows", "check how the source fills it"):
        run()


def test_a_column_that_the_query_no_longer_selects_stops_the_run(parcels: Parcels, run: Way) -> None:
    parcels.rewrite("features", "    distance_km,\n", "")
    with refused(parcels, SourceRefused, "Column distance_km is missing from the extracted rows", "mend extract.sql"):
        run()


@pytest.mark.parametrize("fewer", [True, False], ids=["fewer", "more"])
def test_a_query_that_gives_fewer_or_more_rows_than_it_counts_stops_the_run(
    parcels: Parcels, run: Way, *, fewer: bool
) -> None:
    # In pieces, so that it is not found where it is asked for.
    counting = "(current_query() LIKE '%count' || '(*)%')"
    parcels.rewrite("extract", "AS features", f"AS features WHERE parcel_id > 8010 OR {counting} = {fewer}")
    problem = "The source counted 400 rows and gave 389" if fewer else "The source counted 389 rows and gave more"
    with refused(parcels, SourceRefused, problem, "make extract.sql deterministic"):
        run()


BAD_SUITES = {
    "erring_on_rows": (
        ExpectationsFailed,
        "'zone: column values to be between (min_value=0.0, max_value=1.0)' could not be judged",
        "mend the expectation or the column",
    ),
    "erring_on_batch": (
        ExpectationsFailed,
        "'zone: column mean to be between (min_value=0.0, max_value=1.0)' could not be judged",
        "mend the expectation or the column",
    ),
    "failing_batch": (
        ExpectationsFailed,
        "The batch breaks 1 critical expectation(s): batch: table row count to be between (min_value=1000000) "
        "(observed 400)",
        "mend the rule",
    ),
    "naming_no_column": (
        SourceRefused,
        "Column colour is missing from the extracted rows",
        "mend extract.sql or the source",
    ),
    "empty": (ConfigurationError, "The expectation suite is empty", "declare at least one expectation"),
    "lenient_and_critical": (
        ConfigurationError,
        "expect_column_values_to_not_be_null is critical and has mostly=0.9",
        "set the pipeline's max_quarantined_share",
    ),
    "about_columns": (
        ConfigurationError,
        "the columns are held against the model's signature",
        "remove it from the suite",
    ),
}


@pytest.mark.parametrize(("suite", "expected"), BAD_SUITES.items(), ids=BAD_SUITES)
def test_an_expectation_without_an_answer_stops_the_run(
    parcels: Parcels, suite: str, expected: tuple[type[DaybreakError], str, str]
) -> None:
    declared = parcels.declared(expectations=f"fixture_pipelines.parcel_hours.expectations:{suite}")
    for run in (declared.run, declared.run_by_tasks):
        with refused(parcels, *expected):
            run()


def test_an_expectation_that_needs_all_rows_is_not_judged_chunk_by_chunk(parcels: Parcels, run: Way) -> None:
    unique = "fixture_pipelines.parcel_hours.expectations:unique_distance"
    # The two lie in different chunks.
    parcels.execute("UPDATE parcels.handed_in SET distance_km = 7.125 WHERE parcel_id IN (8000, 8398)")
    with refused(parcels, ExpectationsFailed, "distance_km: column values to be unique", "mend the rule"):
        parcels.declared(expectations=unique).run()
    run()


def test_an_error_that_nobody_has_foreseen_is_told_with_its_traceback(parcels: Parcels) -> None:
    declared = parcels.declared(expectations="fixture_pipelines.parcel_hours.expectations:broken")
    told = "KeyError in expectations.py, line "
    folder = parcels.workspace.settings.tracebacks
    for run in (declared.run, declared.run_by_tasks):
        with refused(parcels, UnexpectedError, told, f"read the traceback in {folder}/"):
            run()
    assert all('raise KeyError("colour")' in file.read_text() for file in folder.iterdir())


def test_a_run_that_is_interrupted_says_so_in_the_ledger(parcels: Parcels) -> None:
    plan = parcels.plan()
    with pytest.raises(KeyboardInterrupt), parcels.workspace.ledger.closing_on_error(plan.run_id, "orders", "today"):
        raise KeyboardInterrupt
    told = "orders today: It was interrupted (KeyboardInterrupt). Next: run the partition again."
    assert parcels.last_run()["error"] == told


def test_what_is_not_finite_is_judged_and_told_as_text(parcels: Parcels) -> None:
    declared = parcels.declared(expectations="fixture_pipelines.parcel_hours.expectations:open_bounds")
    parcels.execute(
        "UPDATE parcels.handed_in SET distance_km = 'Infinity' WHERE parcel_id = 8001",
        "UPDATE parcels.handed_in SET weight_kg = 60 WHERE parcel_id = 8002",
    )
    assert declared.run().counts.rows_quarantined == 1
    told = declared.rows(
        "SELECT arguments->'min_value', arguments->'max_value', success, observed FROM ledger.expectation_results "
        "WHERE run_id = %s ORDER BY position",
        declared.current()[0],
    )
    assert told == [
        ("-Infinity", 50.0, False, None),
        (None, 100.0, False, "Infinity"),
        (0.0, "Infinity", True, "Infinity"),
    ]


def test_no_rows_and_no_rows_left_stop_the_run(parcels: Parcels) -> None:
    generous = parcels.declared(max_quarantined_share=1.0)
    parcels.execute(f"UPDATE parcels.handed_in SET weight_kg = 99 WHERE {OF_THE_DAY}")
    with refused(parcels, ExpectationsFailed, "400 of 400 rows (100.0%) break a critical expectation", "mend the"):
        generous.run()
    # An empty frame passes nearly every expectation there is.
    plan = generous.plan()
    runner = generous.runner
    read = pa.schema([("depot", "string"), ("parcel_id", "int32")])
    empty = SnapshotWriter(runner.folder(plan), read).close()
    extracted = {"snapshot_uri": empty.uri, "snapshot_digest": empty.digest, "rows_extracted": empty.rows}
    parcels.workspace.ledger.record(plan.run_id, **extracted)
    with pytest.raises(SourceRefused, match=r"^parcel_hours 2024-03-09: The batch is empty\. Next: run the partition"):
        runner.validate(plan, empty)
    assert parcels.last_run()["state"] == "failed"


def test_a_mended_source_is_published_by_the_next_run(parcels: Parcels, run: Way) -> None:
    before = parcels.forecasts()
    parcels.execute(f"{MENDED} RENAME TO gone")
    with pytest.raises(SourceRefused):
        run()
    parcels.execute("ALTER TABLE parcels.gone RENAME TO handed_in")
    run()
    assert parcels.current() == [parcels.last_run()["run_id"]]
    assert parcels.forecasts(DAY) == before
