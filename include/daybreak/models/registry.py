"""The model registry: MLflow's client straight on its SQL store, artifacts in a folder or object store.

A version carries what a run needs of it: the digest of its artifact, its signature, the last day it has seen and the
versions of the libraries that trained it. They are compared with what Daybreak wrote down itself, and runs copy them,
so that a planned run needs the registry no more.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from daybreak.declaration.segments import ModelRef
from daybreak.errors import DaybreakError, ModelRefused
from daybreak.models.adopting import told_tags
from daybreak.models.artifacts import SKOPS, Artifacts, digest_of
from daybreak.models.canonical import canonical
from daybreak.models.describing import ListedVersion, describe
from daybreak.models.loading import Loader, OwnEnvironments
from daybreak.models.opening import refuse_untrusted
from daybreak.models.registry_connection import refuse_silence, registry_unavailable
from daybreak.models.saving import saved_files
from daybreak.models.served import fault_of, is_served, served_client
from daybreak.models.storage import Storage
from daybreak.models.training_record import TrainingRecord
from daybreak.models.trusted import FAMILIES, families
from daybreak.models.trusted_versions import TrustedVersions
from daybreak.models.version import ModelVersion, library_versions
from daybreak.warehouse.database import with_driver
from daybreak.warehouse.faults import is_transient

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion


class Registry:
    """Resolve, verify, load and register models; ``pipelines`` names the pipeline that trains each model.

    ``trusted`` is what Daybreak wrote down of the versions; without it none can be resolved. ``own`` is where versions
    have environments of their own, ``declared`` what the models' references say of that.
    """

    def __init__(
        self,
        url: str,
        storage: Storage,
        artifacts: Artifacts,
        pipelines: Mapping[str, str] | None = None,
        trusted: TrustedVersions | None = None,
        own: OwnEnvironments | None = None,
        declared: Mapping[str, str | None] | None = None,
    ) -> None:
        self._url = with_driver(url)
        self._storage = storage
        self.artifacts = artifacts
        self._pipelines = pipelines or {}
        self._trusted = trusted
        self._declared = declared or {}
        self.loader = Loader(artifacts, own, self._training)

    @cached_property
    def _client(self) -> "MlflowClient":
        from mlflow import MlflowClient

        if is_served(self._url):
            return served_client(self._url)
        # After the import, which sets up its own.
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        refuse_silence(self._url)
        return MlflowClient(self._url, self._url)

    def resolve(self, model: ModelRef, version: int | None = None) -> ModelVersion:
        """Return the version that the alias points to now, or the one asked for."""
        from mlflow.exceptions import MlflowException

        try:
            with self._answering() as client:
                if version is not None:
                    found = self._trustworthy(client.get_model_version(model.name, str(version)))
                else:
                    found = self._trustworthy(client.get_model_version_by_alias(model.name, model.alias))
                return replace(found, environment=model.environment or found.environment)
        except MlflowException as error:
            wanted = f"version {version}" if version is not None else f"alias '{model.alias}'"
            raise self._missing(model.name, wanted) from error

    def versions(self, name: str) -> list[ModelVersion]:
        """List the versions of a model that a run may use, the newest first."""
        return [listed.model for listed in self.listed(name) if listed.model]

    def listed(self, name: str) -> list[ListedVersion]:
        """List all versions of a model, the newest first, those too that no run may use."""
        quoted = name.replace("'", "''")
        with self._answering() as client:
            numbers = sorted((int(v.version) for v in client.search_model_versions(f"name='{quoted}'")), reverse=True)
            return [self._listed(client.get_model_version(name, str(number))) for number in numbers]

    def adopt(self, name: str, version: int, *, trained_through: date | None = None) -> ModelVersion:
        """Write down that a version may be trusted as it is now, its files and its tags.

        With ``trained_through`` a version that others registered gets the tags that a run needs, from its files. Raises
        ModelRefused where it lacks something else, no run would load it, or it is known with other facts.
        """
        from mlflow.exceptions import MlflowException

        with self._answering() as client:
            try:
                there = client.get_model_version(name, str(version))
            except MlflowException as error:
                raise self._missing(name, f"version {version}") from error
            tags = {} if trained_through is None else self._told(there, trained_through)
            found = self._described(there)
        self.loader.try_out(found)
        with self._answering() as client:
            for tag in tags:
                client.set_model_version_tag(name, str(version), tag, tags[tag])
        self._trusted_versions.record(found, "adopted")
        return found

    def last_registered(self, name: str) -> datetime | None:
        """Return when the newest version of a model was registered, or None where there is none."""
        quoted = name.replace("'", "''")
        with self._answering() as client:
            stamps = [found.creation_timestamp for found in client.search_model_versions(f"name='{quoted}'")]
        return datetime.fromtimestamp(max(stamps) / 1000, UTC) if stamps else None

    def tagged(self, name: str, tag: str) -> list[tuple[ModelVersion, str]]:
        """List the versions of a model that have a tag, with its value, the newest first."""
        quoted = name.replace("'", "''")
        with self._answering() as client:
            found = client.search_model_versions(f"name='{quoted}'")
            newest = sorted((v for v in found if tag in v.tags), key=lambda v: -int(v.version))
            listed = [(self._listed(client.get_model_version(name, str(v.version))), v.tags[tag]) for v in newest]
            return [(version.model, value) for version, value in listed if version.model]

    def verify(self, model: ModelVersion) -> ModelVersion:
        """Refuse what ``Loader.verify`` refuses; return the version with what is in its own environment, if any."""
        return self.loader.verify(model)

    def load(self, model: ModelVersion) -> Any:
        """Verify a version and load it; types outside of the allow-list are refused before anything is opened."""
        return self.loader.load(model)

    def register(
        self,
        name: str,
        model: Any,
        sample: "pd.DataFrame",
        *,
        trained_through: date,
        record: TrainingRecord | None = None,
        method: str = "predict",
        score_profile: Mapping[str, list[float]] | None = None,
    ) -> ModelVersion:
        """Register a fitted model as a new version; ``sample`` are a few rows of its input, for the signature.

        ``record`` is what its run in MLflow tells of the training. ``score_profile`` is the spread of its scores on
        held-out days: bins and their weights.
        """
        from mlflow.exceptions import MlflowException

        record = record or TrainingRecord()
        libraries = library_versions()
        files = canonical(saved_files(model, sample, method, libraries))
        # Before anything is written: what no run would load is no version.
        refuse_untrusted(files[SKOPS], f"The model that was fitted for {name}")
        tags = {**record.tags, "trained_through": trained_through.isoformat()}
        unneeded = set(FAMILIES) - set(families(files[SKOPS]))
        tags |= {f"library.{name}": version for name, version in libraries.items() if name not in unneeded}
        with self._answering() as client:
            experiment = client.get_experiment_by_name(name)
            location = self._storage.experiment(name)
            experiment_id = (
                experiment.experiment_id if experiment else client.create_experiment(name, artifact_location=location)
            )
            run_id = replace(record, tags=tags).log(client, name, experiment_id, self._storage)
            uri = self._storage.keep(client, name, run_id, files, "model")
            client.set_terminated(run_id)
            try:
                client.create_registered_model(name)
            except MlflowException:
                client.get_registered_model(name)  # it is there already, or this says why not
            tags["digest"] = digest_of(files)
            if score_profile:
                tags["score_profile"] = json.dumps(score_profile)
            created = client.create_model_version(name, source=uri, run_id=run_id, tags=tags)
            registered = self._described(created)
        self._trusted_versions.record(registered, "registered")
        return registered

    def _told(self, there: "MlflowVersion", trained_through: date) -> dict[str, str]:
        """Complete the tags of a version that has none of Daybreak's, here and not yet in the registry."""
        called = f"{there.name} version {there.version}"
        if there.tags.get("digest"):
            raise ModelRefused(
                f"{called} says itself through which day it was trained ({there.tags.get('trained_through')}).",
                next_step=f"adopt it without: `daybreak adopt {there.name} --version {there.version}`.",
            )
        elsewhere = f"daybreak register {there.name} --from models:/{there.name}/{there.version} --trained-through DAY"
        read = self.artifacts.read
        tags = told_tags(called, self._source(there), self._storage.below, trained_through, elsewhere, read)
        there.tags.update(tags)
        return tags

    def _training(self, name: str) -> str:
        """Return the command that trains a model: that of its pipeline, which may have several."""
        return f"`daybreak train {self._pipelines.get(name, 'PIPELINE')}`"

    def _missing(self, name: str, wanted: str) -> ModelRefused:
        return ModelRefused(
            f"Model {name} has no {wanted}.",
            next_step=f"train one with {self._training(name)}, or see `daybreak models`.",
        )

    @contextmanager
    def _answering(self) -> "Iterator[MlflowClient]":
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

    def _listed(self, found: "MlflowVersion") -> ListedVersion:
        listed = ListedVersion(found.name, int(found.version), tuple(found.aliases), str(found.source))
        try:
            return replace(listed, model=self._trustworthy(found))
        except ModelRefused as error:
            return replace(listed, lacks=error.problem)

    def _trustworthy(self, found: "MlflowVersion") -> ModelVersion:
        described = self._described(found)
        self._trusted_versions.refuse_other(described)
        return described

    def _described(self, found: "MlflowVersion") -> ModelVersion:
        from mlflow.exceptions import MlflowException

        metrics: Mapping[str, float] = {}
        if found.run_id:
            # Whoever registered it may have removed the run that it came from.
            with suppress(MlflowException):
                metrics = self._client.get_run(found.run_id).data.metrics
        described = describe(
            found, self._source(found), self._storage.below, self._training(found.name), metrics, self.artifacts.read
        )
        return replace(described, environment=self._declared.get(found.name))

    def _source(self, found: "MlflowVersion") -> str:
        """Return where the files of a version are; MLflow 3 may say only which of its logged models it is."""
        if not str(found.source).startswith("models:/"):
            return str(found.source)
        return str(self._client.get_model_version_download_uri(found.name, str(found.version)))

    @property
    def _trusted_versions(self) -> TrustedVersions:
        if self._trusted is None:
            raise RuntimeError("This registry was opened to load what was resolved elsewhere.")
        return self._trusted
