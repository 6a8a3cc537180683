"""A pipeline made by `daybreak new`, in a project of its own."""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from command_line import Daybreak, commands
from csv_files import telco, write
from daybreak.declaration.loading import load_pipelines
from daybreak.run.outcome import Outcome
from daybreak.run.planning import Request, plan_run
from daybreak.run.runner import Runner
from daybreak.settings import Settings
from daybreak.training.train import train
from daybreak.workspace import Workspace
from parcels import NewDatabase, make_project
from processes import environment

CUSTOMERS = 600
FIRST, SECOND = date(2026, 3, 2), date(2026, 3, 4)


@pytest.fixture
def settings(
    with_registry: str, new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """Lay out a project without pipelines, and name it in the environment."""
    project = make_project(tmp_path / "project")
    write(project / "include" / "telephony" / "__init__.py", '"""Telephony."""\n\nPIPELINES = ()', [])
    (project / "dags").mkdir()
    url = new_database(with_registry)
    made = Settings(home=tmp_path, project=project, pipelines="telephony", warehouse_url=url, registry_url=url)
    for name, value in environment(made).items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(project / "include"))
    yield made
    for module in [name for name in sys.modules if name.split(".")[0] == "telephony"]:
        del sys.modules[module]


@pytest.fixture
def daybreak(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Daybreak:
    """Return a function that runs a command in this process."""
    return commands(monkeypatch, capsys)


@pytest.fixture
def churn(daybreak: Daybreak, settings: Settings, tmp_path: Path) -> Iterator["Made"]:
    """Make the pipeline from a small table of Telco's shape."""
    path = telco(tmp_path / "telco.csv", CUSTOMERS)
    code, _, err = daybreak(*new(path, "customerID", "Churn"))
    assert (code, err) == (0, "")
    made = Made(settings)
    yield made
    made.workspace.close()


def new(path: Path, key: str, target: str, *further: object) -> tuple[object, ...]:
    return ("new", "churn", "--from-csv", path, "--key", key, "--target", target, "--as-of", FIRST, *further)


class Made:
    """The pipeline that was made, and its warehouse."""

    def __init__(self, settings: Settings) -> None:
        self.workspace = Workspace(settings)
        self.pipeline = load_pipelines("telephony")["churn"]

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self.workspace.warehouse.begin() as connection:
            result = connection.exec_driver_sql(statement)
            return [tuple(row) for row in result] if result.returns_rows else []

    def train(self, **options: Any) -> Any:
        [(version, trained)] = train(self.workspace, self.pipeline, **options)
        return version, trained

    def run(self, day: date = FIRST, **request: Any) -> Outcome:
        plan = plan_run(self.workspace, self.pipeline, Request(day.isoformat(), **request))
        return Runner(self.workspace, self.pipeline).run(plan)
