"""Every wait for a lock has a bound, says what it waited for and who holds it, and ends transient."""

import gc
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from itertools import count
from socket import create_server
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.errors import WarehouseUnavailable
from daybreak.ledger.runs import lock
from daybreak.models.aliases import Decision
from daybreak.settings import Settings
from daybreak.warehouse.database import Warehouse
from daybreak.workspace import Workspace
from parcels import DAY, Parcels, administer
from waiting import LONG, until

SECONDS = 0.6


@pytest.fixture
def hasty(parcels: Parcels) -> Iterator[Parcels]:
    """Return the pipeline with a short lock timeout; the registry's tables are there and were asked."""
    found = Workspace(parcels.workspace.settings.model_copy(update={"lock_timeout_seconds": SECONDS}))
    yield Parcels(found)
    found.close()


@contextmanager
def held(parcels: Parcels, statement: str) -> Iterator[int]:
    """Let a session of somebody's psql hold what a statement locks; give its process id."""
    engine = sa.create_engine(
        parcels.workspace.warehouse.url, poolclass=sa.NullPool, connect_args={"application_name": "psql"}
    )
    with engine.connect() as connection, connection.begin() as undone:
        pid: int = connection.scalar(sa.text("SELECT pg_backend_pid()"))  # type: ignore[assignment]
        connection.exec_driver_sql(statement)
        yield pid
        undone.rollback()


def promote(parcels: Parcels) -> None:
    parcels.promote(1)


def plan(parcels: Parcels) -> None:
    parcels.plan()


def run(parcels: Parcels) -> None:
    parcels.run()


def change_tables(parcels: Parcels) -> None:
    parcels.declared(columns={"parcel_id": "Said otherwise."}).plan()


HELD = {
    "a run is opened": ("TABLE ledger.runs", plan, "table ledger.runs"),
    "the migrations are looked up": ("TABLE ledger.migrations", plan, "table ledger.migrations"),
    "the source is looked at": ("TABLE parcels.handed_in", plan, "table parcels.handed_in"),
    "the registry is asked": ("TABLE model_versions", plan, "table model_versions"),
    "an alias is moved": ("TABLE registered_model_aliases", promote, "table registered_model_aliases"),
    "rows are quarantined": ("TABLE ledger.quarantine", run, "table ledger.quarantine"),
    "predictions are written": ("TABLE predictions.parcel_hours_runs", run, "table predictions.parcel_hours_runs"),
    "the pointer is flipped": ("TABLE ledger.publications", run, "table ledger.publications"),
    "a table is brought along": (
        "TABLE predictions.parcel_hours_runs",
        change_tables,
        "table predictions.parcel_hours_runs",
    ),
}


@pytest.mark.parametrize(("what", "do", "named"), HELD.values(), ids=HELD)
def test_a_table_that_somebody_holds_is_waited_for_in_vain_and_the_holder_is_named(
    hasty: Parcels, parcels: Parcels, what: str, do: Callable[[Parcels], None], named: str
) -> None:
    before = parcels.shown()
    statement = f"LOCK {what} IN ACCESS EXCLUSIVE MODE"
    with held(parcels, statement) as pid, pytest.raises(WarehouseUnavailable) as caught:
        do(hasty)
    told = str(caught.value)
    assert f"Waited 0.6 s for {named}, which process {pid} (psql, since " in told
    assert f"idle in transaction: {statement})" in told
    assert f"SELECT pg_terminate_backend({pid});" in told
    assert "\n" not in told
    assert parcels.shown() == before


def test_a_lock_of_ours_is_called_by_its_name_and_a_row_by_its_table(hasty: Parcels, parcels: Parcels) -> None:
    with parcels.workspace.warehouse.begin() as connection:
        lock(connection, f"parcel_hours/{DAY}")
        with pytest.raises(
            WarehouseUnavailable, match=rf"for the lock parcel_hours/{DAY}, which process \d+ \(daybreak"
        ):
            hasty.plan()
    with (
        held(parcels, "UPDATE ledger.runs SET note = 'x' WHERE run_id = 1"),
        pytest.raises(WarehouseUnavailable, match=r"for a row of ledger\.runs, which process \d+ \(psql"),
    ):
        hasty.workspace.ledger.record(1, note="y")


def test_who_waits_says_so_while_it_waits(hasty: Parcels, parcels: Parcels, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.WARNING, "daybreak"),
        held(parcels, "LOCK TABLE parcels.handed_in"),
        pytest.raises(WarehouseUnavailable),
    ):
        hasty.plan()
    said = [record.getMessage() for record in caplog.records if record.name == "daybreak"]
    assert len(said) == 1
    assert said[0].startswith("Waiting at most 0.6 s for table parcels.handed_in, which process ")


def test_a_look_that_comes_back_late_says_nothing_of_what_is_done_next(
    hasty: Parcels, parcels: Parcels, caplog: pytest.LogCaptureFixture
) -> None:
    looks, ended = count(1), threading.Event()
    looked, looked_again = threading.Event(), threading.Event()

    def come_back_late(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "pg_blocking_pids" in statement:
            (looked if next(looks) == 1 else looked_again).set()
            ended.wait(LONG)

    def wait_for_the_table() -> int:
        with suppress(WarehouseUnavailable), hasty.workspace.warehouse.begin() as connection:
            connection.exec_driver_sql("SELECT FROM parcels.handed_in")
        with hasty.workspace.warehouse.begin() as connection:
            ended.set()
            assert looked_again.wait(LONG)
            pid: int = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        return pid

    with hasty.workspace.warehouse.begin() as connection:
        before = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    sa.event.listen(sa.engine.Engine, "after_cursor_execute", come_back_late)
    try:
        with caplog.at_level(logging.WARNING, "daybreak"), ThreadPoolExecutor(1) as aside:
            with held(parcels, "LOCK TABLE parcels.handed_in"):
                waiting = aside.submit(wait_for_the_table)
                assert looked.wait(LONG)
            assert waiting.result(LONG) == before, "the same connection"
    finally:
        sa.event.remove(sa.engine.Engine, "after_cursor_execute", come_back_late)
    assert caplog.messages == []


def test_a_refused_wait_is_through_once_the_holder_is(hasty: Parcels, parcels: Parcels) -> None:
    with held(parcels, "LOCK TABLE ledger.runs"), pytest.raises(WarehouseUnavailable):
        hasty.run()
    assert hasty.run(DAY + timedelta(days=1)).publication is not None


def test_an_alias_is_waited_for_no_longer_than_anything_else(hasty: Parcels, parcels: Parcels) -> None:
    with parcels.workspace.warehouse.begin() as connection:
        lock(connection, "alias/parcel_hours/champion")
        with pytest.raises(WarehouseUnavailable, match="for the lock alias/parcel_hours/champion"):
            hasty.workspace.aliases(parcels.pipeline.single_ref).move(1, Decision("test"))


def test_a_registry_that_takes_the_call_and_says_nothing_is_given_up(parcels: Parcels) -> None:
    with create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/registry?connect_timeout=2"
        changed = parcels.workspace.settings.model_copy(update={"registry_url": SecretStr(url)})
        with pytest.raises(WarehouseUnavailable, match="The model registry's database did not answer"):
            Parcels(Workspace(changed)).plan()


def test_a_registry_that_went_away_after_it_was_used_is_given_up_at_once(
    parcels: Parcels, postgres: EmbeddedPostgres
) -> None:
    registry, model = parcels.workspace.registry, parcels.pipeline.single_ref
    registry.resolve(model)
    database = parcels.workspace.warehouse.url.database
    with administer(postgres) as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
        ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        connection.exec_driver_sql(ended)
    with pytest.raises(WarehouseUnavailable, match="The model registry's database did not answer"):
        registry.resolve(model)


def lost(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseUnavailable), warehouse.begin() as connection:
        connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")


def gone_on(warehouse: Warehouse) -> None:
    with warehouse.engine.connect() as connection:
        with pytest.raises(sa.exc.OperationalError):
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        connection.rollback()
        connection.exec_driver_sql("SELECT 1")


def thrown_away(warehouse: Warehouse) -> None:
    with warehouse.session() as connection:
        connection.exec_driver_sql("SELECT 1")


def refused_statement(warehouse: Warehouse) -> None:
    with pytest.raises(sa.exc.ProgrammingError), warehouse.begin() as connection:
        connection.exec_driver_sql("SELECT FROM gone")


def bulk_lost(warehouse: Warehouse) -> None:
    def end_and_ask() -> None:
        with warehouse.bulk() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            cursor.execute("SELECT 1")

    with pytest.raises(WarehouseUnavailable):
        end_and_ask()


def forgotten(warehouse: Warehouse) -> None:
    warehouse.engine.connect().exec_driver_sql("SELECT 1")
    # Where another thread looks for garbage at this moment, nobody else does.
    until(lambda: gc.collect() >= 0 and not warehouse.engine.pool.checkedout(), "it to be given back")  # type: ignore[attr-defined]


@pytest.mark.parametrize("ends", [lost, gone_on, thrown_away, refused_statement, bulk_lost, forgotten])
def test_nobody_looks_for_a_transaction_that_has_ended_however_it_did(
    settings: Settings, ends: Callable[[Warehouse], None]
) -> None:
    before = looking()
    warehouse = Warehouse(settings.warehouse_url.get_secret_value(), SECONDS)  # type: ignore[union-attr]
    ends(warehouse)
    until(lambda: looking() <= before, "the one who looks to end")
    warehouse.close()


def of_the_engine(warehouse: Warehouse) -> tuple[object, AbstractContextManager[Any]]:
    connection = warehouse.engine.connect()
    connection.exec_driver_sql("SELECT 1")
    return connection, warehouse._waits._alone


def of_those_for_bulk(warehouse: Warehouse) -> tuple[object, AbstractContextManager[Any]]:
    opened = warehouse.bulk()
    opened.__enter__()
    return opened, warehouse._bulk._alone


@pytest.mark.parametrize("kind", [of_the_engine, of_those_for_bulk])
def test_a_forgotten_connection_is_given_back_in_the_middle_of_anything(
    settings: Settings, kind: Callable[[Warehouse], tuple[object, AbstractContextManager[Any]]]
) -> None:
    warehouse = Warehouse(settings.warehouse_url.get_secret_value(), SECONDS)  # type: ignore[union-attr]
    connection, alone = kind(warehouse)
    kept = [connection]
    del connection

    def look_for_garbage() -> None:
        with alone:
            kept.clear()
            gc.collect()

    collecting = threading.Thread(target=look_for_garbage, daemon=True)
    collecting.start()
    collecting.join(LONG)
    assert not collecting.is_alive()
    warehouse.close()


def looking() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "daybreak-waits"}
