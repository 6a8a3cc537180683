"""The model registry: versions from its tables or by MLflow's client, artifacts in a folder or object store.

A version carries what a run needs of it: the digest of its artifact, its signature, the last day it has seen and the
versions of the libraries that trained it. They are compared with what Daybreak wrote down itself, and runs copy them,
so that a planned run needs the registry no more.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from daybreak.declaration.segments import ModelRef
from daybreak.errors import ModelRefused
from daybreak.models.adopting import told_tags
from daybreak.models.artifacts import SKOPS, Artifacts, digest_of
from daybreak.models.canonical import canonical
from daybreak.models.describing import ListedVersion, describe
from daybreak.models.found import FoundVersion, Versions
from daybreak.models.loading import Loader, OwnEnvironments
from daybreak.models.opening import refuse_untrusted
from daybreak.models.registry_client import AskedVersions, RegistryClient
from daybreak.models.saving import saved_files
from daybreak.models.storage import Storage
from daybreak.models.training_record import TrainingRecord
from daybreak.models.trusted import FAMILIES
from daybreak.models.trusted_versions import TrustedVersions
from daybreak.models.version import ModelVersion, library_versions

if TYPE_CHECKING:
    import pandas as pd


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
        versions: Versions | None = None,
        own: OwnEnvironments | None = None,
        declared: Mapping[str, str | None] | None = None,
    ) -> None:
        self._client = RegistryClient(url)
        self._found = versions or AskedVersions(self._client)
        self._storage = storage
        self.artifacts = artifacts
        self._pipelines = pipelines or {}
        self._trusted = trusted
        self._declared = declared or {}
        self.loader = Loader(artifacts, own, self._training)

    def resolve(self, model: ModelRef, version: int | None = None) -> ModelVersion:
        """Return the version that the alias points to now, or the one asked for."""
        found = self._get(model.name, version) if version is not None else self._found.pointed_to(model)
        if found is None:
            raise self._missing(model.name, f"alias '{model.alias}'")
        trusted = self._trustworthy(found)
        return replace(trusted, environment=model.environment or trusted.environment)

    def versions(self, name: str) -> list[ModelVersion]:
        """List the versions of a model that a run may use, the newest first."""
        return [listed.model for listed in self.listed(name) if listed.model]

    def listed(self, name: str) -> list[ListedVersion]:
        """List all versions of a model, the newest first, those too that no run may use."""
        return [self._listed(found) for found in self._found.all(name)]

    def adopt(self, name: str, version: int, *, trained_through: date | None = None) -> ModelVersion:
        """Write down that a version may be trusted as it is now, its files and its tags.

        With ``trained_through`` a version that others registered gets the tags that a run needs, from its files. Raises
        ModelRefused where it lacks something else, no run would load it, or it is known with other facts.
        """
        there = self._get(name, version)
        tags = {} if trained_through is None else self._told(there, trained_through)
        found = self._described(replace(there, tags={**there.tags, **tags}))
        self.loader.try_out(found)
        if tags:
            with self._client.answering() as client:
                for tag in tags:
                    client.set_model_version_tag(name, str(version), tag, tags[tag])
        self._trusted_versions.record(found, "adopted")
        return found

    def last_registered(self, name: str) -> datetime | None:
        """Return when the newest version of a model was registered, or None where there is none."""
        return max((found.registered for found in self._found.all(name)), default=None)

    def tagged(self, name: str, tag: str) -> list[tuple[ModelVersion, str]]:
        """List the versions of a model that have a tag, with its value, the newest first."""
        listed = [(self._listed(found), found.tags[tag]) for found in self._found.all(name) if tag in found.tags]
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
        judged = refuse_untrusted(files[SKOPS], f"The model that was fitted for {name}")
        tags = {**record.tags, "trained_through": trained_through.isoformat()}
        unneeded = set(FAMILIES) - set(judged.families)
        tags |= {f"library.{name}": version for name, version in libraries.items() if name not in unneeded}
        with self._client.answering() as client:
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
        registered = self._described(self._get(name, int(created.version)))
        self._trusted_versions.record(registered, "registered")
        return registered

    def _told(self, there: FoundVersion, trained_through: date) -> dict[str, str]:
        """Complete the tags of a version that has none of Daybreak's, not yet in the registry."""
        called = f"{there.name} version {there.version}"
        if there.tags.get("digest"):
            raise ModelRefused(
                f"{called} says itself through which day it was trained ({there.tags.get('trained_through')}).",
                next_step=f"adopt it without: `daybreak adopt {there.name} --version {there.version}`.",
            )
        elsewhere = f"daybreak register {there.name} --from models:/{there.name}/{there.version} --trained-through DAY"
        read = self.artifacts.read
        return told_tags(called, there.location, self._storage.below, trained_through, elsewhere, read)

    def _training(self, name: str) -> str:
        """Return the command that trains a model: that of its pipeline, which may have several."""
        return f"`daybreak train {self._pipelines.get(name, 'PIPELINE')}`"

    def _missing(self, name: str, wanted: str) -> ModelRefused:
        return ModelRefused(
            f"Model {name} has no {wanted}.",
            next_step=f"train one with {self._training(name)}, or make one of `daybreak models` the champion: "
            f"`daybreak promote {self._pipelines.get(name, 'PIPELINE')} --version N`.",
        )

    def _get(self, name: str, version: int) -> FoundVersion:
        if found := self._found.get(name, version):
            return found
        raise self._missing(name, f"version {version}")

    def _listed(self, found: FoundVersion) -> ListedVersion:
        listed = ListedVersion(found.name, found.version, found.aliases, found.source)
        try:
            return replace(listed, model=self._trustworthy(found))
        except ModelRefused as error:
            return replace(listed, lacks=error.problem)

    def _trustworthy(self, found: FoundVersion) -> ModelVersion:
        described = self._described(found)
        self._trusted_versions.refuse_other(described)
        return described

    def _described(self, found: FoundVersion) -> ModelVersion:
        metrics = self._found.metrics(found.run_id) if found.run_id else {}
        described = describe(found, self._storage.below, self._training(found.name), metrics, self.artifacts.read)
        return replace(described, environment=self._declared.get(found.name))

    @property
    def _trusted_versions(self) -> TrustedVersions:
        if self._trusted is None:
            raise RuntimeError("This registry was opened to load what was resolved elsewhere.")
        return self._trusted
