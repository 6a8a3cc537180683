"""Hooks: what an Airflow Connection leads to.

A Connection of any type serves, for example `generic`: Airflow takes connection types and the fields of their forms
from providers only, and a plugin is none.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from daybreak.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from daybreak.push.client import DeliveryClient
    from daybreak.push.target import DeliveryTarget

# Numbers that the extra may hold, by the names and with the meaning that they have in the delivery target.
NUMBERS = (
    "connect_seconds",
    "read_seconds",
    "request_seconds",
    "deadline_seconds",
    "first_pause_seconds",
    "longest_pause_seconds",
    "receipt_seconds",
    "max_in_flight",
    "open_circuit_after",
)
_WHOLE = ("max_in_flight", "open_circuit_after")


class PromotionsHook(BaseHook):
    """Lead from a Connection to the promotions system that it names.

    Host, port and schema (``https`` unless it says ``http``) are the address, the password is the bearer token. The
    extra holds ``signing_key``, perhaps ``ca_file`` and any of ``NUMBERS``. Only the hosts of the settings are allowed.
    """

    def __init__(self, connection: str = "promotions") -> None:
        super().__init__()
        self.connection = connection

    def target(self) -> "DeliveryTarget":
        """Read the Connection; a receiver that is not safe to talk to is refused."""
        from pydantic import SecretStr

        from daybreak.push.runner import OFFERS
        from daybreak.push.target import DeliveryTarget
        from daybreak.settings import read_settings

        try:
            found: Connection = self.get_connection(self.connection)
        except AirflowNotFoundException:
            raise self._refused("is not defined", "make it as docs/settings.md shows") from None
        extra = found.extra_dejson
        if not isinstance(extra, dict):
            raise self._refused("has an extra that is no JSON object", "write it as docs/settings.md shows")
        signing_key = str(extra.get("signing_key", ""))
        # Airflow masks the password by itself, and of the extra only what it knows the name of.
        mask_secret(signing_key)
        ca_file = extra.get("ca_file")
        return DeliveryTarget(
            base_url=self._address(found),
            path=OFFERS,
            token=SecretStr(found.password or ""),
            signing_key=SecretStr(signing_key),
            allowed_hosts=read_settings().allowed_hosts,
            ca_file=Path(ca_file) if ca_file else None,
            **self._numbers({name: extra[name] for name in extra.keys() - {"signing_key", "ca_file"}}),
        )

    def get_conn(self) -> "DeliveryClient":
        """Return a client of the receiver."""
        from daybreak.push.client import DeliveryClient

        return DeliveryClient(self.target())

    def _address(self, found: "Connection") -> str:
        host = found.host or ""
        if not host or set(host) & set("/@?#"):
            raise self._refused("has no Host, or more than a name as Host", "give the name there, and the port as Port")
        bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"{found.schema or 'https'}://{bracketed}" + (f":{found.port}" if found.port else "")

    def _numbers(self, extra: Mapping[str, Any]) -> dict[str, Any]:
        if unknown := sorted(set(extra) - set(NUMBERS)):
            raise self._refused(
                f"has {', '.join(unknown)} in its extra, which nothing reads",
                f"correct the name: signing_key, ca_file, {', '.join(NUMBERS)}",
            )
        try:
            return {name: int(value) if name in _WHOLE else float(value) for name, value in extra.items()}
        except (TypeError, ValueError):
            raise self._refused(f"has something other than numbers in {', '.join(extra)}", "give numbers") from None

    def _refused(self, problem: str, next_step: str) -> ConfigurationError:
        return ConfigurationError(f"The Airflow Connection '{self.connection}' {problem}.", next_step=f"{next_step}.")
