"""Model versions: what a run must know of one, and how it travels between tasks."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from typing import Any

from daybreak.batch.signature import Signature
from daybreak.declaration.segments import OWN, SAME
from daybreak.models.trusted import FAMILIES

# Libraries whose version decides what a model computes; the first must agree in major and minor version.
LIBRARIES = ("scikit-learn", "numpy", "pandas", "pyarrow", "skops")
# Those that a model is served with; the others are around it here only.
NEEDED = ("scikit-learn", "numpy", "pandas", "skops")
# The flavor whose files are read without MLflow.
NATIVE = "sklearn"


@dataclass(frozen=True)
class ModelVersion:
    """One registered version, with what a run must know of it.

    ``environment`` is what its reference declares of where it is scored, ``flavor`` what MLflow calls its kind.
    ``packages`` are those of its own environment once a run is planned on it, as they were installed then.
    """

    name: str
    version: int
    uri: str
    digest: str
    trained_through: date
    libraries: dict[str, str]
    signature: Signature
    metrics: dict[str, float]
    score_profile: dict[str, list[float]] | None = None
    aliases: tuple[str, ...] = ()
    environment: str | None = None
    flavor: str = NATIVE
    packages: tuple[str, ...] = ()

    @property
    def by_mlflow(self) -> bool:
        """Whether nobody but MLflow knows how to load it."""
        return self.flavor != NATIVE

    @property
    def misfit(self) -> str | None:
        """Say why it cannot be scored by the libraries that are installed here; None where it can."""
        if self.by_mlflow:
            return f"is a model of {self.flavor}, which MLflow alone loads"
        trained, here = self.libraries.get("scikit-learn", ""), library_versions()["scikit-learn"]
        if trained.split(".")[:2] != here.split(".")[:2]:
            return f"was trained with scikit-learn {trained}, here is {here}"
        return None

    @property
    def elsewhere(self) -> str | None:
        """Say why it is scored in an environment of its own; None where it is scored in this process."""
        if self.environment == SAME:
            return None
        return self.misfit or ("is declared to be in an environment of its own" if self.environment == OWN else None)

    @property
    def label(self) -> str:
        """The version, as people read it."""
        return str(self.version)


def to_json(model: ModelVersion) -> dict[str, Any]:
    """Turn a version into what can travel between tasks."""
    return asdict(model) | {"trained_through": model.trained_through.isoformat()}


def from_json(value: Mapping[str, Any]) -> ModelVersion:
    """Read what ``to_json`` wrote."""
    columns = tuple((str(n), str(k)) for n, k in value["signature"]["columns"])
    return ModelVersion(
        **{
            **value,
            "trained_through": date.fromisoformat(value["trained_through"]),
            "signature": Signature(columns),
            "aliases": tuple(value["aliases"]),
            "packages": tuple(value["packages"]),
        }
    )


def library_versions() -> dict[str, str]:
    """Return the installed versions of the libraries that decide what a model computes, extras where they are there."""
    return dict(_library_versions())


# Reading what is installed takes as long as planning does, and does not change while a process lives.
@cache
def _library_versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {name: version(name) for name in LIBRARIES}
    for name in FAMILIES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
