"""Configuration: the environment, read once at the edge into one frozen object.

Every variable starts with ``DAYBREAK_``. Nothing else in the project reads the environment.
"""

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from daybreak.errors import ConfigurationError

# Settings that have names of their own, so that a secret can be handed over by itself.
_NAMED = re.compile(r"DAYBREAK_(SOURCE|ALERT)_([A-Z][A-Z0-9_]*)")
_CODE = Path(__file__).resolve().parents[1]
# A checkout has its folders beside include/. What was installed from a wheel has nothing of ours beside it.
PROJECT = _CODE.parent if _CODE.name == "include" else None


class Settings(BaseSettings):
    """Say where Daybreak keeps things and what it talks to."""

    model_config = SettingsConfigDict(env_prefix="DAYBREAK_", frozen=True, extra="ignore")

    home: Path = Field(default=(PROJECT or Path.home()) / ".daybreak", description="Folder of the embedded default.")
    project: Path | None = Field(
        default=PROJECT, description="Folder that holds include/, dags/ and sql/; none where a wheel is installed."
    )
    pipelines: str = Field(default="retail" if PROJECT else "", description="Module whose PIPELINES are run.")
    dags: Path | None = Field(
        default=None, description="Folder that Airflow reads DAG files from; dags/ of the project if unset."
    )
    warehouse_url: SecretStr | None = Field(
        default=None, description="SQLAlchemy URL of the warehouse; embedded PostgreSQL if unset."
    )
    registry_url: SecretStr | None = Field(
        default=None,
        description="MLflow's store, or its server's address; database `mlflow` beside the warehouse if unset.",
    )
    source: Annotated[Mapping[str, SecretStr], NoDecode] = Field(
        default_factory=dict, description="URLs of sources other than the warehouse, by name: DAYBREAK_SOURCE_FEED."
    )
    batches_uri: str | None = Field(default=None, description="Where snapshots go; a folder or s3://, gs://, az://.")
    models_uri: str | None = Field(default=None, description="Where model artifacts go.")
    push_url: str | None = Field(default=None, description="Address of the promotions system, https://HOST[:PORT].")
    push_token: SecretStr | None = Field(default=None, description="Bearer token for the promotions system.")
    push_signing_key: SecretStr | None = Field(default=None, description="Key that requests are signed with.")
    push_allowed_hosts: str = Field(
        default="127.0.0.1,localhost", description="Hosts that may receive deliveries, separated by commas."
    )
    push_ca_file: Path | None = Field(default=None, description="Certificate authorities of the receiver, PEM.")
    push_top: int = Field(default=200, ge=1, description="Offers a day.")
    push_by_department: bool = Field(default=False, description="Share the offers out by departments' products.")
    promote_automatically: bool = Field(
        default=False, description="Promote a challenger that passed every check without a person's approval."
    )
    pickled_models: str = Field(
        default="",
        description="Models that may run code when they are opened (pickles, what MLflow loads), separated by commas.",
    )
    wheels: Path | None = Field(
        default=None, description="Folder that models' own environments are installed from; the package index if unset."
    )
    model_timeout_seconds: float = Field(
        default=600, gt=0, description="Longest wait for an answer of a model in an environment of its own."
    )
    lock_timeout_seconds: float = Field(
        default=60, gt=0, description="Longest wait for a lock in the warehouse or the registry."
    )
    lineage_url: str | None = Field(
        default=None, description="Address of the collector that OpenLineage's events of commands are sent to."
    )
    lineage_token: SecretStr | None = Field(default=None, description="Bearer token for it.")
    lineage_namespace: str = Field(default="daybreak", min_length=1, description="Namespace of jobs in these events.")
    metrics_token: SecretStr | None = Field(
        default=None, description="Bearer token for the numbers at /daybreak/metrics; there are none without it."
    )
    alert: Annotated[Mapping[str, SecretStr], NoDecode] = Field(
        default_factory=dict, description="Apprise URLs of channels, by name: DAYBREAK_ALERT_ONCALL."
    )
    alerts: str = Field(
        default="",
        description="Who is told what: NAME=critical, NAME=warning@OWNER, NAME=digest; everybody everything if empty.",
    )
    alerts_remind_hours: float = Field(
        default=24, ge=0, description="After so many hours an open incident is told again; 0: never."
    )
    alerts_digest_hour: int = Field(default=7, ge=0, le=23, description="From this hour on the digest is sent.")
    alerts_timezone: str = Field(default="UTC", description="Time zone of that hour, and of yesterday.")
    alerts_storage_percent: float = Field(
        default=90, gt=0, le=100, description="From here on a local disk is told to be filling."
    )
    airflow_url: str | None = Field(default=None, description="Address of Airflow's UI, for links in messages.")
    log_json: bool = Field(default=False, description="Write lines on standard error as JSON, one object a line.")
    port: int = Field(default=8080, ge=1, le=65535, description="Port of the local Airflow's UI.")
    promotions_system: str = Field(
        default="retail.promotions_system" if PROJECT else "",
        description="Module that the local stack runs to push to; none if empty.",
    )
    promotions_port: int | None = Field(
        default=None, ge=1, le=65535, description="Port of the local promotions system; a free one if unset."
    )

    def __init__(self, **values: Any) -> None:
        named = [(_NAMED.fullmatch(name), value) for name, value in os.environ.items()]  # noqa: TID251 - the edge
        for kind in ("source", "alert"):
            found = {
                name[2].lower(): SecretStr(value) for name, value in named if name and value and name[1].lower() == kind
            }
            values[kind] = {**found, **values.get(kind, {})}
        try:
            super().__init__(**values)
        except ValidationError as error:
            wrong = "; ".join(f"DAYBREAK_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
            raise ConfigurationError(f"{wrong}.", next_step="correct the setting.") from None

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Look at what is given and at the environment: to look for files that nobody names takes half of the time."""
        return sources["init_settings"], sources["env_settings"]

    @property
    def checkout(self) -> Path:
        """Folder of the project, for what a wheel does not bring. Raises ConfigurationError where there is none."""
        if self.project is None:
            raise ConfigurationError(
                "Only a checkout of the project has the local stack and the demonstration, and this is a wheel.",
                next_step="use your own Airflow, or run the command in a checkout.",
            )
        return self.project

    @property
    def package(self) -> Path:
        """Folder of the module that declares the pipelines. Raises ConfigurationError where it is not found."""
        if self.project is not None:
            return self.project / "include" / self.pipelines.replace(".", "/")
        if not self.pipelines:
            raise ConfigurationError(
                "It is not said which package has the pipelines.",
                next_step="set DAYBREAK_PIPELINES to its name; `daybreak init --package FOLDER` makes one.",
            )
        try:
            found = find_spec(self.pipelines)
        except (ImportError, ValueError):
            found = None
        if found is None or not found.submodule_search_locations:
            raise ConfigurationError(
                f"There is no package '{self.pipelines}' that Python finds.",
                next_step="have PYTHONPATH name the folder that it is in, or correct DAYBREAK_PIPELINES.",
            )
        return Path(found.submodule_search_locations[0])

    @property
    def sql(self) -> Path:
        """Folder of the pipelines' SQL files: the project's, or that of the package where there is no project."""
        return (self.package if self.project is None else self.project) / "sql"

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Hosts that may receive deliveries."""
        return tuple(host.strip() for host in self.push_allowed_hosts.split(",") if host.strip())

    @property
    def may_be_pickled(self) -> tuple[str, ...]:
        """Models that may be opened from a pickle."""
        return tuple(name.strip() for name in self.pickled_models.split(",") if name.strip())

    @property
    def tracebacks(self) -> Path:
        """Folder that keeps the tracebacks of errors that nobody has foreseen."""
        return self.home / "tracebacks"

    @property
    def batches(self) -> str:
        """URI under which snapshots are written."""
        return self.batches_uri or (self.home / "batches").as_uri()

    @property
    def models(self) -> str:
        """URI under which model artifacts are written."""
        return self.models_uri or (self.home / "models").as_uri()


def read_settings() -> Settings:
    """Read the environment; what was read of it before, while nothing in it that is ours has changed.

    Raises ConfigurationError.
    """
    around = os.environ  # noqa: TID251 - the edge
    ours = [name for name in around if name.upper().startswith("DAYBREAK_")]
    return _read(tuple((name, around[name]) for name in ours))


@lru_cache(maxsize=1)
def _read(_variables: tuple[tuple[str, str], ...]) -> Settings:
    return Settings()


def share_cores() -> None:
    """Have OpenMP's threads give their core away while they wait, unless told otherwise; before scikit-learn is loaded.

    Beside other work on two cores, fitting the demand forecast took 35 s that way and 183 s with busy waiting.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # noqa: TID251 - a library's own switch, not our configuration


def bound_mlflow() -> None:
    """Have MLflow's client give up in seconds, not minutes, and draw no bars, unless told otherwise."""
    for name, value in (
        ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2"),
        ("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1"),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "30"),
        ("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"),
        ("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true"),
    ):
        os.environ.setdefault(name, value)  # noqa: TID251 - a library's own switches, not our configuration


def otlp_signals() -> frozenset[str]:
    """Return which of traces and metrics go to an OpenTelemetry collector, by OpenTelemetry's own variables."""
    around = os.environ  # noqa: TID251 - a standard's variables, not our configuration
    if around.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return frozenset()
    return frozenset(
        signal
        for signal in ("traces", "metrics")
        if around.get("OTEL_EXPORTER_OTLP_ENDPOINT") or around.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
        if around.get(f"OTEL_{signal.upper()}_EXPORTER") != "none"
    )


def trace_parent() -> dict[str, str]:
    """Return the trace that this process was started in, as W3C's headers have it, if whoever started it said so."""
    return {name.lower(): value for name, value in environment_of("TRACEPARENT", "TRACESTATE").items()}


def otlp_timeout_set() -> bool:
    """Tell whether OpenTelemetry's own variables bound an export."""
    return bool(environment_of("OTEL_EXPORTER_OTLP_TIMEOUT"))


def environment_without(*prefixes: str) -> dict[str, str]:
    """Return the environment to hand on to a program, without variables that are not meant for it."""
    around = os.environ  # noqa: TID251 - handed on, not read as configuration
    return {name: value for name, value in around.items() if not name.startswith(prefixes)}


def environment_of(*names: str) -> dict[str, str]:
    """Return of the environment what a program is to know that must not be told anything else."""
    around = os.environ  # noqa: TID251 - handed on, not read as configuration
    return {name: around[name] for name in names if name in around}
