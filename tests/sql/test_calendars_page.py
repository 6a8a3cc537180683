"""docs/calendars.md, its weekly pipeline followed by the page: 45 stores' sales, trained, run, backfilled, measured."""

import ast
import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from command_line import Daybreak, commands
from company_sales import DEPARTMENTS, STORES, sales
from daybreak.settings import PROJECT, Settings
from daybreak.workspace import Workspace
from parcels import NewDatabase, make_project

PAGE = (PROJECT / "docs" / "calendars.md").read_text()
SHOWN = dict(re.findall(r"<!-- shown: (\S+) -->\n```\w+\n(.*?)```", PAGE, re.S))
[TABLE] = re.findall(r"<!-- table -->\n```sql\n(.*?)```", PAGE, re.S)


class Company:
    """The company's database, and what the page has one write."""

    def __init__(self, settings: Settings, daybreak: Daybreak) -> None:
        self.settings, self.run = settings, daybreak
        self.workspace = Workspace(settings)
        self.calendar = self.workspace.pipeline("weekly_sales").calendar
        self.last = self.calendar.last_complete(datetime.now(UTC))
        for statement in [*filter(str.strip, TABLE.split(";")), sales(self.last.first_day)]:
            self.rows(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.workspace.warehouse.begin() as connection:
            found = connection.exec_driver_sql(query.replace("%", "%%"))
            return [tuple(row) for row in found] if found.returns_rows else []

    def done(self, *arguments: object) -> str:
        code, out, err = self.run(*arguments)
        assert code == 0, err
        return out

    def back(self, weeks: int) -> date:
        return self.last.first_day - timedelta(weeks=weeks)


@pytest.fixture
def company(
    new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Company]:
    """Write the files of the page into a project of its own."""
    project = make_project(tmp_path / "project")
    for name, text in SHOWN.items():
        path = project / name.replace("include/retail", "include/weekly_page")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    registered = 'PIPELINES = ("weekly_page.weekly_sales:WEEKLY_SALES",)\n'
    (project / "include" / "weekly_page" / "__init__.py").write_text(registered)
    monkeypatch.syspath_prepend(str(project / "include"))
    url = new_database()
    settings = Settings(home=tmp_path, project=project, pipelines="weekly_page", warehouse_url=url, registry_url=url)
    made = Company(settings, commands(monkeypatch, capsys, settings))
    yield made
    made.workspace.close()
    for module in [name for name in sys.modules if name.split(".")[0] == "weekly_page"]:
        del sys.modules[module]


def test_weekly_sales_are_trained_run_backfilled_and_measured_by_the_page(company: Company) -> None:
    assert "weekly_sales version 1" in company.done("train", "weekly_sales", "--through", company.back(30))
    company.done("run", "weekly_sales")
    shown = "SELECT count(*), count(DISTINCT (store, dept)), min(partition_date) FROM predictions.weekly_sales"
    assert company.rows(shown) == [(STORES * DEPARTMENTS, STORES * DEPARTMENTS, company.last.first_day)]

    first, last = company.back(12), company.back(1)
    listed = company.done("backfill", "weekly_sales", first, last, "--missing", "--dry-run")
    assert "12 partitions" in listed
    company.done("backfill", "weekly_sales", first, last, "--missing")
    weeks = "SELECT DISTINCT partition_date FROM predictions.weekly_sales ORDER BY 1"
    assert [week for (week,) in company.rows(weeks)] == [company.back(n) for n in range(12, -1, -1)]
    assert "no week is missing" in company.done("backfill", "weekly_sales", first, last, "--missing")

    company.done("measure", "weekly_sales")
    measured = (
        "SELECT partition_key FROM ledger.performance WHERE metric = 'rmse' AND segment_by = '' ORDER BY partition_key"
    )
    # What happened after the newest week is not known.
    assert [key for (key,) in company.rows(measured)] == [str(company.back(n)) for n in range(12, 0, -1)]
    assert str(company.back(1)) in company.done("performance", "weekly_sales", "--partitions", 52)
    negative = "SELECT count(*) FROM predictions.weekly_sales WHERE predicted_sales < 100000"
    assert company.rows(negative)[0][0] > 0


def test_a_week_that_has_not_landed_and_a_day_that_begins_none_are_refused(company: Company) -> None:
    company.rows(f"DELETE FROM company.weekly_sales WHERE week = '{company.last.first_day}'")
    code, _, err = company.run("run", "weekly_sales")
    assert code == 1
    assert f"The source has not the whole week, which lasts to {company.last.last_day}, yet" in err
    code, _, err = company.run("run", "weekly_sales", "--partition", company.back(3) + timedelta(days=2))
    assert code == 1
    assert f"Next: choose {company.back(3)}, the week that it lies in" in err


def test_the_page_is_python_and_its_commands_are_known() -> None:
    assert len(SHOWN) == 6
    for name, text in SHOWN.items():
        if name.endswith(".py"):
            ast.parse(text)
    for line in re.findall(r"<!-- commands -->\n```sh\n(.*?)```", PAGE, re.S)[0].splitlines():
        assert line.startswith(".venv/bin/daybreak ")
