"""A run that a process works on is not called dead: not while it is planned, nor between planning and running."""

from collections.abc import Iterator
from threading import Thread

import pytest

from daybreak.errors import PartitionRefused
from daybreak.workspace import Workspace
from parcels import Parcels
from waiting import LONG, until

SIGNS = (
    "pg_locks WHERE locktype = 'advisory' AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture
def other(parcels: Parcels) -> Iterator[Workspace]:
    """Return what another command opens."""
    opened = Workspace(parcels.workspace.settings)
    yield opened
    opened.close()


def long_ago(parcels: Parcels) -> None:
    parcels.execute("UPDATE ledger.runs SET started_at = started_at - interval '1 day'")


def test_a_run_is_not_swept_while_it_is_planned(parcels: Parcels, other: Workspace) -> None:
    planning = Thread(target=parcels.plan, daemon=True)
    with other.warehouse.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE parcels.handed_in")
        planning.start()
        until(lambda: parcels.last_run()["run_id"] == 2, "the run to be opened")
        long_ago(parcels)
        assert other.ledger.sweep() == 0
    planning.join(LONG)
    assert other.ledger.sweep() == 0
    assert parcels.last_run()["state"] == "running"


def test_planned_runs_are_swept_once_their_process_is_gone(parcels: Parcels, other: Workspace) -> None:
    planner = Workspace(parcels.workspace.settings)
    for _ in range(3):
        Parcels(planner).plan()
    Parcels(planner).plan(origin="parcel_hours/airflow's own")
    long_ago(parcels)
    assert other.ledger.sweep() == 0
    planner.close()
    assert until(other.ledger.sweep, "the process to be noticed") == 3
    states = parcels.rows("SELECT state, origin FROM ledger.runs WHERE run_id > 1 ORDER BY run_id")
    assert states == [("failed", None)] * 3 + [("running", "parcel_hours/airflow's own")]


def test_a_sign_outlives_the_connection_that_held_it(parcels: Parcels, other: Workspace) -> None:
    first = parcels.plan()
    (held_by,) = parcels.rows(f"SELECT pid FROM {SIGNS}")
    parcels.value("SELECT pg_terminate_backend(%s, 10000)", *held_by)
    parcels.plan()
    long_ago(parcels)
    assert other.ledger.sweep() == 0
    assert parcels.runner.run(first).publication is not None


def test_no_sign_is_left_of_runs_that_are_through_or_refused(parcels: Parcels, other: Workspace) -> None:
    parcels.run()
    with pytest.raises(PartitionRefused):
        parcels.plan("2999-01-01")
    assert parcels.value(f"SELECT count(*) FROM {SIGNS}") == 0


def test_a_run_that_one_planned_and_another_works_on_has_two_signs(parcels: Parcels, other: Workspace) -> None:
    plan = parcels.plan()
    with other.ledger.alive(plan.run_id):
        parcels.workspace.ledger.close()
        assert parcels.workspace.ledger.sweep() == 0
    assert until(other.ledger.sweep, "the process to be noticed") == 1
