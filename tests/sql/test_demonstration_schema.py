"""Where the demonstration may go: what somebody else made in the warehouse is refused or left, never dropped."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from daybreak.errors import ConfigurationError, WarehouseUnavailable
from daybreak.local.demonstration_schema import MARK, TABLES, hand_over, refuse_named_warehouse, staged
from daybreak.settings import PROJECT, Settings
from daybreak.warehouse.database import Warehouse
from parcels import NewDatabase
from waiting import until

PRODUCT = "(1, 2, 'GROCERY', 'National')"


@pytest.fixture
def warehouse(new_database: NewDatabase) -> Iterator[Warehouse]:
    opened = Warehouse(new_database())
    yield opened
    opened.close()


@pytest.fixture
def execute(warehouse: Warehouse) -> Callable[[str], None]:
    def run(statement: str) -> None:
        with warehouse.begin() as connection:
            connection.exec_driver_sql(statement)

    return run


@pytest.fixture
def ask(warehouse: Warehouse) -> Callable[[str], list[tuple[object, ...]]]:
    def run(query: str) -> list[tuple[object, ...]]:
        with warehouse.begin() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    return run


def load(warehouse: Warehouse, product: str = PRODUCT, loaded: tuple[str, ...] = TABLES) -> None:
    """Load one product the way the demonstration's rows are."""
    with staged(warehouse, PROJECT / "sql"):
        with warehouse.begin() as connection:
            connection.exec_driver_sql(
                f"INSERT INTO retail_loading.products (product_id, manufacturer_id, department, brand) VALUES {product}"
            )
        hand_over(warehouse, PROJECT / "sql", loaded)


def test_a_later_load_replaces_the_rows_and_nothing_else(
    warehouse: Warehouse, execute: Callable[[str], None], ask: Callable[[str], list[tuple[object, ...]]]
) -> None:
    load(warehouse)
    for statement in (
        "CREATE SCHEMA mine",
        "CREATE VIEW mine.brands AS SELECT product_id, brand FROM retail.products",
        "CREATE TABLE retail.orders (order_id bigint)",
        "INSERT INTO retail.orders VALUES (7)",
        "CREATE INDEX mine_by_brand ON retail.products (brand)",
        "CREATE ROLE somebody_who_reads",
        "GRANT SELECT ON retail.products TO somebody_who_reads",
    ):
        execute(statement)
    try:
        load(warehouse, "(9, 2, 'GROCERY', 'Private')")

        assert ask("SELECT * FROM mine.brands") == [(9, "Private")]
        assert ask("SELECT * FROM retail.orders") == [(7,)]
        assert ask("SELECT has_table_privilege('somebody_who_reads', 'retail.products', 'SELECT')") == [(True,)]
        assert ask("SELECT to_regclass('retail.mine_by_brand') IS NOT NULL") == [(True,)]
        assert ask("SELECT to_regnamespace('retail_loading')") == [(None,)]
    finally:
        execute("DROP OWNED BY somebody_who_reads; DROP ROLE somebody_who_reads")


def test_rows_that_were_not_loaded_this_time_stay(
    warehouse: Warehouse, execute: Callable[[str], None], ask: Callable[[str], list[tuple[object, ...]]]
) -> None:
    load(warehouse)
    execute("INSERT INTO retail.promotions VALUES (1, 2, 'A', 'D', 3)")
    load(warehouse, loaded=("transactions", "products", "demographics"))
    assert ask("SELECT * FROM retail.promotions") == [(1, 2, "A", "D", 3)]
    load(warehouse)
    assert ask("SELECT * FROM retail.promotions") == []


def test_a_schema_of_somebody_else_is_refused_with_what_is_there(
    warehouse: Warehouse, execute: Callable[[str], None], ask: Callable[[str], list[tuple[object, ...]]]
) -> None:
    execute("CREATE SCHEMA retail")
    execute("CREATE TABLE retail.orders AS SELECT 7 AS order_id")
    execute("CREATE VIEW retail.seen AS SELECT * FROM retail.orders")
    with pytest.raises(ConfigurationError, match=r"retail is in the warehouse already.*orders, seen.*another database"):
        load(warehouse)
    assert ask("SELECT * FROM retail.seen") == [(7,)]
    assert ask("SELECT to_regnamespace('retail_loading')") == [(None,)]


def test_a_staging_schema_of_somebody_else_is_refused(warehouse: Warehouse, execute: Callable[[str], None]) -> None:
    execute("CREATE SCHEMA retail_loading")
    with pytest.raises(ConfigurationError, match="retail_loading is in the warehouse already"):
        load(warehouse)


def test_what_an_interrupted_load_left_is_cleared_away_by_the_next_one(
    warehouse: Warehouse, ask: Callable[[str], list[tuple[object, ...]]]
) -> None:
    with pytest.raises(KeyboardInterrupt), staged(warehouse, PROJECT / "sql"):
        raise KeyboardInterrupt
    # The database hears a moment later that its session has ended.
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    until(lambda: ask(held) == [(0,)], "the interrupted load to let go")
    load(warehouse)
    assert ask("SELECT product_id FROM retail.products") == [(1,)]


@pytest.mark.parametrize(
    "theirs",
    [
        "CREATE TABLE retail_loading.theirs (a int)",
        "CREATE VIEW public.theirs AS SELECT * FROM retail_loading.products",
    ],
)
def test_what_somebody_put_into_the_staging_schema_is_refused_and_kept(
    warehouse: Warehouse, execute: Callable[[str], None], ask: Callable[[str], list[tuple[object, ...]]], theirs: str
) -> None:
    with pytest.raises(KeyboardInterrupt), staged(warehouse, PROJECT / "sql"):
        raise KeyboardInterrupt
    execute(theirs)
    with pytest.raises(ConfigurationError, match="did not make stands in schema retail_loading, or reads from it"):
        load(warehouse)
    [name] = [name for name in ("retail_loading.theirs", "public.theirs") if name in theirs]
    assert ask(f"SELECT to_regclass('{name}') IS NOT NULL") == [(True,)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("ALTER TABLE retail.products ADD COLUMN note text", "other columns than the demonstration's"),
        (
            "CREATE TABLE public.theirs (product_id int REFERENCES retail.products (product_id))",
            "refers to the rows of retail.products by a foreign key",
        ),
        (
            "ALTER TABLE retail.products RENAME TO kept; CREATE VIEW retail.products AS SELECT 1 AS product_id",
            "other columns than the demonstration's",
        ),
    ],
)
def test_a_table_that_somebody_changed_is_refused_and_keeps_its_rows(
    warehouse: Warehouse,
    execute: Callable[[str], None],
    ask: Callable[[str], list[tuple[object, ...]]],
    change: str,
    says: str,
) -> None:
    load(warehouse)
    execute(change)
    with pytest.raises(ConfigurationError, match=says):
        load(warehouse, "(9, 2, 'GROCERY', 'Private')")
    assert ask("SELECT product_id FROM retail.products") == [(1,)]


def test_it_can_be_loaded_again_at_once_also_where_the_server_is_slow_to_hear_of_the_end(warehouse: Warehouse) -> None:
    holder = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted"
    stopped: list[int] = []

    def stop_its_process(*_: object) -> None:
        os.kill(stopped[0], signal.SIGSTOP)

    try:
        with staged(warehouse, PROJECT / "sql"):
            with warehouse.begin() as connection:
                stopped.append(connection.exec_driver_sql(holder).scalar_one())
            sa.event.listen(warehouse.engine, "invalidate", stop_its_process)
        sa.event.remove(warehouse.engine, "invalidate", stop_its_process)
        with staged(warehouse, PROJECT / "sql"):
            pass
    finally:
        os.kill(stopped[0], signal.SIGCONT)


def test_two_at_once_do_not_load_into_each_others_tables(warehouse: Warehouse) -> None:
    with (
        pytest.raises(WarehouseUnavailable, match="Another process is loading"),
        staged(warehouse, PROJECT / "sql"),
        staged(warehouse, PROJECT / "sql"),
    ):
        pass


def test_data_loaded_by_the_version_before_is_known_as_ours(
    warehouse: Warehouse, execute: Callable[[str], None], ask: Callable[[str], list[tuple[object, ...]]]
) -> None:
    load(warehouse)
    [(comment,)] = ask("SELECT obj_description(to_regnamespace('retail'), 'pg_namespace')")
    before = "Complete Journey 2.0 by 84.51°: one year of grocery sales to 2,469 households, moved to end yesterday."
    assert comment == MARK == before


def test_a_warehouse_that_the_settings_name_is_not_for_the_demonstration(tmp_path: Path) -> None:
    named = Settings(home=tmp_path, warehouse_url=sa.engine.make_url("postgresql://u:p@db/own").render_as_string(False))
    with pytest.raises(ConfigurationError, match=r"DAYBREAK_WAREHOUSE_URL names a warehouse.*--into-named-warehouse"):
        refuse_named_warehouse(named, asked=False)
    refuse_named_warehouse(named, asked=True)
    refuse_named_warehouse(Settings(home=tmp_path), asked=False)
