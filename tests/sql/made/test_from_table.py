"""A pipeline made by `daybreak new --from-table`: weekly sales from a table to measured predictions."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from command_line import Daybreak
from daybreak.declaration.cadence import Week
from daybreak.declaration.partition import Calendar
from daybreak.settings import Settings
from daybreak.workspace import Workspace

STORES, DEPARTMENTS, WEEKS = 45, 6, 140
_SALES = """
CREATE SCHEMA company;
CREATE TABLE company."Weekly Sales" (
    "Store Nr" integer NOT NULL, dept text NOT NULL, "order" date NOT NULL, "Sales: net %" numeric(12, 2) NOT NULL
);
COMMENT ON COLUMN company."Weekly Sales"."Sales: net %" IS 'Less what was returned.';
INSERT INTO company."Weekly Sales"
SELECT store, 'D' || dept, date '{last}' - 7 * back, CASE
    WHEN (store * 7 + dept * 3 + back) % 97 = 0 THEN -150.25
    ELSE round((2000 + 400 * store + 900 * dept + 1500 * sin((52 - back % 52) * 0.12) + (store * 31 + back * 17) % 300)
        ::numeric, 2)
END
FROM generate_series(1, {stores}) AS stores (store), generate_series(1, {departments}) AS departments (dept),
    generate_series(0, {weeks} - 1) AS weeks (back)
"""


class Company:
    """The company's database, and the commands that are run on it."""

    def __init__(self, settings: Settings, daybreak: Daybreak) -> None:
        self.run = daybreak
        self.workspace = Workspace(settings)

    def rows(self, statements: str) -> list[tuple[Any, ...]]:
        with self.workspace.warehouse.begin() as connection:
            found = connection.exec_driver_sql(statements.replace("%", "%%"))
            return [tuple(row) for row in found] if found.returns_rows else []

    def done(self, *arguments: object) -> str:
        code, out, err = self.run(*arguments)
        assert code == 0, err
        return out


@pytest.fixture
def company(settings: Settings, daybreak: Daybreak) -> Iterator[Company]:
    made = Company(settings, daybreak)
    yield made
    made.workspace.close()


def test_weekly_sales_are_trained_run_backfilled_and_measured(company: Company) -> None:
    calendar = Calendar("UTC", Week(starts="sunday"))
    last = calendar.last_complete(datetime.now(UTC)).first_day
    company.rows(_SALES.format(last=last, stores=STORES, departments=DEPARTMENTS, weeks=WEEKS))

    def back(weeks: int) -> date:
        return last - timedelta(weeks=weeks)

    told = company.done(
        *("new", "sales", "--from-table", "company.Weekly Sales", "--key", "Store Nr", "--key", "dept"),
        *("--target", "Sales: net %", "--time", "order", "--every", "week"),
    )
    print(told)
    print(company.done("train", "sales"))
    print(company.done("run", "sales"))
    shown = "SELECT count(*), count(DISTINCT (store_nr, dept)), min(partition_date) FROM predictions.sales"
    assert company.rows(shown) == [(STORES * DEPARTMENTS, STORES * DEPARTMENTS, last)]
    print(company.done("backfill", "sales", back(7), back(1), "--missing"))
    print(company.done("measure", "sales"))
