"""What the container files tell services to do, done here: the certificate, the databases, PostgreSQL's options."""

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

from container_files import ENVIRONMENTS, SERVICES, filled, mounts
from daybreak.embedded.postgres import DATABASES, EmbeddedPostgres
from daybreak.push.target import DeliveryTarget
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


def test_init_makes_the_databases_that_are_missing(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    [script] = re.findall(r"python - <<'END'\n(.*?)\nEND\n", filled(SERVICES["init"]["command"])[-1], re.DOTALL)
    monkeypatch.setenv("DAYBREAK_WAREHOUSE_URL", postgres.url(ENVIRONMENTS["postgres"]["POSTGRES_DB"]))
    missing = {"containers_first", "containers_second"}
    monkeypatch.setattr("daybreak.embedded.postgres.DATABASES", (*DATABASES, *missing))
    with administer(postgres) as connection:
        for _ in range(2):
            exec(script, {})
            assert missing <= set(connection.scalars(sa.text("SELECT datname FROM pg_database")))
        for name in missing:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def test_postgres_is_the_embedded_one_with_its_volume_where_its_image_keeps_data(postgres: EmbeddedPostgres) -> None:
    with administer(postgres) as connection:
        major = int(connection.scalar(sa.text("SHOW server_version_num"))) // 10_000
        options = set(connection.scalars(sa.text("SELECT name FROM pg_settings")))
    assert SERVICES["postgres"]["image"] == f"postgres:{major}"
    # Up to 17 it was /var/lib/postgresql/data; on such a volume 18 would keep nothing, and data go with the container.
    assert major >= 18
    assert mounts(SERVICES["postgres"]) == {"/var/lib/postgresql": "postgres"}
    assert {word.split("=")[0] for word in SERVICES["postgres"]["command"] if "=" in word} <= options
