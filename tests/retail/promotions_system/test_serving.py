"""The promotions system as a program: its health, its description, its settings, its restart."""

import json
import signal
import subprocess
import sys

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.settings import PROJECT
from loopback import is_well, loopback
from parcels import administer
from ports import free_port
from promotions import KEY, SIGNING_KEY, TOKEN, Promotions, body, offer, promotions_database, serve
from waiting import LONG, until


def test_it_is_not_healthy_without_its_database(postgres: EmbeddedPostgres) -> None:
    with serve(promotions_database(postgres, "promotions_gone")) as promotions:
        assert loopback().get(f"{promotions.url}/v1/health").json() == {"status": "ok"}
        with administer(postgres) as connection:
            connection.exec_driver_sql("DROP DATABASE promotions_gone WITH (FORCE)")
        assert loopback().get(f"{promotions.url}/v1/health").status_code == 503


def test_the_openapi_document_describes_the_chunk_and_every_answer(promotions: Promotions) -> None:
    document = loopback().get(f"{promotions.url}/openapi.json").json()
    post = document["paths"]["/v1/offers"]["post"]
    assert set(post["responses"]) >= {"200", "207", "400", "401", "409", "413", "503"}
    assert {each["name"] for each in post["parameters"]} == {
        "Idempotency-Key",
        "Request-Timestamp",
        "Request-Signature",
    }
    assert post["security"] == [{"HTTPBearer": []}]
    chunk = document["components"]["schemas"]["Chunk"]
    assert set(chunk["properties"]) == set(json.loads(body([])))
    assert set(document["components"]["schemas"]["Offer"]["properties"]) == set(offer(1))
    text = json.dumps(document)
    for reference in {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}:
        assert reference in document["components"]["schemas"]


def test_faults_are_off_unless_settings_allow_them(promotions: Promotions, postgres: EmbeddedPostgres) -> None:
    command = [sys.executable, "-c", _FAULTS, promotions.settings.database_url.get_secret_value()]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT)
    assert told.stdout.split() == ["404", "401", "200"]


_FAULTS = """
import sys
from fastapi.testclient import TestClient
from retail.promotions_system.app import create_app
from retail.promotions_system.settings import PromotionsSettings
secrets = {"database_url": sys.argv[1], "token": "t" * 20, "signing_key": "k" * 32}
bearer = {"Authorization": "Bearer " + "t" * 20}
for allowed, headers in ((False, bearer), (True, {}), (True, bearer)):
    app = create_app(PromotionsSettings(**secrets, allow_faults=allowed))
    print(TestClient(app).put("/v1/faults", json=[{"kind": "drip"}], headers=headers).status_code)
"""


def environment(promotions: Promotions, port: int) -> dict[str, str]:
    return {
        "PROMOTIONS_DATABASE_URL": promotions.settings.database_url.get_secret_value(),
        "PROMOTIONS_TOKEN": TOKEN,
        "PROMOTIONS_SIGNING_KEY": SIGNING_KEY,
        "PROMOTIONS_PORT": str(port),
    }


def test_it_runs_as_a_module_and_keeps_offers_over_a_restart(promotions: Promotions) -> None:
    port = free_port()
    promotions.post(body([offer(1)]), KEY)
    process = subprocess.Popen(
        [sys.executable, "-m", "retail.promotions_system"],
        env=environment(promotions, port),
        stderr=subprocess.PIPE,
        text=True,
    )
    other = Promotions(f"http://127.0.0.1:{port}", promotions.settings, promotions.faults)
    try:
        _wait_until_healthy(other.url)
        assert other.products() == [1]
        assert other.post(body([offer(1)]), KEY).headers["idempotent-replayed"] == "true"
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=LONG)
    assert process.returncode in (0, -signal.SIGTERM)
    assert TOKEN not in log
    assert SIGNING_KEY not in log


def test_without_secrets_it_does_not_start_and_names_what_is_missing(promotions: Promotions) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "retail.promotions_system"],
        env={"PROMOTIONS_TOKEN": "too-short"},
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    for name in ("PROMOTIONS_DATABASE_URL", "PROMOTIONS_TOKEN", "PROMOTIONS_SIGNING_KEY", "Next:"):
        assert name in told.stderr
    assert "too-short" not in told.stderr


def _wait_until_healthy(url: str) -> None:
    until(lambda: is_well(f"{url}/v1/health"), "it to answer")
