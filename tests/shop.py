"""A shop with the retailer's tables and nothing in them, for tests that say line by line what was sold."""

from datetime import date, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from daybreak.declaration.pipeline import Pipeline
from daybreak.local.demonstration_data import TIMEZONE
from daybreak.local.demonstration_schema import hand_over, staged
from daybreak.run.plan import day_binds
from daybreak.run.tables import see_to_tables, upstreams_first
from daybreak.settings import PROJECT
from daybreak.warehouse.sql_file import load_sql
from daybreak.workspace import Workspace

_SELL = sa.text(
    "INSERT INTO retail.transactions VALUES (:household, 1, :basket, :product, :quantity, :value, :retail, :coupon, "
    ":matched, 1, CAST(:at AS timestamp) AT TIME ZONE CAST(:timezone AS text) AT TIME ZONE 'UTC')"
)
_STOCK = sa.text("INSERT INTO retail.products VALUES (:product, 1, :department, 'National', :category, :kind, NULL)")


class Shop:
    """The sales of one database, and the pipelines' queries on them."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._baskets = 0
        with staged(workspace.warehouse, PROJECT / "sql"):
            hand_over(workspace.warehouse, PROJECT / "sql")
        for pipeline in upstreams_first(workspace.pipelines):
            see_to_tables(workspace, pipeline)

    def stock(self, product: int, category: str | None, department: str = "GROCERY", kind: str | None = None) -> None:
        """Put a product into the catalogue."""
        self._execute(_STOCK, product=product, category=category, department=department, kind=kind)

    def sell(
        self,
        household: int,
        at: str | datetime,
        product: int = 1,
        value: float = 1.0,
        *,
        retail: float = 0,
        coupon: float = 0,
        matched: float = 0,
        basket: int | None = None,
    ) -> int:
        """Sell a line at a local time, in a basket of its own unless one is given; return the basket."""
        self._baskets += 1
        line = {"household": household, "product": product, "quantity": 1, "value": value, "at": str(at)}
        discounts = {"retail": retail, "coupon": coupon, "matched": matched}
        number = basket or self._baskets
        self._execute(_SELL, **line, **discounts, basket=number, timezone=TIMEZONE)
        return number

    def read(
        self, pipeline: Pipeline, query: str, first: date, last: date | None = None, upstream_run_id: int | None = None
    ) -> pd.DataFrame:
        """Run one of a pipeline's queries, as runs and training do."""
        binds = day_binds(first, last or first, pipeline.timezone)
        if upstream_run_id is not None:
            binds["upstream_run_id"] = upstream_run_id
        file = load_sql(self.workspace.sql(pipeline, query))
        with self.workspace.warehouse.stream(file, binds, count=False) as (_, reader):
            frame: pd.DataFrame = reader.read_all().to_pandas()
        return frame

    def execute(self, statement: str, **values: Any) -> None:
        """Change the database."""
        self._execute(sa.text(statement), **values)

    def _execute(self, statement: sa.TextClause, **values: Any) -> None:
        with self.workspace.warehouse.begin() as connection:
            connection.execute(statement, values)
