"""What tests of the stages ask for besides the fixtures of tests/conftest.py."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from cascades import Cascade, load_cascade
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.settings import Settings
from daybreak.workspace import Workspace
from declared import Declared
from fixture_pipelines.parcel_kinds import KINDS, VALUE
from parcels import NewDatabase, Parcels, administer, load_kind, make_project, make_settings, make_template

Way = Callable[..., object]


@pytest.fixture(params=["as one stream", "task by task"])
def run(request: pytest.FixtureRequest, parcels: Parcels) -> Way:
    """Run the pipeline, once in each of the two ways there are."""
    return parcels.run if request.param == "as one stream" else parcels.run_by_tasks


@pytest.fixture(scope="session")
def cascaded(loaded: Settings, postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Fill the database that these tests get copies of: champions of both pipelines, and one day of classes."""
    home = tmp_path_factory.mktemp("cascaded")
    with administer(postgres) as connection:
        connection.exec_driver_sql("CREATE DATABASE cascaded TEMPLATE loaded STRATEGY file_copy")
    # The champion of the one is copied with its database, so the models of the other lie beside it.
    settings = make_settings(home, make_project(home / "project"), postgres.url("cascaded"), loaded.models)
    workspace = Workspace(settings)
    load_cascade(workspace)
    workspace.close()
    make_template(postgres, "cascaded")
    return settings


@pytest.fixture(scope="session")
def kinds(
    loaded: Settings, postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[str, Settings]]:
    """Return a function that fills the database of a kind of prediction, which tests get copies of."""

    @cache
    def filled(kind: str) -> tuple[str, Settings]:
        if kind == VALUE:
            return "loaded", loaded
        home, name = tmp_path_factory.mktemp("kind"), kind.replace(" ", "_")
        with administer(postgres) as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE loaded STRATEGY file_copy")
        settings = make_settings(home, make_project(home / "project"), postgres.url(name))
        workspace = Workspace(settings)
        load_kind(workspace, KINDS[kind])
        workspace.close()
        make_template(postgres, name)
        return name, settings

    return filled


@pytest.fixture(params=KINDS)
def kind(
    request: pytest.FixtureRequest,
    kinds: Callable[[str], tuple[str, Settings]],
    new_database: NewDatabase,
    project: Path,
    tmp_path: Path,
) -> Iterator[Parcels]:
    """Return the parcels with each kind of prediction: its champion, and one published day."""
    database, filled = kinds(request.param)
    workspace = Workspace(make_settings(tmp_path, project, new_database(database), filled.models))
    yield Parcels(workspace, KINDS[request.param])
    workspace.close()


@pytest.fixture
def cascade(cascaded: Settings, new_database: NewDatabase, project: Path, tmp_path: Path) -> Iterator[Cascade]:
    """Return both pipelines, the upstream's day published."""
    workspace = Workspace(make_settings(tmp_path, project, new_database("cascaded"), cascaded.models))
    yield Cascade(workspace)
    workspace.close()


@pytest.fixture
def declared(new_database: NewDatabase, project: Path, tmp_path: Path) -> Iterator[Declared]:
    """Return a database with the parcels' source, and no table of predictions yet."""
    workspace = Workspace(make_settings(tmp_path, project, new_database()))
    workspace.see_to_ledger()
    yield Declared(workspace)
    workspace.close()


@pytest.fixture
def filled(declared: Declared) -> Declared:
    """Make the tables of one pipeline and publish two rows."""
    declared.see_to()
    declared.publish(1, "(1, 'north', 8001, 2.5), (1, 'south', 8002, 3.5)")
    return declared


def break_weights(parcels: Parcels, rows: int) -> set[tuple[str, int]]:
    """Make so many of the day's parcels heavier than the critical rule allows; return their entity keys."""
    step = 400 // rows
    broken = f"parcel_id BETWEEN 8000 AND 8399 AND parcel_id % {step} = 0 AND parcel_id < 8000 + {rows * step}"
    parcels.execute(f"UPDATE parcels.handed_in SET weight_kg = 1000 + parcel_id % 7 WHERE {broken}")
    found = {
        (str(depot), int(parcel))
        for depot, parcel in parcels.rows(
            f"SELECT depot, parcel_id FROM parcels.handed_in WHERE {broken}".replace("%", "%%")
        )
    }
    assert len(found) == rows
    return found
