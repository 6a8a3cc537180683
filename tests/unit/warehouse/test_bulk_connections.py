"""A bulk connection that ended well is there for the next, and as if it were new."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pyarrow as pa
import pytest

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.warehouse.database import Warehouse
from parcels import NewDatabase, administer
from waiting import until


@pytest.fixture
def warehouse(new_database: NewDatabase) -> Iterator[Warehouse]:
    opened = Warehouse(new_database())
    yield opened
    opened.close()


def asked(connection: Any, query: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def process(connection: Any) -> int:
    return int(asked(connection, "SELECT pg_backend_pid()"))


def used(warehouse: Warehouse) -> int:
    with warehouse.bulk() as connection:
        return process(connection)


def test_one_that_ended_well_is_used_again(warehouse: Warehouse) -> None:
    assert used(warehouse) == used(warehouse)


def test_one_that_is_kept_waits_outside_of_a_transaction(warehouse: Warehouse, postgres: EmbeddedPostgres) -> None:
    kept = used(warehouse)
    with administer(postgres) as connection:
        states = connection.exec_driver_sql("SELECT state FROM pg_stat_activity WHERE pid = %s", (kept,)).scalars()
        assert list(states) == ["idle"]


def test_nothing_is_left_of_what_was_done_on_it(warehouse: Warehouse) -> None:
    rows, seen = pa.table({"id": [1]}), []
    for _ in range(2):
        with warehouse.bulk() as connection:
            with connection.cursor() as cursor:
                cursor.adbc_ingest("staged", rows, mode="create", temporary=True)
                assert asked(connection, "SELECT current_setting('work_mem')") != "77kB"
                cursor.execute("SET work_mem = '77kB'")
                cursor.execute("SELECT pg_advisory_lock(7)")
                cursor.fetchall()
            connection.commit()
            with connection.cursor() as cursor:
                cursor.execute("CREATE TABLE never_committed (id int)")
            seen.append(process(connection))
    assert len(set(seen)) == 1
    with warehouse.bulk() as connection:
        assert asked(connection, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted") == 0


def fail(connection: Any, *, in_the_database: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE never_committed (id int)")
    if in_the_database:
        asked(connection, "SELECT 1 / 0")
    raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize("in_the_database", [True, False])
def test_one_on_which_something_failed_is_not_used_again_and_nothing_of_it_stays(
    warehouse: Warehouse, in_the_database: bool
) -> None:
    before = used(warehouse)
    with pytest.raises(Exception, match="division by zero"), warehouse.bulk() as connection:
        fail(connection, in_the_database=in_the_database)
    with warehouse.bulk() as connection:
        assert process(connection) != before
        connection.commit()
    with warehouse.bulk() as connection:
        assert asked(connection, "SELECT to_regclass('never_committed') IS NULL")


def test_one_whose_rows_were_not_all_read_is_closed_with_them(warehouse: Warehouse) -> None:
    with warehouse.bulk() as connection, connection.cursor() as cursor:
        before = process(connection)
        cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": "1000000"})
        cursor.execute("SELECT repeat('x', 1000) FROM generate_series(1, 1000000)")
        with cursor.fetch_record_batch() as reader:
            reader.read_next_batch()
    assert used(warehouse) != before


def test_one_that_the_server_has_ended_is_replaced(warehouse: Warehouse, postgres: EmbeddedPostgres) -> None:
    before = used(warehouse)
    with administer(postgres) as connection:
        connection.exec_driver_sql("SELECT pg_terminate_backend(%s, 60000)", (before,))
    assert used(warehouse) != before


def test_who_is_not_the_only_one_has_one_alone_and_few_are_kept(
    warehouse: Warehouse, postgres: EmbeddedPostgres
) -> None:
    with ExitStack() as opened:
        several = {process(opened.enter_context(warehouse.bulk())) for _ in range(6)}
    assert len(several) == 6
    with administer(postgres) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        there = partial(connection.exec_driver_sql, query, (warehouse.url.database,))
        # A server learns a moment later that somebody has hung up.
        until(lambda: there().scalar() == 4, "those that are too many to be closed")
    with ExitStack() as opened:
        again = {process(opened.enter_context(warehouse.bulk())) for _ in range(6)}
    assert len(again & several) == 4
    warehouse.close()
    assert used(warehouse) not in several | again
