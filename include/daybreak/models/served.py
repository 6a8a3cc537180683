"""Served registries: an MLflow server of the company's, asked through its own API instead of its tables.

It authenticates by MLflow's own variables, keeps artifacts itself, and says nothing of a store's SQLSTATE.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol

from daybreak.declaration.segments import ModelRef
from daybreak.errors import ConfigurationError, DaybreakError, ModelRefused, WarehouseUnavailable
from daybreak.settings import bound_mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

# Where a server keeps what it is sent, as its own URIs begin.
STORAGE = "mlflow-artifacts:"
# What MLflow adds to the files of a version, with the name that it was registered under.
_ADDED = ("registered_model_meta",)
MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
_REFUSED = {"UNAUTHENTICATED": "does not know the login", "PERMISSION_DENIED": "does not allow that to the login"}
_LOGIN = (
    "see to MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, and to its permissions."
)


def is_served(url: str) -> bool:
    """Tell whether a registry is asked over HTTP."""
    return url.startswith(("http://", "https://"))


class Store(Protocol):
    """What aliases are kept in: a registry's tables, or a server."""

    def get(self, model: ModelRef) -> int | None:
        """Return the version that the alias points to, or None."""

    def set(self, model: ModelRef, version: int) -> None:
        """Point the alias to a version that there is."""

    def remove(self, model: ModelRef) -> None:
        """Remove the alias; one that is not there is no error."""


class ServedAliases:
    """Read and move aliases by a server's API, which knows no condition: who moves one holds the ledger's lock."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _client(self) -> "MlflowClient":
        return served_client(self._url)

    def get(self, model: ModelRef) -> int | None:
        """Return the version that the alias points to, or None."""
        from mlflow.exceptions import MlflowException

        with answering(self._url):
            try:
                return int(self._client.get_model_version_by_alias(model.name, model.alias).version)
            except MlflowException as error:
                if error.error_code in MISSING:
                    return None
                raise

    def set(self, model: ModelRef, version: int) -> None:
        """Point the alias to a version that there is."""
        from mlflow.exceptions import MlflowException

        with answering(self._url):
            try:
                self._client.set_registered_model_alias(model.name, model.alias, str(version))
            except MlflowException as error:
                if error.error_code not in MISSING:
                    raise
                raise ModelRefused(
                    f"Model {model.name} has no version {version}.", next_step="choose one of `daybreak models`."
                ) from error

    def remove(self, model: ModelRef) -> None:
        """Remove the alias; one that is not there is no error."""
        from mlflow.exceptions import MlflowException

        with answering(self._url):
            try:
                self._client.delete_registered_model_alias(model.name, model.alias)
            except MlflowException as error:
                if error.error_code not in MISSING:
                    raise


def served_client(url: str) -> "MlflowClient":
    """Return a client of a server that gives up in seconds where it does not answer."""
    bound_mlflow()
    from mlflow import MlflowClient

    return MlflowClient(url, url)


@contextmanager
def answering(url: str) -> Iterator[None]:
    """Turn what goes wrong between us and a server into one of our errors; what it says of a model is left alone."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if fault := fault_of(error, url):
            raise fault from error
        raise


def fault_of(error: "MlflowException", url: str) -> DaybreakError | None:
    """Say what is wrong with a server, or with us; None where it tells of a model or a version."""
    code, text = error.error_code, " ".join(str(error).split())
    if code in _REFUSED:
        return ConfigurationError(f"The MLflow at {shown(url)} {_REFUSED[code]}.", next_step=_LOGIN)
    if code == "ENDPOINT_NOT_FOUND" or "not in a valid JSON" in text:
        return ConfigurationError(
            f"There is no MLflow at {shown(url)}.", next_step="see that DAYBREAK_REGISTRY_URL names its address."
        )
    if code in ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED") and "404 Client" not in text:
        return WarehouseUnavailable(
            f"The MLflow at {shown(url)} did not answer.",
            next_step="it is tried again; if it lasts, check that the server is up.",
        )
    return None


def shown(url: str) -> str:
    """Return an address without a login that is in it."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def downloaded(uri: str, url: str) -> dict[str, bytes] | None:
    """Return the files of an artifact that a server keeps, None where there are none; ``uri`` may name a single one."""
    bound_mlflow()
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    # MLflow counts what it downloads in threads of its own, and one address at a time.
    with _alone, TemporaryDirectory() as folder, answering(url):
        try:
            found = Path(download_artifacts(artifact_uri=uri, dst_path=folder, tracking_uri=url))
        except MlflowException as error:
            if "404 Client" in str(error) or error.error_code in MISSING:
                return None
            raise
        root = found.parent if found.is_file() else found
        paths = [found] if found.is_file() else [path for path in found.rglob("*") if path.is_file()]
        return {
            path.relative_to(root).as_posix(): path.read_bytes() for path in paths if path.name not in _ADDED
        } or None


_alone = threading.Lock()
