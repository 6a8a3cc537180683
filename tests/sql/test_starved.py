"""A machine that lacks something, and a database that somebody has changed: one line each, and the run is closed."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daybreak.errors import ConfigurationError, DaybreakError, SourceRefused, TransientError
from parcels import DAY, ROWS, Parcels, hold_no_transaction_open, refused

from .conftest import Way


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let this process write no larger file, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def snapshots(parcels: Parcels) -> list[Path]:
    return sorted((parcels.workspace.settings.home / "batches").rglob("*.part"))


def test_a_full_disk_is_waited_out(parcels: Parcels, run: Way) -> None:
    with (
        refused(parcels, TransientError, "A file could not be written: File too large", "free some space"),
        files_of_at_most(2_000),
    ):
        run()
    assert snapshots(parcels) == []
    run()
    assert len(parcels.forecasts()) == ROWS


def test_a_file_where_the_folder_is_to_be_is_refused(parcels: Parcels, run: Way) -> None:
    folder = parcels.workspace.settings.home / "batches" / "parcel_hours" / str(DAY)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.touch()
    with refused(parcels, ConfigurationError, f"{folder}", "make it a folder that this account may write to"):
        run()


def test_a_query_of_too_many_columns_is_refused(parcels: Parcels, run: Way) -> None:
    many = ", ".join(f"{n} AS c{n}" for n in range(2_000))
    parcels.rewrite("features", "    remark\n", f"    remark, {many}\n")
    with refused(parcels, SourceRefused, "target lists can have at most 1664 entries", "mend the source or the query"):
        run()


def test_a_thousand_columns_that_no_model_takes_are_no_harm(parcels: Parcels) -> None:
    many = ", ".join(f"{n} AS c{n}" for n in range(1_000))
    parcels.rewrite("features", "    remark\n", f"    remark, {many}\n")
    parcels.run()
    assert len(parcels.forecasts()) == ROWS


@pytest.mark.parametrize(
    ("table", "kind", "told"),
    [
        ("predictions.parcel_hours_runs", ConfigurationError, " predictions.parcel_hours_runs. Next: "),
        ("ledger.quarantine", ConfigurationError, "There is no table ledger.quarantine"),
        ("ledger.expectation_results", ConfigurationError, "There is no table ledger.expectation_results"),
        ("ledger.run_segments", ConfigurationError, "There is no table ledger.run_segments"),
        ("ledger.publications", ConfigurationError, "There is no table ledger.publications"),
        ("parcels.handed_in", SourceRefused, 'sql:{0}: relation "parcels.handed_in" does not exist'),
    ],
)
@pytest.mark.parametrize("after_plan", [False, True], ids=["before the plan", "after it"])
def test_a_table_that_was_renamed_is_told_by_name(
    parcels: Parcels, table: str, kind: type[DaybreakError], told: str, *, after_plan: bool
) -> None:
    plan = parcels.plan() if after_plan else None
    parcels.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    with pytest.raises(kind) as caught:
        parcels.runner.run(plan or parcels.plan())
    hold_no_transaction_open(parcels)
    # The plan reads coverage.sql first; what is left after it is extract.sql with what it includes.
    assert told.format(10 if after_plan else 5) in str(caught.value)
    assert str(caught.value).startswith(f"parcel_hours {DAY}: ")
    assert (parcels.last_run()["state"], parcels.last_run()["error"]) == ("failed", str(caught.value))


def test_a_ledger_that_is_gone_is_told_by_name(parcels: Parcels) -> None:
    parcels.execute("ALTER TABLE ledger.runs RENAME TO elsewhere")
    with pytest.raises(ConfigurationError, match=r"There is no table ledger\.runs\. Next: give it its name back"):
        parcels.plan()


def test_a_right_that_was_taken_away_is_told(parcels: Parcels, run: Way) -> None:
    parcels.execute(
        "CREATE FUNCTION parcels.secret() RETURNS text LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE insufficient_privilege USING MESSAGE = 'permission denied for vault'; END $$"
    )
    parcels.rewrite("features", "    remark\n", "    parcels.secret() AS remark\n")
    with refused(parcels, SourceRefused, "permission denied for vault", "mend the source or the query"):
        run()
