"""What every test may ask for. Nothing is started or imported before a test asks for it.

postgres         one embedded PostgreSQL for the whole session
new_database     makes further databases on it, empty or copied from a template; they go when the next test ends
project          a folder with sql/: the ledger's migrations and the queries of the pipelines made for tests
settings         settings of one test, with a database and a home of its own
workspace        what the settings lead to
parcels          the pipeline made for tests, with its source loaded, a champion and one published day
new_telemetry    OpenTelemetry set up anew, and taken out again
"""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import hypothesis
import pytest

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.garbage import collect_seldom
from daybreak.settings import Settings
from daybreak.workspace import Workspace
from distribution import (  # noqa: F401 - pytest finds its hooks here
    pytest_collection_modifyitems,
    pytest_ignore_collect,
    pytest_runtest_protocol,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)
from homes import keep_tests_files_in_memory, short_lived_server
from parcels import NewDatabase, Parcels, administer, load, make_project, make_settings, make_template

# The suite starts Python a thousand times: what one process has compiled, the next one need not.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What a process has said before it dies has to be there without it, as on most machines.
os.environ.pop("PYTHONUNBUFFERED", None)

# Where two processes share two cores, fitting takes seconds this way and up to a minute with OpenMP's busy waiting.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# A suite that a script starts in the background ignores Ctrl-C, and would hand that on to whoever is interrupted in it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

collect_seldom()
keep_tests_files_in_memory()

# How long an example takes says how busy the machine is.
_too_slow = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("patient", hypothesis.settings(), deadline=None, suppress_health_check=_too_slow)
hypothesis.settings.load_profile("patient")

_numbers = count(1)
_hung_up: list[str] = []
_HANG_UP = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY (%s)"


def pytest_collection_finish() -> None:
    """Let what was imported for the tests be: it stays, however often it is looked through for garbage."""
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Let what there is be: pytest looks for garbage five times before it ends, which takes it seconds."""
    gc.freeze()


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """Start the session's PostgreSQL."""
    with short_lived_server() as server:
        yield server


@pytest.fixture(scope="session")
def loaded(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Fill the database that tests get copies of: tables, source, a champion, one published day."""
    with administer(postgres) as connection:
        connection.exec_driver_sql("CREATE DATABASE loaded")
    home = tmp_path_factory.mktemp("loaded")
    settings = make_settings(home, make_project(home / "project"), postgres.url("loaded"))
    load(settings)
    make_template(postgres, "loaded")
    return settings


@pytest.fixture(scope="session")
def with_registry(postgres: EmbeddedPostgres) -> str:
    """Name a database with the registry's tables and no model, to be copied: making them takes MLflow seconds."""
    from mlflow import MlflowClient

    with administer(postgres) as connection:
        connection.exec_driver_sql("CREATE DATABASE with_registry")
    MlflowClient(postgres.url("with_registry"), postgres.url("with_registry")).search_registered_models()
    make_template(postgres, "with_registry")
    return "with_registry"


@pytest.fixture
def new_database(postgres: EmbeddedPostgres) -> Iterator[NewDatabase]:
    """Return a function that makes a database, a copy of ``template`` if one is named, and returns its URL."""
    made: list[str] = []

    def create(template: str = "template1") -> str:
        made.append(f"test_{next(_numbers)}")
        with administer(postgres) as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {made[-1]} TEMPLATE {template} STRATEGY file_copy")
        return postgres.url(made[-1])

    yield create
    with administer(postgres) as connection:
        for name in _hung_up:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        # Who drops a database that somebody is connected to waits a tenth of a second; by the next test nobody is.
        connection.exec_driver_sql(_HANG_UP, (made,))
        _hung_up[:] = made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Lay out a project folder that a test may change."""
    return make_project(tmp_path / "project")


@pytest.fixture
def settings(loaded: Settings, new_database: NewDatabase, project: Path, tmp_path: Path) -> Settings:
    """Make settings that share nothing with another test's but the artifacts of the champion."""
    return make_settings(tmp_path, project, new_database("loaded"), loaded.models)


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    """Open what the settings lead to."""
    opened = Workspace(settings)
    yield opened
    opened.close()


@pytest.fixture
def parcels(workspace: Workspace) -> Parcels:
    """Return the pipeline made for tests, ready to be run."""
    return Parcels(workspace)


@pytest.fixture
def new_telemetry() -> Iterator[None]:
    """Set OpenTelemetry up anew: it is set up once in a process, for the endpoint of that moment."""
    from daybreak.monitoring import spans
    from daybreak.telemetry import run_context

    spans._provider.cache_clear()
    yield
    spans._provider.cache_clear()
    # Later runs in this process would send theirs to an endpoint that nobody has named.
    run_context._told[:] = [tell for tell in run_context._told if tell is not spans.stage_span]
