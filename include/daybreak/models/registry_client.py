"""The registry's client: MLflow's, straight on its SQL store or over HTTP, and what goes wrong on the way.

It costs seconds to import: versions of a registry in PostgreSQL are read from its tables, and this one writes them.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from daybreak.declaration.segments import ModelRef
from daybreak.errors import DaybreakError
from daybreak.models.found import FoundVersion
from daybreak.models.registry_connection import refuse_silence, registry_unavailable
from daybreak.models.served import MISSING, fault_of, is_served, served_client
from daybreak.warehouse.database import with_driver
from daybreak.warehouse.faults import is_transient

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion


class RegistryClient:
    """Ask a registry by MLflow's client."""

    def __init__(self, url: str) -> None:
        self._url = with_driver(url)

    @cached_property
    def _client(self) -> "MlflowClient":
        from mlflow import MlflowClient

        # After the import, which sets up its own.
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        if is_served(self._url):
            return served_client(self._url)
        refuse_silence(self._url)
        return MlflowClient(self._url, self._url)

    @contextmanager
    def answering(self) -> "Iterator[MlflowClient]":
        """Give the client to the body; what goes wrong between it and its store is transient."""
        from mlflow.exceptions import MlflowException

        client = self._client
        refuse_silence(self._url)
        try:
            yield client
        except MlflowException as error:
            if isinstance(error.__cause__, DaybreakError):
                raise error.__cause__ from error
            if is_served(self._url) and (fault := fault_of(error, self._url)):
                raise fault from error
            if is_transient(error):
                raise registry_unavailable() from error
            raise


class AskedVersions:
    """Look versions up by MLflow's client: those of a server, or of another database than PostgreSQL."""

    def __init__(self, client: RegistryClient) -> None:
        self._client = client

    def get(self, name: str, version: int) -> FoundVersion | None:
        """Return one version of a model, or None."""
        with self._client.answering() as client, _none_where_missing():
            return _found(client, client.get_model_version(name, str(version)))
        return None

    def pointed_to(self, model: ModelRef) -> FoundVersion | None:
        """Return the version that the alias points to, or None."""
        with self._client.answering() as client, _none_where_missing():
            return _found(client, client.get_model_version_by_alias(model.name, model.alias))
        return None

    def all(self, name: str) -> list[FoundVersion]:
        """List the versions of a model, the newest first."""
        quoted = name.replace("'", "''")
        with self._client.answering() as client, _none_where_missing():
            # What is listed lacks the aliases, and a server takes up to two seconds for each question.
            aliases = client.get_registered_model(name).aliases
            listed = client.search_model_versions(f"name='{quoted}'")
            return [_found(client, one, aliases) for one in sorted(listed, key=lambda one: -int(one.version))]
        return []

    def metrics(self, run_id: str) -> Mapping[str, float]:
        """Return the metrics of the run that a version came from; none where the run was removed."""
        with self._client.answering() as client, _none_where_missing():
            metrics: Mapping[str, float] = client.get_run(run_id).data.metrics
            return metrics
        return {}


@contextmanager
def _none_where_missing() -> Iterator[None]:
    """Go on after the body where MLflow does not know what it was asked for."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code not in MISSING:
            raise


def _found(client: "MlflowClient", version: "MlflowVersion", aliases: Mapping[str, str] | None = None) -> FoundVersion:
    source = str(version.source)
    named = source.startswith("models:/")
    location = str(client.get_model_version_download_uri(version.name, str(version.version))) if named else source
    number = int(version.version)
    return FoundVersion(
        name=version.name,
        version=number,
        source=source,
        location=location,
        run_id=version.run_id or None,
        registered=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
        tags=dict(version.tags),
        aliases=tuple(version.aliases if aliases is None else (a for a, v in aliases.items() if int(v) == number)),
    )
