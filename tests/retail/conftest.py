"""A copy of the real sales that tests may change, and the pipeline on it."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.run.plan import day_binds
from daybreak.warehouse.sql_file import load_sql
from daybreak.workspace import Workspace
from parcels import administer
from real_sales import TEMPLATE, RealSales, real_sales
from retail.demand_forecast import DEMAND_FORECAST

Read = Callable[..., pa.Table]


@pytest.fixture(scope="session")
def sales(postgres: EmbeddedPostgres) -> RealSales:
    """Load the real sales once."""
    return real_sales(postgres)


@pytest.fixture(scope="module")
def workspace(
    sales: RealSales, postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workspace]:
    """Open a copy of the real sales that a module may change."""
    home = tmp_path_factory.mktemp("retail")
    with administer(postgres) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {home.name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    opened = Workspace(sales.settings(postgres.url(home.name), Path(home)))
    yield opened
    opened.close()
    with administer(postgres) as connection:
        connection.exec_driver_sql(f"DROP DATABASE {home.name} WITH (FORCE)")


@pytest.fixture(scope="module")
def read(workspace: Workspace) -> Read:
    """Return a function that runs one of the pipeline's queries over a range of days, as training and runs do."""

    def run(query: str, first: date, last: date | None = None) -> pa.Table:
        timezone = DEMAND_FORECAST.timezone
        binds = day_binds(first, last or first, timezone)
        file = load_sql(workspace.sql(DEMAND_FORECAST, query))
        with workspace.warehouse.stream(file, binds) as (counts, reader):
            table = reader.read_all()
        assert {None: table.num_rows} == counts
        return table

    return run


@pytest.fixture(scope="module")
def ask(workspace: Workspace) -> Callable[..., list[tuple[Any, ...]]]:
    """Return a function that queries the copy, or changes it."""

    def run(statement: str, **values: Any) -> list[tuple[Any, ...]]:
        import sqlalchemy as sa

        with workspace.warehouse.begin() as connection:
            result = connection.execute(sa.text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    return run
