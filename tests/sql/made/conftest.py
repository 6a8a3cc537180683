"""A pipeline made by `daybreak new`, in a project of its own.

churn      made from a small table of Telco's shape
trained    the same with its first model: trained once a session, each test gets a copy of the database
"""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from command_line import Daybreak, commands
from csv_files import telco, write
from daybreak.declaration.loading import load_pipelines
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.models.version import ModelVersion
from daybreak.run.outcome import Outcome
from daybreak.run.planning import Request, plan_run
from daybreak.run.runner import Runner
from daybreak.settings import Settings
from daybreak.training.train import train
from daybreak.training.trained import Trained
from daybreak.workspace import Workspace
from parcels import NewDatabase, administer, make_project, make_template
from processes import environment

CUSTOMERS = 600
FIRST, SECOND = date(2026, 3, 2), date(2026, 3, 4)


@pytest.fixture
def settings(
    with_registry: str,
    new_database: NewDatabase,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Settings]:
    """Lay out a project without pipelines, and name it in the environment."""
    project = make_project(tmp_path / "project")
    write(project / "include" / "telephony" / "__init__.py", '"""Telephony."""\n\nPIPELINES = ()', [])
    (project / "dags").mkdir()
    url = new_database(with_registry)
    made = Settings(
        home=tmp_path,
        project=project,
        pipelines="telephony",
        warehouse_url=url,
        registry_url=url,
        # A copy of a database names models where they were registered first.
        models_uri=(tmp_path_factory.getbasetemp() / "models-of-what-was-made").as_uri(),
    )
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


@pytest.fixture
def trained(churn: "Made", postgres: EmbeddedPostgres) -> "Made":
    """Train the pipeline, or give it the database of the test that was the first to do so."""
    churn.workspace.close()
    url = churn.workspace.warehouse.url
    if not _first:
        _first.append(churn.train())
        churn.workspace.close()
        with administer(postgres) as connection:
            make_template(postgres, str(url.database))
            connection.exec_driver_sql(f"CREATE DATABASE churn_trained TEMPLATE {url.database}")
    with administer(postgres) as connection:
        connection.exec_driver_sql(f"DROP DATABASE {url.database} WITH (FORCE)")
        connection.exec_driver_sql(f"CREATE DATABASE {url.database} TEMPLATE churn_trained STRATEGY file_copy")
    churn.first = _first[0]
    return churn


_first: list[tuple[ModelVersion, Trained]] = []


def new(path: Path, key: str, target: str, *further: object) -> tuple[object, ...]:
    return ("new", "churn", "--from-csv", path, "--key", key, "--target", target, "--as-of", FIRST, *further)


class Made:
    """The pipeline that was made, its warehouse, and its first version with what its training gave, if there is one."""

    first: tuple[ModelVersion, Trained]

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
