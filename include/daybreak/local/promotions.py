"""The promotions system of this machine: what the local stack pushes to where the settings name no receiver.

Airflow's keeper starts it and sees to its end. It keeps what it is sent in a database of its own, so that the warehouse
holds no prediction that is only pushed.
"""

import json
import secrets
import socket
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from daybreak.embedded.private_file import kept_private
from daybreak.embedded.processes import recorded
from daybreak.errors import TransientError
from daybreak.settings import Settings

COMPONENT = "promotions-system"
CONNECTION = "promotions"
DATABASE = "promotions"
HOST = "127.0.0.1"


@dataclass(frozen=True)
class LocalPromotions:
    """The promotions system of one home, whether it runs or is to be started."""

    home: Path
    module: str
    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def receiving(self, settings: Settings) -> Settings:
        """Return the settings with this as the receiver of what is pushed."""
        return settings.model_copy(
            update={
                "push_url": self.url,
                "push_token": SecretStr(self._secrets["token"]),
                "push_signing_key": SecretStr(self._secrets["signing_key"]),
                "promotions_port": self.port,
            }
        )

    def variables(self, database_url: str) -> dict[str, str]:
        """Return the variables that the module reads its configuration from."""
        return {
            "PROMOTIONS_DATABASE_URL": database_url,
            "PROMOTIONS_TOKEN": self._secrets["token"],
            "PROMOTIONS_SIGNING_KEY": self._secrets["signing_key"],
            "PROMOTIONS_HOST": HOST,
            "PROMOTIONS_PORT": str(self.port),
        }

    def healthy(self) -> bool:
        """Tell whether it can take in offers."""
        import httpx  # every command comes by here, and most send nothing

        try:
            return httpx.get(f"{self.url}/v1/health", timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def listing(self, day: date, pipeline: str, limit: int) -> dict[str, Any]:
        """Ask what it lists for a partition: the first active offers by rank, and the counts of all."""
        import httpx

        try:
            answer = httpx.get(
                f"{self.url}/v1/offers",
                params={"date": day.isoformat(), "pipeline": pipeline, "state": "active", "limit": limit},
                headers={"Authorization": f"Bearer {self._secrets['token']}"},
                timeout=30,
                trust_env=False,
            ).raise_for_status()
        except httpx.HTTPError as error:
            raise TransientError(
                f"The promotions system at {self.url} does not list its offers ({type(error).__name__}).",
                next_step=f"read {COMPONENT}.log beside Airflow's logs in {self.home / 'airflow' / 'logs'}.",
            ) from None
        listed: dict[str, Any] = answer.json()
        return listed

    @property
    def secrets_file(self) -> Path:
        """Where its token and signing key are kept."""
        return self.home / "promotions" / "secrets.json"

    @cached_property
    def _secrets(self) -> dict[str, str]:
        return kept_private(
            self.secrets_file,
            lambda: {"token": secrets.token_urlsafe(32), "signing_key": secrets.token_urlsafe(48)},
        )


def belongs_to_the_stack(settings: Settings) -> bool:
    """Tell whether the local stack has a promotions system: not where the settings name a receiver, or no module."""
    return settings.push_url is None and bool(settings.promotions_system)


def to_be_started(settings: Settings) -> LocalPromotions | None:
    """Return the promotions system that the local stack is to start."""
    if not belongs_to_the_stack(settings):
        return None
    port = settings.promotions_port or _free_port()
    return LocalPromotions(settings.home.resolve(), settings.promotions_system, port)


def running(settings: Settings) -> LocalPromotions | None:
    """Return the promotions system that runs in this home, whoever started it."""
    process = recorded(settings.home.resolve() / "airflow" / "run").get(COMPONENT)
    if not belongs_to_the_stack(settings) or process is None or not process.alive():
        return None
    return LocalPromotions(settings.home.resolve(), settings.promotions_system, urlsplit(process.url).port or 0)


def airflow_connection(settings: Settings) -> dict[str, str]:
    """Write the receiver of the settings as the variable that Airflow reads a Connection from; empty without one."""
    if not (settings.push_url and settings.push_token and settings.push_signing_key):
        return {}
    url = urlsplit(settings.push_url)
    connection = {
        "conn_type": "generic",
        "schema": url.scheme,
        "host": url.hostname,
        "port": url.port,
        "password": settings.push_token.get_secret_value(),
        "extra": {"signing_key": settings.push_signing_key.get_secret_value()}
        | ({"ca_file": str(settings.push_ca_file)} if settings.push_ca_file else {}),
    }
    return {f"AIRFLOW_CONN_{CONNECTION.upper()}": json.dumps(connection)}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
