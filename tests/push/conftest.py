"""What tests of the push ask for besides the fixtures of tests/conftest.py.

receiver         the promotions system in a process of its own, with a database of its own
push_settings    settings of one test: a database with the source and two model versions, and the receiver
shelves          the pipeline that pushes, ready to be run
daybreak         a function that runs a command
everywhere       a function that yields all that was written: tables, files, the database's log
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from command_line import commands
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.settings import Settings
from daybreak.workspace import Workspace
from parcels import administer
from promotions import promotions_database

from .receiver import Receiver
from .shelves import Shelves, load, make_project, make_settings

NewDatabase = Callable[..., str]
Daybreak = Callable[..., tuple[int, str]]
Everywhere = Callable[[], Iterator[tuple[str, bytes]]]


@pytest.fixture(scope="session")
def running_receiver(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """Start the promotions system."""
    database = promotions_database(postgres, "promotions_push")
    receiver = Receiver(database, tmp_path_factory.mktemp("receiver") / "output").start()
    yield receiver
    receiver.kill()


@pytest.fixture(scope="session")
def stocked(
    postgres: EmbeddedPostgres, running_receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Fill the database that tests get copies of."""
    with administer(postgres) as connection:
        connection.exec_driver_sql("CREATE DATABASE stocked")
    home = tmp_path_factory.mktemp("stocked")
    settings = make_settings(home, make_project(home / "project"), postgres.url("stocked"), running_receiver)
    load(settings)
    with administer(postgres) as connection:
        # A database that somebody is connected to cannot be copied, and MLflow keeps its connections.
        connection.exec_driver_sql("ALTER DATABASE stocked ALLOW_CONNECTIONS false")
        connection.exec_driver_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'stocked'")
    return settings


@pytest.fixture
def receiver(running_receiver: Receiver) -> Receiver:
    """Return the promotions system, empty and well."""
    running_receiver.empty()
    return running_receiver


@pytest.fixture
def push_settings(stocked: Settings, receiver: Receiver, new_database: NewDatabase, tmp_path: Path) -> Settings:
    """Make settings that share nothing with another test's but the models' artifacts."""
    project = make_project(tmp_path / "project")
    return make_settings(tmp_path, project, new_database("stocked"), receiver, models_uri=stocked.models)


@pytest.fixture
def shelves(push_settings: Settings, receiver: Receiver) -> Iterator[Shelves]:
    """Return the pipeline that pushes, ready to be run."""
    workspace = Workspace(push_settings)
    yield Shelves(workspace, receiver)
    workspace.close()


@pytest.fixture
def daybreak(push_settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Daybreak:
    """Return a function that runs a command on the test's own database; it returns exit code and all that it said."""
    command = commands(monkeypatch, capfd, push_settings)

    def run(*arguments: object) -> tuple[int, str]:
        code, out, err = command(*arguments)
        return code, " ".join((out + err).split())

    return run


@pytest.fixture
def everywhere(shelves: Shelves, postgres: EmbeddedPostgres) -> Everywhere:
    """Return a function that yields all that a run may have left: tables, files, the database's log."""

    def look() -> Iterator[tuple[str, bytes]]:
        tables = shelves.rows("SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information)'")
        for schema, table in tables:
            rows = shelves.rows(f"SELECT shown::text FROM {schema}.{table} AS shown")
            yield f"{schema}.{table}", repr(rows).encode()
        for path in shelves.workspace.settings.home.rglob("*"):
            if path.is_file():
                yield str(path), path.read_bytes()
        yield "the database's log", (postgres.folder / "log").read_bytes()

    return look
