"""The ledger's tables: made by migrations, once each, and what the code takes them to be."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from daybreak.errors import ConfigurationError
from daybreak.ledger.tables import runs
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.migrations import migrate
from parcels import NewDatabase, Parcels

TABLES = sorted(runs.metadata.tables)


@pytest.fixture
def empty(new_database: NewDatabase) -> Warehouse:
    """Return a database without a table."""
    return Warehouse(new_database())


@pytest.mark.parametrize("name", TABLES)
def test_the_code_and_the_database_agree_on_columns_and_types(parcels: Parcels, name: str) -> None:
    table = runs.metadata.tables[name]
    found = sa.inspect(parcels.workspace.warehouse.engine).get_columns(table.name, schema=table.schema)
    dialect = postgresql.dialect()
    assert {column["name"]: column["type"].compile(dialect) for column in found} == {
        column.name: column.type.compile(dialect) for column in table.columns
    }


def test_the_code_knows_every_table_of_the_ledger(parcels: Parcels) -> None:
    found = sa.inspect(parcels.workspace.warehouse.engine).get_table_names(schema="ledger")
    assert [f"ledger.{name}" for name in sorted(found)] == TABLES


def test_every_table_and_column_of_the_ledger_is_described(parcels: Parcels) -> None:
    inspector = sa.inspect(parcels.workspace.warehouse.engine)
    for name in inspector.get_table_names(schema="ledger"):
        assert inspector.get_table_comment(name, schema="ledger")["text"]
        columns = inspector.get_columns(name, schema="ledger")
        assert [column["name"] for column in columns if not column["comment"]] == []


def test_migrations_are_applied_once_each_and_in_order(empty: Warehouse, project: Path) -> None:
    ledger = sorted(f"ledger/{path.name}" for path in (project / "sql" / "ledger").glob("*.sql"))
    assert migrate(empty, project / "sql") == ledger
    assert migrate(empty, project / "sql") == []
    (project / "sql" / "ledger" / "900_more.sql").write_text("ALTER TABLE ledger.runs ADD COLUMN one_more text;\n")
    assert migrate(empty, project / "sql") == ["ledger/900_more.sql"]
    assert "one_more" in {column["name"] for column in sa.inspect(empty.engine).get_columns("runs", schema="ledger")}


def test_a_changed_migration_is_refused(parcels: Parcels, project: Path) -> None:
    path = project / "sql" / "ledger" / "001_ledger.sql"
    path.write_text(path.read_text() + "-- One comment more.\n")
    with pytest.raises(ConfigurationError, match=r"sql/ledger/001_ledger.sql has changed since .* Next: restore it"):
        migrate(parcels.workspace.warehouse, project / "sql")
    assert parcels.forecasts()


def test_migrations_that_fail_leave_nothing(empty: Warehouse, project: Path) -> None:
    (project / "sql" / "ledger" / "900_bad.sql").write_text("CREATE TABLE ledger.more ();\nCREATE TABEL ledger.x ();\n")
    with pytest.raises(ConfigurationError, match=r"^ledger/900_bad.sql:2: syntax error at or near .* Next: mend"):
        migrate(empty, project / "sql")
    assert "ledger" not in sa.inspect(empty.engine).get_schema_names()


def test_two_processes_that_migrate_at_once_do_not_meet(empty: Warehouse, project: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(lambda _: migrate(empty, project / "sql"), range(4)))
    assert len([names for names in applied if names]) == 1
