"""Loading: a version that fits what is installed here is opened in this process, another in one of its own."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from daybreak.errors import ModelRefused, WorkerRefused
from daybreak.models.artifacts import SKOPS, Artifacts, Files, refuse_other_files
from daybreak.models.environments import Environment, Environments
from daybreak.models.opening import refuse_untrusted
from daybreak.models.requirements import Requirements, requirements_of
from daybreak.models.version import ModelVersion

if TYPE_CHECKING:
    from daybreak.models.own_model import OwnModel

log = logging.getLogger("daybreak")


@dataclass(frozen=True)
class OwnEnvironments:
    """What models may have environments of their own, and how they are asked there.

    ``pickled`` are the models that may be opened by what runs code of their writer's; ``seconds`` is the longest wait
    for an answer.
    """

    environments: Environments
    pickled: tuple[str, ...] = ()
    seconds: float = 600


class Loader:
    """Verify and load versions; without ``own`` none but those that fit what is installed here.

    ``training`` names the command that trains a model.
    """

    def __init__(self, artifacts: Artifacts, own: OwnEnvironments | None, training: Callable[[str], str]) -> None:
        self.artifacts = artifacts
        self._own = own
        self._training = training
        self._told: set[str] = set()

    def verify(self, model: ModelVersion) -> ModelVersion:
        """Refuse an artifact that was changed; return the version with the packages of its own environment, if any.

        That is installed if need be. Raises ModelRefused where the version cannot be loaded here at all.
        """
        self.artifacts.verify(model)
        why = self._elsewhere(model)
        if why is None:
            return model
        self._refuse_code(model, self.artifacts.files(model))
        # Once, however many days of a backfill are planned.
        if _called(model) not in self._told:
            self._told.add(_called(model))
            # After an upgrade it is worth a look: one may want to train again.
            level = logging.WARNING if model.misfit and not model.by_mlflow else logging.INFO
            log.log(level, "%s %s: it is scored in its own environment.", _called(model), why)
        return replace(model, packages=self.environment(model).packages)

    def load(self, model: ModelVersion) -> Any:
        """Verify and load a version: what ``models.asking`` asks, in this process or in one of its own."""
        if self._elsewhere(model) is None:
            return self.artifacts.load(model)
        return self._loaded(model)

    def try_out(self, model: ModelVersion) -> None:
        """Refuse a version that no run could load, by loading it."""
        loaded = self.load(model)
        if self._elsewhere(model):
            try:
                loaded.wait()
            finally:
                loaded.close()

    def required(self, model: ModelVersion) -> Requirements:
        """Return what a version's own environment is made of."""
        return _required(model, self.artifacts.files(model))

    def environment(self, model: ModelVersion, progress: Callable[[str], None] = lambda step: None) -> Environment:
        """Return a version's own environment, installed if need be."""
        return self._environments.of(self.required(model), _called(model), progress)

    def installed(self, model: ModelVersion) -> Environment | None:
        """Return a version's own environment if it is installed already."""
        return self._environments.installed(self.required(model))

    def _loaded(self, model: ModelVersion) -> "OwnModel":
        from daybreak.models.own_model import OwnModel

        files = self.artifacts.files(model)
        self._refuse_code(model, files)
        environment = self._environments.of(_required(model, files), _called(model))
        if model.packages and model.packages != environment.packages:
            differs = sorted(set(model.packages) ^ set(environment.packages))
            raise WorkerRefused(
                f"The environment of {_called(model)} is not the one that the run was planned with: "
                f"{', '.join(differs[:6])} differs.",
                next_step=f"remove {environment.folder}, or clear the whole run, plan included.",
            )
        return OwnModel(model, files, environment, self._own.seconds if self._own else 0)

    def _refuse_code(self, model: ModelVersion, files: Files) -> None:
        """Refuse what a process of its own does not make harmless: it runs as we do."""
        if not model.by_mlflow:
            refuse_other_files(model, files)
            minor = ".".join(model.libraries.get("scikit-learn", "").split(".")[:2])
            refuse_untrusted(files[SKOPS], f"The artifact of {_called(model)}", minor)
        elif self._own is None or model.name not in self._own.pickled:
            raise ModelRefused(
                f"{_called(model)} is a model of {model.flavor}: to load it runs whatever its writer put into it.",
                next_step=f"if you trust its writer, set DAYBREAK_PICKLED_MODELS={model.name} where runs are; one that "
                f"was saved as a skops file can be copied instead: `daybreak register {model.name} --from "
                f"models:/{model.name}/{model.version} --trained-through DAY --sample FILE`.",
            )

    def _elsewhere(self, model: ModelVersion) -> str | None:
        why = model.elsewhere
        if (why is None and model.misfit) or (model.misfit and self._own is None):
            raise ModelRefused(
                f"{_called(model)} {model.misfit}.",
                next_step=f"train it again with {self._training(model.name)}, or let it have an environment of its "
                f'own: ModelRef("{model.name}", environment="own").',
            )
        return why if self._own else None

    @property
    def _environments(self) -> Environments:
        if self._own is None:
            raise RuntimeError("This registry was opened to load what fits here.")
        return self._own.environments


def _called(model: ModelVersion) -> str:
    return f"{model.name} version {model.version}"


def _required(model: ModelVersion, files: Files) -> Requirements:
    return requirements_of(files, model.libraries, _called(model), by_mlflow=model.by_mlflow)
