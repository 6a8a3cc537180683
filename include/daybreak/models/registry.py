"""The model registry: MLflow's client straight on its SQL store, artifacts in a folder or object store.

A version carries what a run needs to trust it: the digest of its artifact, its signature, the last day it has seen and
the versions of the libraries that trained it. Runs copy these, so that a planned run needs the registry no more.
"""

import json
import logging
import warnings
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from daybreak.batch.signature import Signature
from daybreak.declaration.segments import ModelRef
from daybreak.errors import ModelRefused, WarehouseUnavailable
from daybreak.models.artifacts import SKOPS, Artifacts, Files, digest_of, refuse_untrusted
from daybreak.models.canonical import canonical
from daybreak.models.training_record import TrainingRecord
from daybreak.models.version import NEEDED, ModelVersion, library_versions
from daybreak.warehouse.database import with_driver
from daybreak.warehouse.faults import is_transient

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion


class Registry:
    """Resolve, verify, load and register models; ``pipelines`` names the pipeline that trains each model."""

    def __init__(
        self, url: str, storage: str, artifacts: Artifacts, pipelines: Mapping[str, str] | None = None
    ) -> None:
        self._url = with_driver(url)
        self._storage = storage
        self.artifacts = artifacts
        self._pipelines = pipelines or {}

    @cached_property
    def _client(self) -> "MlflowClient":
        from mlflow import MlflowClient

        # After the import, which sets up its own.
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._refuse_silence()
        return MlflowClient(self._url, self._url)

    def resolve(self, model: ModelRef, version: int | None = None) -> ModelVersion:
        """Return the version that the alias points to now, or the one asked for."""
        from mlflow.exceptions import MlflowException

        try:
            if version is not None:
                return self._described(self._client.get_model_version(model.name, str(version)))
            return self._described(self._client.get_model_version_by_alias(model.name, model.alias))
        except MlflowException as error:
            if is_transient(error):
                raise WarehouseUnavailable(
                    "The model registry did not answer.", next_step="it is tried again."
                ) from error
            wanted = f"version {version}" if version is not None else f"alias '{model.alias}'"
            raise ModelRefused(
                f"Model {model.name} has no {wanted}.",
                next_step=f"train one with {self._training(model.name)}, or see `daybreak models`.",
            ) from error

    def versions(self, name: str) -> list[ModelVersion]:
        """List a model's versions, the newest first."""
        quoted = name.replace("'", "''")
        found = self._client.search_model_versions(f"name='{quoted}'")
        described = [self._described(self._client.get_model_version(name, str(v.version))) for v in found]
        return sorted(described, key=lambda v: -v.version)

    def last_registered(self, name: str) -> datetime | None:
        """Return when the newest version of a model was registered, or None where there is none."""
        quoted = name.replace("'", "''")
        stamps = [found.creation_timestamp for found in self._client.search_model_versions(f"name='{quoted}'")]
        return datetime.fromtimestamp(max(stamps) / 1000, UTC) if stamps else None

    def tagged(self, name: str, tag: str) -> list[tuple[ModelVersion, str]]:
        """List the versions of a model that have a tag, with its value, the newest first."""
        quoted = name.replace("'", "''")
        found = self._client.search_model_versions(f"name='{quoted}'")
        newest = sorted((v for v in found if tag in v.tags), key=lambda v: -int(v.version))
        return [(self._described(self._client.get_model_version(name, str(v.version))), v.tags[tag]) for v in newest]

    def verify(self, model: ModelVersion) -> None:
        """Refuse an artifact that was changed and an environment that the model was not trained in."""
        self.artifacts.verify(model)
        self._refuse_other_environment(model)

    def load(self, model: ModelVersion) -> Any:
        """Verify a version and load it; types outside of the allow-list are refused before anything is opened."""
        self._refuse_other_environment(model)
        return self.artifacts.load(model)

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
        from upath import UPath

        record = record or TrainingRecord()
        libraries = library_versions()
        files = canonical(saved_files(model, sample, method, libraries))
        # Before anything is written: what no run would load is no version.
        refuse_untrusted(files[SKOPS], f"The model that was fitted for {name}")
        tags = {**record.tags, "trained_through": trained_through.isoformat()}
        tags |= {f"library.{package}": version for package, version in libraries.items()}
        experiment = self._client.get_experiment_by_name(name)
        artifacts = f"{self._storage}/{name}"
        experiment_id = (
            experiment.experiment_id
            if experiment
            else self._client.create_experiment(name, artifact_location=artifacts)
        )
        run_id = replace(record, tags=tags).log(self._client, experiment_id, artifacts)
        uri = f"{artifacts}/{run_id}/artifacts/model"
        for file, content in files.items():
            target = UPath(uri) / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        self._client.set_terminated(run_id)
        try:
            self._client.create_registered_model(name)
        except MlflowException:
            self._client.get_registered_model(name)  # it is there already, or this says why not
        tags["digest"] = digest_of(files)
        if score_profile:
            tags["score_profile"] = json.dumps(score_profile)
        created = self._client.create_model_version(name, source=uri, run_id=run_id, tags=tags)
        return self._described(created)

    def _training(self, name: str) -> str:
        """Return the command that trains a model: that of its pipeline, which may have several."""
        return f"`daybreak train {self._pipelines.get(name, 'PIPELINE')}`"

    def _refuse_other_environment(self, model: ModelVersion) -> None:
        trained, here = model.libraries.get("scikit-learn", ""), library_versions()["scikit-learn"]
        if trained.split(".")[:2] != here.split(".")[:2]:
            raise ModelRefused(
                f"{model.name} version {model.version} was trained with scikit-learn {trained}, here is {here}.",
                next_step=f"train it again with {self._training(model.name)}, or install scikit-learn {trained}.",
            )

    def _refuse_silence(self) -> None:
        # MLflow tries a store that does not answer again for minutes, and says so at length.
        if not self._url.startswith("postgresql"):
            return
        engine = sa.create_engine(self._url, poolclass=sa.NullPool)
        try:
            engine.connect().close()
        except sa.exc.OperationalError as error:
            raise WarehouseUnavailable(
                "The model registry's database did not answer.",
                next_step="it is tried again; if it lasts, check that the database is up (`daybreak local status`).",
            ) from error

    def _described(self, found: "MlflowVersion") -> ModelVersion:
        tags = found.tags
        if "digest" not in tags or "trained_through" not in tags:
            raise ModelRefused(
                f"{found.name} version {found.version} was not registered by Daybreak: it has no digest.",
                next_step=f"register it through {self._training(found.name)}.",
            )
        return ModelVersion(
            name=found.name,
            version=int(found.version),
            uri=str(found.source),
            digest=tags["digest"],
            trained_through=date.fromisoformat(tags["trained_through"]),
            libraries={k.removeprefix("library."): v for k, v in tags.items() if k.startswith("library.")},
            signature=_signature(str(found.source)),
            score_profile=json.loads(tags["score_profile"]) if "score_profile" in tags else None,
            metrics=dict(self._client.get_run(found.run_id).data.metrics) if found.run_id else {},
            aliases=tuple(found.aliases),
        )


def saved_files(model: Any, sample: "pd.DataFrame", method: str, libraries: Mapping[str, str]) -> Files:
    """Save a model as MLflow and skops do, and return the files."""
    import mlflow.sklearn
    import skops.io
    from mlflow.models import infer_signature

    with TemporaryDirectory() as folder, warnings.catch_warnings():
        # Integer columns that turn out to have nulls are conformed before they reach the model.
        warnings.filterwarnings("ignore", message=".*Inferred schema contains integer column.*")
        mlflow.sklearn.save_model(
            model,
            f"{folder}/model",
            serialization_format="skops",
            signature=infer_signature(sample, getattr(model, method)(sample)),
            pyfunc_predict_fn=method,
            pip_requirements=[f"{package}=={libraries[package]}" for package in NEEDED],
            skops_trusted_types=skops.io.get_untrusted_types(data=skops.io.dumps(model)),
        )
        return {path.name: path.read_bytes() for path in Path(folder, "model").iterdir()}


def _signature(uri: str) -> Signature:
    import yaml
    from upath import UPath

    try:
        described = yaml.safe_load((UPath(uri) / "MLmodel").read_text())
        inputs = json.loads(described["signature"]["inputs"])
    except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError):
        # A file that was tampered with is refused by its digest, with a better message than this could give.
        return Signature(())
    return Signature(tuple((column["name"], column["type"]) for column in inputs))
