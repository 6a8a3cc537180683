"""What docker-compose.yaml and the Dockerfile say, read as Compose and a builder read them, and what is wrong there."""

import importlib.metadata
import importlib.resources
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# Services whose image the Dockerfile makes, with the stage that makes it.
BUILT: dict[str, str] = {name: service["build"]["target"] for name, service in SERVICES.items() if "build" in service}

SCHEMA = importlib.resources.files("check_jsonschema.builtin_schemas") / "vendor" / "compose-spec.json"
VALIDATOR = Draft202012Validator(json.loads(SCHEMA.read_text()))

# Read, not imported: importing Airflow makes a home for it.
AIRFLOW = Path(str(importlib.metadata.distribution("apache-airflow-core").locate_file("airflow")))

HOLDS_A_SECRET = re.compile(r"PASSWORD$|SECRET|_KEY$|TOKEN")
VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?:(?P<operator>:[-?])(?P<text>[^}]*))?\}")
_USED = [found for found in VARIABLE.finditer((ROOT / "docker-compose.yaml").read_text()) if found["name"]]
SECRETS = {found["name"] for found in _USED if found["operator"] == ":?"}
DEFAULTS = {found["name"]: found["text"] for found in _USED if found["operator"] == ":-"}


def filled(value: Any) -> Any:
    """Put variables in as Compose does; a secret becomes its own name."""
    if isinstance(value, dict):
        return {key: filled(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [filled(entry) for entry in value]
    return VARIABLE.sub(lambda m: (DEFAULTS.get(m["name"]) or m["name"]) if m["name"] else "$", value)


def mounts(service: dict[str, Any]) -> dict[str, str]:
    """Return the service's volumes by the path they are mounted on."""
    return {path: name for name, path, *_ in (volume.split(":") for volume in service.get("volumes", []))}


def published(service: dict[str, Any]) -> list[list[str]]:
    """List the service's ports: address, port on the host, port in the container."""
    return [port.split(":") for port in filled(service.get("ports", []))]


def airflow_options() -> dict[str, Any]:
    """Return what Airflow says about its options, by section and name."""
    source = (AIRFLOW / "config_templates" / "config.yml").read_text()
    return {section: found["options"] for section, found in yaml.load(source, Loader=yaml.CSafeLoader).items()}


def faults(compose: dict[str, Any]) -> list[str]:
    """List what is wrong with a Compose file, by the specification's schema and then by what a schema cannot say."""
    invalid = [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(compose)]
    return invalid or [f"{name} {fault}" for name in compose["services"] for fault in _faults(compose, name)]


def _faults(compose: dict[str, Any], name: str) -> Iterator[str]:
    service = compose["services"][name]
    stays = {other: "restart" in found and found["restart"] != "no" for other, found in compose["services"].items()}
    for other, wait in service.get("depends_on", {}).items():
        if other not in stays:
            yield f"waits for {other}, which is not there"
        elif wait["condition"] != ("service_healthy" if stays[other] else "service_completed_successfully"):
            yield f"waits for what {other} never becomes"
    if stays[name] != ("healthcheck" in service):
        yield "has a restart policy or a health check without the other"
    for volume in set(mounts(service).values()) - compose["volumes"].keys():
        yield f"mounts {volume!r}, which is no named volume"
    if any(address != "127.0.0.1" for address, *_ in published(service)):
        yield "is open to other machines"
    for variable, value in service.get("environment", {}).items():
        found = VARIABLE.fullmatch(value)
        if "_PREVIOUS_" in variable and found and (found["operator"], found["text"]) == (":-", ""):
            continue  # there is one only while a secret is changed
        if HOLDS_A_SECRET.search(variable) and not (found and found["operator"] == ":?" and found["text"]):
            yield f"does not have {variable} from the environment alone"


def commands() -> Iterator[list[str]]:
    """Yield every Airflow and MLflow command: of services, of their scripts and of their health checks."""
    for service in SERVICES.values():
        for command in (filled(service.get("command", [])), service.get("healthcheck", {}).get("test", [])[1:]):
            for line in command[-1].splitlines() if command[:1] == ["bash"] else [shlex.join(command)]:
                if re.match(r"(exec )?(airflow|mlflow) ", line):
                    yield shlex.split(line.removeprefix("exec "))


class Dockerfile:
    """The instructions of each stage, those of the stage it is made from first."""

    def __init__(self, text: str) -> None:
        self.stages: dict[str, list[tuple[str, str]]] = {}
        for line in re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text)).splitlines():
            keyword, _, argument = line.partition(" ")
            if keyword == "FROM":
                base, _, name = argument.partition(" AS ")
                steps = self.stages[name] = list(self.stages.get(base, [("FROM", base)]))
            elif keyword:
                steps.append((keyword, " ".join(argument.split())))

    def all(self, stage: str, keyword: str) -> list[str]:
        """List what follows each instruction of one kind."""
        return [argument for found, argument in self.stages[stage] if found == keyword]

    def environment(self, stage: str) -> dict[str, str]:
        """Return the variables that the image sets."""
        return dict(pair.split("=", 1) for argument in self.all(stage, "ENV") for pair in shlex.split(argument))

    def copies(self, stage: str) -> Iterator[tuple[str, Path]]:
        """Yield every source with the absolute path it gets."""
        for argument in self.all(stage, "COPY"):
            *sources, target = argument.split()
            folder = Path(self.all(stage, "WORKDIR")[-1], target)
            yield from ((source, folder / source if target.endswith("/") else folder) for source in sources)


IMAGES = Dockerfile((ROOT / "Dockerfile").read_text())
# What a container of each service finds in its environment.
ENVIRONMENTS: dict[str, dict[str, str]] = {
    name: (IMAGES.environment(BUILT[name]) if name in BUILT else {}) | filled(service.get("environment", {}))
    for name, service in SERVICES.items()
}


def ignored(path: str) -> bool:
    """Tell whether .dockerignore keeps a path out of the build: the last pattern that matches decides."""
    result = False
    for pattern in (ROOT / ".dockerignore").read_text().splitlines():
        body = re.escape(pattern.removeprefix("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if pattern and pattern[0] != "#" and re.fullmatch(f"{body}(/.*)?", path):
            result = not pattern.startswith("!")
    return result
