"""A database that goes away in the middle: the run fails cleanly, as transient, and its next try is right."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.errors import TransientError, WarehouseUnavailable
from daybreak.ledger.runs import Counts
from daybreak.run.plan import Plan
from daybreak.workspace import Workspace
from homes import short_lived_server
from parcels import DAY, ROWS, Parcels, administer, load, make_project, make_settings, travelled

from .conftest import Way, break_weights

# Each of these is written to at another moment of a run.
TABLES = {
    "ledger.runs": "BEFORE INSERT",
    "ledger.quarantine": "BEFORE INSERT",
    "ledger.expectation_results": "BEFORE INSERT",
    "predictions.parcel_hours_runs": "BEFORE INSERT",
    "ledger.publications": "BEFORE INSERT",
}


def lose_connection_once(parcels: Parcels, table: str, moment: str) -> None:
    """End whoever writes to the table first, as a server that is shut down does; a sequence outlives the rollback."""
    parcels.execute(
        "CREATE SEQUENCE parcels.writes",
        "CREATE FUNCTION parcels.lose() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
        "IF nextval('parcels.writes') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; "
        "RETURN NEW; END$$",
        f"CREATE TRIGGER lose {moment} ON {table} FOR EACH ROW EXECUTE FUNCTION parcels.lose()",
    )


@pytest.mark.parametrize("table", TABLES)
def test_a_lost_connection_is_transient_and_the_next_run_is_right(parcels: Parcels, run: Way, table: str) -> None:
    broken = break_weights(parcels, 12)
    before = parcels.forecasts()
    lose_connection_once(parcels, table, TABLES[table])
    with pytest.raises(WarehouseUnavailable, match=r"The warehouse did not answer \(.*\)\. Next: it is tried again"):
        run()
    assert parcels.forecasts() == before
    run()
    assert parcels.forecasts().keys() == before.keys() - broken
    assert parcels.current() == [parcels.last_run()["run_id"]]
    assert parcels.rows("SELECT DISTINCT state FROM ledger.runs ORDER BY 1") in (
        [("failed",), ("published",)],
        [("published",)],
    )


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """Start a server that tests may stop."""
    with short_lived_server() as server:
        yield server


@pytest.fixture
def alone(server: EmbeddedPostgres, tmp_path: Path) -> Iterator[Parcels]:
    """Return the pipeline made for tests on a server of its own."""
    with administer(server) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {tmp_path.name}")
    settings = make_settings(tmp_path, make_project(tmp_path / "project"), server.url(tmp_path.name))
    load(settings)
    workspace = Workspace(settings)
    yield Parcels(workspace)
    workspace.close()


def restart(server: EmbeddedPostgres) -> None:
    server.stop("immediate")
    server.release()
    server.use()


def test_a_server_that_restarts_between_tasks_is_not_noticed(alone: Parcels, server: EmbeddedPostgres) -> None:
    before = alone.forecasts()
    plan = Plan.from_json(travelled(alone.plan(origin="parcel_hours/a").to_json()))
    restart(server)
    snapshot = alone.runner.extract(plan)
    restart(server)
    alone.runner.validate(plan, snapshot)
    restart(server)
    counts = Counts(**travelled(asdict(alone.runner.score(plan, snapshot))))
    restart(server)
    assert alone.runner.publish(plan, counts).published
    assert alone.forecasts() == before
    restart(server)
    assert alone.run().publication.published
    assert alone.current() == [alone.last_run()["run_id"]]


def test_a_server_that_restarts_while_rows_are_copied(alone: Parcels, server: EmbeddedPostgres) -> None:
    before, restarted = alone.forecasts(), []

    def progress(done: int, rows: int) -> None:
        if not restarted:
            restarted.append((done, rows))
            restart(server)

    plan = alone.plan()
    with pytest.raises(TransientError, match=r"^parcel_hours 2024-03-09: The warehouse did not answer"):
        alone.runner.run(plan, progress=progress)
    assert restarted[0][0] < restarted[0][1] == ROWS
    run = alone.last_run()
    assert (run["state"], run["rows_scored"]) == ("failed", None)
    assert "The warehouse did not answer" in run["error"]
    assert alone.forecasts() == before
    assert alone.stored(plan.run_id) == 0
    # The same run is tried again, then another one.
    assert alone.runner.run(plan).publication.published
    assert alone.forecasts() == before
    assert alone.run().counts.rows_scored == ROWS
    assert alone.current() == [alone.last_run()["run_id"]]


def test_a_server_that_is_away_says_so(alone: Parcels, server: EmbeddedPostgres) -> None:
    plan = alone.plan(DAY)
    server.stop("immediate")
    with pytest.raises(WarehouseUnavailable, match="The warehouse did not answer"):
        alone.runner.extract(plan)
    with pytest.raises(WarehouseUnavailable, match="The warehouse did not answer"):
        alone.plan()
    server.release()
    server.use()
    assert alone.run().publication.published
