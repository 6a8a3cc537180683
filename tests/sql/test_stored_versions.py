"""Versions read from the registry's tables are those that MLflow's client tells of; no run needs the client."""

import math
import subprocess
import sys
from typing import Any

import pytest
from mlflow import MlflowClient
from sqlalchemy.engine import make_url

from daybreak.errors import ConfigurationError, ModelRefused
from daybreak.models.registry_client import AskedVersions, RegistryClient
from daybreak.models.registry_tables import RegistryTables
from daybreak.models.stored_versions import StoredVersions
from models import fitted
from parcels import DAY, NewDatabase, Parcels
from processes import environment


@pytest.fixture
def client(parcels: Parcels) -> MlflowClient:
    """Ask the registry of the test as anybody with MLflow would."""
    url = parcels.workspace.registry_url
    return MlflowClient(url, url)


def both(parcels: Parcels) -> tuple[StoredVersions, AskedVersions]:
    url = parcels.workspace.registry_url
    return StoredVersions(RegistryTables(url)), AskedVersions(RegistryClient(url))


def test_a_version_is_what_the_client_says(parcels: Parcels, client: MlflowClient) -> None:
    parcels.register(*fitted(parcels))
    client.set_registered_model_alias("parcel_hours", "candidate", "2")
    client.set_registered_model_alias("parcel_hours", "another", "2")
    client.set_model_version_tag("parcel_hours", "2", "note", 'said "yes"')
    stored, asked = both(parcels)
    champion = parcels.pipeline.single_ref
    assert stored.get("parcel_hours", 2) == asked.get("parcel_hours", 2)
    assert stored.pointed_to(champion) == asked.pointed_to(champion)
    assert stored.pointed_to(champion)
    listed = stored.all("parcel_hours")
    assert [found.version for found in listed] == [2, 1]
    for found, said in zip(listed, asked.all("parcel_hours"), strict=True):
        assert sorted(found.aliases) == sorted(said.aliases)
        assert (found.tags, found.location, found.registered) == (said.tags, said.location, said.registered)
        assert stored.metrics(str(found.run_id)) == asked.metrics(str(said.run_id))


def test_what_is_not_there_is_none_both_ways(parcels: Parcels, client: MlflowClient) -> None:
    parcels.register(*fitted(parcels))
    client.delete_model_version("parcel_hours", "2")
    champion = parcels.pipeline.single_ref
    for versions in both(parcels):
        assert versions.get("parcel_hours", 2) is None
        assert versions.get("another", 1) is None
        assert [found.version for found in versions.all("parcel_hours")] == [1]
        assert versions.all("another'; --") == []
        assert versions.pointed_to(type(champion)("parcel_hours", "nobody")) is None
        assert versions.metrics("0" * 32) == {}


def test_a_version_of_a_logged_model_lies_where_the_client_says(
    parcels: Parcels, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", parcels.workspace.registry_url)
    experiment = client.create_experiment("elsewhere")
    logged = client.create_logged_model(experiment)
    client.create_registered_model("theirs")
    client.create_model_version("theirs", source=f"models:/{logged.model_id}")
    stored, asked = both(parcels)
    found = stored.get("theirs", 1)
    assert found == asked.get("theirs", 1)
    assert found is not None
    assert found.location == client.get_model_version_download_uri("theirs", "1") != found.source


def test_a_metric_that_is_no_number_stays_none(parcels: Parcels, client: MlflowClient) -> None:
    run = client.create_run(client.create_experiment("measured"))
    for name, value in {"none": math.nan, "one": 1.0, "large": math.inf}.items():
        client.log_metric(run.info.run_id, name, value)
    stored, asked = (versions.metrics(run.info.run_id) for versions in both(parcels))
    assert math.isnan(stored["none"])
    assert {name: stored[name] for name in ("one", "large")} == {name: asked[name] for name in ("one", "large")}


def test_a_registry_that_nothing_was_registered_in_has_no_version(parcels: Parcels, new_database: NewDatabase) -> None:
    empty = StoredVersions(RegistryTables(new_database()))
    assert empty.get("parcel_hours", 1) is None
    assert empty.pointed_to(parcels.pipeline.single_ref) is None
    assert empty.all("parcel_hours") == []
    assert empty.metrics("0" * 32) == {}


def test_tables_of_another_release_are_named(parcels: Parcels) -> None:
    stored, _ = both(parcels)
    parcels.execute("ALTER TABLE model_versions RENAME COLUMN storage_location TO elsewhere")
    with pytest.raises(ConfigurationError, match=r"those of another release of MLflow\. Next: .*mlflow db upgrade"):
        stored.get("parcel_hours", 1)


def test_a_login_that_may_not_read_is_told_what_it_lacks(parcels: Parcels) -> None:
    parcels.execute("DROP ROLE IF EXISTS blind; CREATE ROLE blind LOGIN PASSWORD 'x'")
    try:
        url = make_url(parcels.workspace.registry_url).set(username="blind", password="x")
        blind = RegistryTables(url.render_as_string(hide_password=False))
        with pytest.raises(ConfigurationError, match=r"lacks a privilege .*model_versions.*your-postgresql"):
            StoredVersions(blind).get("parcel_hours", 1)
    finally:
        parcels.execute("DROP ROLE blind")


def test_a_missing_version_and_a_missing_alias_are_refused_with_what_there_is_to_do(parcels: Parcels) -> None:
    registry = parcels.workspace.registry
    with pytest.raises(ModelRefused, match=r"parcel_hours has no version 9\. Next: train one"):
        registry.resolve(parcels.pipeline.single_ref, 9)
    with pytest.raises(ModelRefused, match=r"parcel_hours has no alias 'nobody'\. Next: train one"):
        registry.resolve(type(parcels.pipeline.single_ref)("parcel_hours", "nobody"))


def test_a_run_loads_neither_mlflow_nor_alembic(parcels: Parcels) -> None:
    script = (
        "import sys; from daybreak.cli.app import app; "
        f"app(['run', 'parcel_hours', '--partition', '{DAY}'], standalone_mode=False); "
        "print([name for name in ('mlflow', 'alembic') if name in sys.modules])"
    )
    done: Any = subprocess.run(
        [sys.executable, "-c", script],
        env={**environment(parcels.workspace.settings), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
