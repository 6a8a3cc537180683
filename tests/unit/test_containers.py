"""The container files, held against the Compose specification, the code, Airflow's options and docs/containers.md.

Nothing is started: what can be known without a container engine is names, paths, versions, ports and secrets.
"""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from typer.main import get_command

from container_files import (
    AIRFLOW,
    BUILT,
    COMPOSE,
    DEFAULTS,
    ENVIRONMENTS,
    HOLDS_A_SECRET,
    IMAGES,
    ROOT,
    SECRETS,
    SERVICES,
    airflow_options,
    commands,
    faults,
    mounts,
    published,
)
from daybreak.cli.app import app
from daybreak.embedded.postgres import DATABASES
from daybreak.settings import Settings

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGE = (ROOT / "docs" / "containers.md").read_text()
# Services of the image that has the pipelines in it.
OURS = [name for name, stage in BUILT.items() if stage == "airflow"]
CERTIFICATES = "/var/lib/daybreak/certificates"


def test_the_compose_file_is_valid() -> None:
    assert faults(COMPOSE) == []


# What is done to the services, and what must be said about it.
BREAKAGES: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda s: s["scheduler"].update(comand=["airflow"]), r"\$\.services\.scheduler: .*'comand' was unexpected"),
    (lambda s: s["scheduler"]["depends_on"]["init"].update(condition="done"), r"\$\.services\.scheduler\.depends_on"),
    (lambda s: s["mlflow"]["healthcheck"].update(tests=["CMD"]), r"\.healthcheck: 'tests' does not match"),
    (lambda s: s["mlflow"].update(ports="127.0.0.1:5000:5000"), r"\.ports: .* is not of type 'array'"),
    (lambda s: s.update(triggerer=["airflow", "triggerer"]), r"\.triggerer: .* is not of type 'object'"),
    (lambda s: s.pop("api-server"), "scheduler waits for api-server, which is not there"),
    (lambda s: s["init"].update(restart="always"), "mlflow waits for what init never becomes"),
    (lambda s: s["triggerer"].pop("healthcheck"), "triggerer has a restart policy or a health check without the other"),
    (lambda s: s["mlflow"].pop("restart"), "mlflow has a restart policy or a health check without the other"),
    (lambda s: s["mlflow"].update(volumes=["model:/var/lib"]), "mlflow mounts 'model', which is no named volume"),
    (lambda s: s["mlflow"].update(ports=["0.0.0.0:5000:5000"]), "mlflow is open to other machines"),
]


@pytest.mark.parametrize(("breakage", "message"), BREAKAGES, ids=[message for _, message in BREAKAGES])
def test_a_broken_compose_file_is_refused(breakage: Callable[[dict[str, Any]], Any], message: str) -> None:
    broken = deepcopy(COMPOSE)
    breakage(broken["services"])
    assert any(re.search(message, fault) for fault in faults(broken)), faults(broken)


@pytest.mark.parametrize("value", ["daybreak", "${X:-daybreak}", "${X}", "${X:?}", "daybreak${X:?missing}"])
def test_a_secret_with_a_default_is_refused(value: str) -> None:
    broken = deepcopy(COMPOSE)
    broken["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"] = value
    assert faults(broken) == ["postgres does not have POSTGRES_PASSWORD from the environment alone"]


def test_no_secret_is_written_into_a_file() -> None:
    for file in ("docker-compose.yaml", "Dockerfile", ".env.example", "docs/containers.md"):
        text = (ROOT / file).read_text()
        assert not re.search(r"://[^\s/:@]+:[^\s/@]+@", text), f"{file} has a URL with a password"
        assert not re.search(r"\b(?=\w*\d)(?=\w*[a-z])[A-Za-z0-9]{20,}\b", text), f"{file} has what looks like a key"
    given = {name for stage in IMAGES.stages for name in IMAGES.environment(stage)}
    assert not [name for name in given if HOLDS_A_SECRET.search(name)]


def test_the_example_lists_every_variable_and_gives_no_secret() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert example == {**dict.fromkeys(SECRETS, ""), **DEFAULTS}


@pytest.mark.skipif(not shutil.which("openssl"), reason="the page's commands use openssl")
def test_the_commands_of_the_page_make_every_secret_and_never_replace_one(tmp_path: Path) -> None:
    [commands] = re.findall(r"```sh\n(\(umask.*?)```", PAGE, re.DOTALL)
    first = subprocess.run(["bash", "-c", commands], cwd=tmp_path, check=False, capture_output=True)
    made = (tmp_path / ".env").read_text()
    again = subprocess.run(["bash", "-c", commands], cwd=tmp_path, check=False, capture_output=True)
    assert (first.returncode, again.returncode) == (0, 1)
    assert (tmp_path / ".env").read_text() == made
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    values = dict(line.split("=", 1) for line in made.splitlines())
    assert values.keys() == SECRETS
    assert min(map(len, values.values())) >= 24
    assert len(values["AIRFLOW_JWT_SECRET"]) >= 64
    Fernet(values["AIRFLOW_FERNET_KEY"])


@pytest.mark.parametrize("service", [name for name in OURS if name != "promotions"])
def test_every_daybreak_variable_is_a_setting(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {name: value for name, value in ENVIRONMENTS[service].items() if name.startswith("DAYBREAK_")}
    assert {name.removeprefix("DAYBREAK_").lower() for name in given} <= Settings.model_fields.keys()
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.warehouse_url, "without it every container would start an embedded PostgreSQL of its own"
    folders = {volume: Path(path).as_uri() for path, volume in mounts(SERVICES[service]).items()}
    assert (folders["batches"], folders["models"]) == (settings.batches, settings.models)
    # MLflow's server reads the artifacts under the very URIs that training wrote down.
    assert mounts(SERVICES["mlflow"]) == {str(Path(settings.models.removeprefix("file://"))): "models"}
    assert f"--default-artifact-root={settings.models}" in SERVICES["mlflow"]["command"][-1].split()


def test_every_airflow_variable_is_an_option_of_airflow() -> None:
    known, accepted = airflow_options(), {"boolean": r"True|False", "integer": r"\d+"}
    given = [pair for found in ENVIRONMENTS.values() for pair in found.items() if pair[0].startswith("AIRFLOW__")]
    assert len(given) > len(ENVIRONMENTS["api-server"].keys() - {"PGPASSWORD"})
    for name, value in given:
        _, section, option = name.lower().split("__")
        assert option in known.get(section, {}), f"Airflow does not know {name}"
        assert re.fullmatch(accepted.get(known[section][option]["type"], ".+"), value), f"{name}={value}"


def test_every_address_leads_to_a_service_that_answers_there() -> None:
    urls = [(found, value) for found in ENVIRONMENTS.values() for value in found.values() if "://" in value]
    assert {value.split(":")[0] for _, value in urls} == {"postgresql+psycopg2", "http", "https"}
    for found, value in urls:
        url = sa.make_url(value)
        assert str(url.port) in [inside for _, _, inside in published(SERVICES[str(url.host)])]
        if url.host == "postgres":
            assert url.username in ("airflow", "pipelines", "mlflow", "promotions")
            assert url.database in DATABASES
            # The environment of a container holds one login's password, and no other's.
            assert found["PGPASSWORD"] == f"{url.username.upper()}_DATABASE_PASSWORD"
            assert {"warehouse", "registry", "receiver"} & set(networks(found))


def networks(environment: dict[str, str]) -> list[str]:
    [name] = [name for name, found in ENVIRONMENTS.items() if found is environment]
    found: list[str] = SERVICES[name]["networks"]
    return found


def reached(service: str) -> set[str]:
    """Return the services that share a network with one."""
    own = set(SERVICES[service]["networks"])
    return {other for other, found in SERVICES.items() if other != service and own & set(found["networks"])}


def test_each_service_is_in_the_networks_that_it_needs_and_in_no_other() -> None:
    airflow = {"api-server", "scheduler", "dag-processor", "triggerer"}
    assert reached("postgres") == SERVICES.keys() - {"postgres"}
    assert reached("promotions") == {"postgres", "scheduler", "daybreak"}
    assert reached("mlflow") == {"postgres"}
    assert reached("api-server") == airflow - {"api-server"} | {"postgres", "init", "daybreak"}
    assert {name for found in SERVICES.values() for name in found["networks"]} == COMPOSE["networks"].keys()


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_writes_to_volumes_and_memory_alone_and_has_bounds(service: str) -> None:
    found = SERVICES[service]
    assert found["read_only"] is True
    assert found["mem_limit"]
    assert found["pids_limit"] > 0
    assert "no-new-privileges:true" in found["security_opt"]
    assert any(str(folder).partition(":")[0] == "/tmp" for folder in found["tmpfs"])


def test_mlflow_asks_who_is_there_and_keeps_no_user_but_the_one_of_the_secrets() -> None:
    [server] = [arguments for arguments in commands() if arguments[:2] == ["mlflow", "server"]]
    assert "--app-name=basic-auth" in server
    script = SERVICES["mlflow"]["command"][-1]
    assert "default_permission = NO_PERMISSIONS" in script
    assert "sqlite:////tmp/" in script
    given = ENVIRONMENTS["mlflow"]
    assert (given["MLFLOW_AUTH_ADMIN_USERNAME"], given["MLFLOW_AUTH_ADMIN_PASSWORD"]) == (
        "admin",
        "MLFLOW_ADMIN_PASSWORD",
    )


def test_health_checks_ask_what_is_answered() -> None:
    tests = {name: " ".join(service.get("healthcheck", {}).get("test", [])) for name, service in SERVICES.items()}
    asked = {name: found[1] for name, test in tests.items() if (found := re.search(r'urlopen\("https?://(.+?)"', test))}
    port = airflow_options()["scheduler"]["scheduler_health_check_server_port"]["default"]
    path = "/api/v2/monitor/health"
    api = (AIRFLOW / "api_fastapi" / "core_api" / "openapi" / "v2-rest-api-generated.yaml").read_text()
    assert f"  {path}:\n" in api
    assert asked == {
        "api-server": f"127.0.0.1:{published(SERVICES['api-server'])[0][2]}{path}",
        "scheduler": f"127.0.0.1:{port}/health",
        "mlflow": f"127.0.0.1:{published(SERVICES['mlflow'])[0][2]}/health",
        "promotions": f"localhost:{published(SERVICES['promotions'])[0][2]}/v1/health",
    }


def test_airflow_and_the_command_line_push_to_the_promotions_system() -> None:
    promotions = ENVIRONMENTS["promotions"]
    [[_, _, port]] = published(SERVICES["promotions"])
    assert promotions["PROMOTIONS_PORT"] == port
    settings = Settings(
        **{
            name.removeprefix("DAYBREAK_").lower(): value
            for name, value in ENVIRONMENTS["daybreak"].items()
            if name.startswith("DAYBREAK_PUSH_")
        }
    )
    assert settings.push_url == f"https://promotions:{port}"
    assert settings.push_token is not None
    assert settings.push_signing_key is not None
    for name in OURS:
        if name not in ("promotions", "daybreak"):
            connection = json.loads(ENVIRONMENTS[name]["AIRFLOW_CONN_PROMOTIONS"])
            assert f"{connection['schema']}://{connection['host']}:{connection['port']}" == settings.push_url
            assert connection["password"] == promotions["PROMOTIONS_TOKEN"] == settings.push_token.get_secret_value()
            keys = {connection["extra"]["signing_key"], promotions["PROMOTIONS_SIGNING_KEY"]}
            assert keys == {settings.push_signing_key.get_secret_value()} == {"PROMOTIONS_SIGNING_KEY"}
            assert connection["extra"]["ca_file"] == str(settings.push_ca_file)
        if name != "promotions":
            assert ENVIRONMENTS[name]["DAYBREAK_PUSH_ALLOWED_HOSTS"] == "promotions"
            assert f"certificates:{CERTIFICATES}:ro" in SERVICES[name]["volumes"]
    assert str(settings.push_ca_file) == f"{CERTIFICATES}/promotions.pem"
    assert mounts(SERVICES["promotions"]) == {CERTIFICATES: "certificates"}


@pytest.mark.parametrize("service", OURS)
def test_threads_that_wait_give_their_core_to_the_tasks_beside_them(service: str) -> None:
    assert ENVIRONMENTS[service]["OMP_WAIT_POLICY"] == "passive"


UNDERSTAND = """
import json, sys
import mlflow.cli
from airflow.cli.cli_parser import get_parser

for program, *arguments in json.loads(sys.argv[1]):
    command = mlflow.cli.cli
    while program == "mlflow" and hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    command.make_context(program, arguments) if program == "mlflow" else get_parser().parse_args(arguments)
"""


def test_commands_are_understood_by_the_programs_they_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = list(commands())
    components = ("db", "api-server", "scheduler", "dag-processor", "triggerer", "jobs")
    expected = {("airflow", name) for name in components} | {("mlflow", "db"), ("mlflow", "server")}
    assert {(program, first) for program, first, *_ in given} == expected
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    asked = subprocess.run([sys.executable, "-c", UNDERSTAND, json.dumps(given)], check=False, capture_output=True)
    assert asked.returncode == 0, asked.stderr.decode()
    assert SERVICES["daybreak"]["entrypoint"] == [*PROJECT["scripts"]]


def test_the_page_names_the_ports_volumes_services_and_variables_that_there_are() -> None:
    ports = {outside for service in SERVICES.values() for _, outside, _ in published(service)}
    assert set(re.findall(r"localhost:(\d+)", PAGE)) == ports
    assert set(re.findall(rf"`{COMPOSE['name']}_(\w+)`", PAGE)) == COMPOSE["volumes"].keys()
    assert SERVICES.keys() <= set(re.findall(r"`([\w-]+)`", PAGE))
    called = re.findall(r"docker compose (?:exec|run|logs|stop|start|pull)(?: -\S+)* ([\w-]+)", PAGE)
    assert len(called) > 8
    assert set(called) <= SERVICES.keys()
    given = {name for found in ENVIRONMENTS.values() for name in found}
    assert set(re.findall(r"`([A-Z]+_[A-Z_]+)`", PAGE)) <= SECRETS | DEFAULTS.keys() | given


@pytest.mark.parametrize("line", re.findall(r"docker compose run --rm daybreak (\w.*)", PAGE))
def test_the_command_line_understands_what_the_page_tells_to_run(line: str) -> None:
    name, *arguments = line.split("`")[0].split()
    get_command(app).commands[name].make_context(name, arguments)
