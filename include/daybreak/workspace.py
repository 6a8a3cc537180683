"""Workspace: what the settings lead to (warehouse, ledger, registry, pipelines), each opened on first use."""

import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from daybreak.declaration.loading import Declared, find_pipeline, load_declared
from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.segments import ModelRef
from daybreak.errors import ConfigurationError
from daybreak.ledger.runs import Ledger
from daybreak.models.alias_store import AliasStore
from daybreak.models.aliases import Aliases
from daybreak.models.artifacts import Artifacts
from daybreak.models.environments import Environments
from daybreak.models.loading import OwnEnvironments
from daybreak.models.registry_tables import RegistryTables
from daybreak.models.served import ServedAliases, is_served
from daybreak.models.storage import FolderStorage, ServerStorage, Storage
from daybreak.settings import Settings
from daybreak.sources.opening import open_source
from daybreak.sources.postgresql import PostgresSource
from daybreak.sources.queries import Queries
from daybreak.sources.source import Source
from daybreak.warehouse.database import Warehouse, with_driver
from daybreak.warehouse.migrations import migrate

if TYPE_CHECKING:
    from daybreak.models.registry import Registry


class Workspace:
    """Open what a command or a task works on; ``source_url`` knows sources that no setting names."""

    def __init__(self, settings: Settings, source_url: Callable[[str], str | None] = lambda name: None) -> None:
        self.settings = settings
        self._source_url = source_url
        self._sources: dict[str, tuple[Pipeline, Source]] = {}

    @cached_property
    def warehouse(self) -> Warehouse:
        """The warehouse of the settings, or the embedded PostgreSQL, which is started if need be."""
        if self.settings.warehouse_url:
            return Warehouse(self.settings.warehouse_url.get_secret_value(), self.settings.lock_timeout_seconds)
        from daybreak.embedded.postgres import EmbeddedPostgres

        return Warehouse(EmbeddedPostgres(self.settings.home).use().url(), self.settings.lock_timeout_seconds)

    @cached_property
    def ledger(self) -> Ledger:
        """The run ledger, its tables brought up to date."""
        migrate(self.warehouse)
        return Ledger(self.warehouse, self.settings.tracebacks)

    def see_to_ledger(self) -> Ledger:
        """Bring the ledger's tables up to date, for what reads or refers to them by itself."""
        return self.ledger

    @cached_property
    def registry(self) -> "Registry":
        """The model registry."""
        from daybreak.models.registry import Registry
        from daybreak.models.registry_connection import registry_url
        from daybreak.models.stored_versions import StoredVersions
        from daybreak.models.trusted_versions import TrustedVersions

        served = self.registry_url if is_served(self.registry_url) else None
        artifacts = Artifacts(self.settings.home / "cache" / "models", served)
        trained_by = {ref.name: name for name, pipeline in self.pipelines.items() for ref in pipeline.model_refs}
        url = registry_url(self.registry_url, self.settings.lock_timeout_seconds)
        trusted = TrustedVersions(self.ledger.warehouse)
        stored = with_driver(self.registry_url).startswith("postgresql")
        versions = StoredVersions(self._registry_tables) if stored else None
        declared = {ref.name: ref.environment for p in self.pipelines.values() for ref in p.model_refs}
        own = self.own_environments
        return Registry(url, self.model_storage, artifacts, trained_by, trusted, versions, own, declared)

    @property
    def own_environments(self) -> OwnEnvironments:
        """Where models have environments of their own."""
        settings = self.settings
        environments = Environments(settings.home / "cache" / "environments", settings.wheels)
        return OwnEnvironments(environments, settings.may_be_pickled, settings.model_timeout_seconds)

    @property
    def model_storage(self) -> Storage:
        """Where model artifacts are kept: a server keeps them itself, unless it is said where they go."""
        served = is_served(self.registry_url) and not self.settings.models_uri
        return ServerStorage() if served else FolderStorage(self.settings.models)

    @cached_property
    def alias_store(self) -> AliasStore | ServedAliases:
        """The registry's aliases, in its tables without the registry's libraries, or by its server's API."""
        if is_served(self.registry_url):
            return ServedAliases(self.registry_url)
        return AliasStore(self._registry_tables)

    @cached_property
    def _registry_tables(self) -> RegistryTables:
        return RegistryTables(self.registry_url, self.settings.lock_timeout_seconds)

    def aliases(self, model: ModelRef) -> Aliases:
        """Return one alias of one model, with its history."""
        return Aliases(self.ledger.warehouse, self.alias_store, model)

    @property
    def registry_url(self) -> str:
        """MLflow's store, or its server's address; database `mlflow` beside the warehouse if unset."""
        if self.settings.registry_url:
            return self.settings.registry_url.get_secret_value()
        return self.warehouse.url.set(database="mlflow").render_as_string(hide_password=False)

    @cached_property
    def declared(self) -> Declared:
        """What the module of the settings declares, broken pipelines too."""
        return load_declared(self.settings.pipelines)

    @cached_property
    def pipelines(self) -> dict[str, Pipeline]:
        """The declared pipelines by name, without those that are broken."""
        return self.declared.pipelines

    @property
    def broken(self) -> tuple[ConfigurationError, ...]:
        """What is wrong with declared pipelines, as far as they were looked at."""
        return tuple(self.declared.broken.values()) if "declared" in self.__dict__ else ()

    def pipeline(self, name: str) -> Pipeline:
        """Return one pipeline."""
        return find_pipeline(self.settings.pipelines, name)

    def queries(self, pipeline: Pipeline) -> Queries:
        """Return a pipeline's queries."""
        return Queries(self.source(pipeline), self.settings.sql / pipeline.name, pipeline)

    def source(self, pipeline: Pipeline) -> Source:
        """Return what a pipeline's queries are run by: the warehouse, or the source that it names."""
        if pipeline.source is None:
            return PostgresSource(self.warehouse)
        found = self._sources.get(pipeline.name)
        if found is None or found[0] != pipeline:
            self._sources[pipeline.name] = found = (pipeline, open_source(self.settings, pipeline, self._source_url))
        return found[1]

    def sql(self, pipeline: Pipeline, name: str) -> Path:
        """Return the path of one of a pipeline's SQL files."""
        return self.settings.sql / pipeline.name / f"{name}.sql"

    @cached_property
    def code_digest(self) -> str:
        """SHA-256 of the engine's and the pipelines' Python source."""
        import importlib

        pipelines = importlib.import_module(self.settings.pipelines).__file__
        return code_digest((Path(__file__).parent, *([Path(pipelines).parent] if pipelines else [])))

    def close(self) -> None:
        """Close the connections to the warehouse, to the registry's tables and to sources."""
        if "ledger" in self.__dict__:
            self.ledger.close()
        if "warehouse" in self.__dict__:
            self.warehouse.close()
        if "_registry_tables" in self.__dict__:
            self._registry_tables.close()
        for _, source in self._sources.values():
            source.close()


def code_digest(folders: tuple[Path, ...]) -> str:
    """Return the SHA-256 of all Python source below the folders."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder.parent).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
