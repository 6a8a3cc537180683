"""What the container files tell services to do, done here: the certificate, the logins, PostgreSQL's options."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from container_files import COMPOSE, ROOT, SERVICES, filled, mounts
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.push.target import DeliveryTarget
from daybreak.settings import Settings
from daybreak.starting.databases import prepare
from daybreak.workspace import Workspace
from parcels import administer
from ports import free_port
from waiting import until

CERTIFICATES = "/var/lib/daybreak/certificates"


@pytest.mark.skipif(not shutil.which("openssl"), reason="the service makes its certificate with openssl")
def test_the_promotions_system_speaks_tls_with_the_certificate_it_makes(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    port = str(free_port())
    *shell, script = filled(SERVICES["promotions"]["command"])
    *_, check = SERVICES["promotions"]["healthcheck"]["test"]
    here = {CERTIFICATES: str(tmp_path), "/tmp/promotions.key": str(tmp_path / "key"), "8090": port}
    for there, place in here.items():
        script, check = script.replace(there, place), check.replace(there, place)
    given = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PROMOTIONS_DATABASE_URL": postgres.url("promotions"),
        "PROMOTIONS_TOKEN": "token-of-the-containers-4711",
        "PROMOTIONS_SIGNING_KEY": "signing-key-of-the-containers-0123456789",
        "PROMOTIONS_PORT": port,
        "PROMOTIONS_CERTIFICATE_FILE": str(tmp_path / "promotions.pem"),
        "PROMOTIONS_KEY_FILE": str(tmp_path / "key"),
    }
    with subprocess.Popen([*shell, script], env=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as service:
        try:
            asking = [sys.executable, "-c", check]
            until(
                lambda: service.poll() is not None or subprocess.run(asking, capture_output=True).returncode == 0,
                "it to get healthy",
            )
            assert service.poll() is None, "it ended by itself"
            target = DeliveryTarget(
                base_url=f"https://localhost:{port}",
                path="/v1/offers",
                token=SecretStr(given["PROMOTIONS_TOKEN"]),
                signing_key=SecretStr(given["PROMOTIONS_SIGNING_KEY"]),
                allowed_hosts=["localhost"],
                ca_file=tmp_path / "promotions.pem",
            )
            asked = {"headers": {"Authorization": f"Bearer {given['PROMOTIONS_TOKEN']}"}, "trust_env": False}
            answer = httpx.get(f"{target.url}?date=2026-10-15", verify=target.tls(), **asked)
            assert answer.json()["offers"] == []
            assert (tmp_path / "key").stat().st_mode & 0o077 == 0
        finally:
            service.terminate()


LOGINS = {"airflow": "a'irflow", "pipelines": "pipe\\lines", "mlflow": 'ml"flow', "promotions": "promo $tions"}


@pytest.fixture
def logins(postgres: EmbeddedPostgres) -> None:
    """Make the logins as the image of PostgreSQL does, and again, as it may be run later."""
    from daybreak.embedded.account import account_of
    from daybreak.embedded.programs import programs

    folder = programs(account_of(postgres.home, postgres.folder))
    given = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PGHOST": str(sa.make_url(postgres.url()).query["host"]),
        "POSTGRES_USER": "postgres",
        **{f"{name.upper()}_DATABASE_PASSWORD": password for name, password in LOGINS.items()},
    }
    script = ROOT / COMPOSE["configs"]["logins"]["file"]
    for _ in range(2):
        subprocess.run(["bash", str(script)], env=given, check=True, capture_output=True)


def test_each_service_has_a_login_that_may_what_it_needs(
    postgres: EmbeddedPostgres, logins: None, tmp_path: Path
) -> None:
    def execute(login: str, database: str, *statements: str) -> None:
        url = sa.make_url(postgres.url(database)).set(username=login)
        with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    with administer(postgres) as connection:
        of_superusers = connection.exec_driver_sql("SELECT rolname FROM pg_roles WHERE rolsuper OR rolcreaterole")
        assert not set(of_superusers.scalars()) & LOGINS.keys()
        kept = dict(connection.exec_driver_sql("SELECT rolname, rolpassword FROM pg_authid").tuples().all())
        assert all(str(kept[login]).startswith("SCRAM-SHA-256") for login in LOGINS)
    url = sa.make_url(postgres.url("daybreak")).set(username="pipelines")
    registry = url.set(database="mlflow").render_as_string()
    workspace = Workspace(
        Settings(home=tmp_path, warehouse_url=SecretStr(url.render_as_string()), registry_url=SecretStr(registry))
    )
    # What `init` does, as the login of the command line.
    assert [step.statements for step in prepare(workspace) if step.statements] == []
    workspace.close()
    execute("airflow", "daybreak", "SELECT * FROM ledger.runs", "INSERT INTO ledger.runs (pipeline, partition_key, "
            "attempt, trigger) VALUES ('containers', '2026-10-15', 1, 'manual')")  # fmt: skip
    execute("airflow", "airflow", "CREATE TABLE of_airflow (n int)", "DROP TABLE of_airflow")
    execute("pipelines", "mlflow", "CREATE TABLE of_registry (n int)")
    execute("mlflow", "mlflow", "INSERT INTO of_registry VALUES (1)")
    execute("airflow", "mlflow", "ALTER TABLE of_registry ADD COLUMN m int", "DROP TABLE of_registry")
    execute("promotions", "promotions", "CREATE SCHEMA of_promotions", "DROP SCHEMA of_promotions")
    for login, database, statement in (
        ("airflow", "daybreak", "ALTER TABLE ledger.runs ADD COLUMN n int"),
        ("airflow", "daybreak", "CREATE TABLE predictions.n (n int)"),
        ("airflow", "daybreak", "DELETE FROM ledger.runs"),
        ("airflow", "promotions", "SELECT 1"),
        ("mlflow", "daybreak", "SELECT 1"),
        ("mlflow", "airflow", "SELECT 1"),
        ("promotions", "daybreak", "SELECT 1"),
        ("promotions", "mlflow", "SELECT 1"),
        ("pipelines", "airflow", "SELECT 1"),
    ):
        with pytest.raises(sa.exc.DBAPIError, match=r"permission denied|must be owner"):
            execute(login, database, statement)


def test_postgres_is_the_embedded_one_with_its_volume_where_its_image_keeps_data(postgres: EmbeddedPostgres) -> None:
    with administer(postgres) as connection:
        version = int(connection.scalar(sa.text("SHOW server_version_num")))
        options = set(connection.scalars(sa.text("SELECT name FROM pg_settings")))
    major = version // 10_000
    assert re.fullmatch(rf"postgres:{major}\.{version % 10_000}-[a-z]+", SERVICES["postgres"]["image"])
    # Up to 17 it was /var/lib/postgresql/data; on such a volume 18 would keep nothing, and data go with the container.
    assert major >= 18
    assert mounts(SERVICES["postgres"]) == {"/var/lib/postgresql": "postgres"}
    assert {word.split("=")[0] for word in SERVICES["postgres"]["command"] if "=" in word} <= options
