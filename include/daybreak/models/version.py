"""Model versions: what a run must know of one, and how it travels between tasks."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from typing import Any

from daybreak.batch.signature import Signature
from daybreak.models.trusted import FAMILIES

# Libraries whose version decides what a model computes; the first must agree in major and minor version.
LIBRARIES = ("scikit-learn", "numpy", "pandas", "pyarrow", "skops")
# Those that a model is served with; the others are around it here only.
NEEDED = ("scikit-learn", "numpy", "pandas", "skops")


@dataclass(frozen=True)
class ModelVersion:
    """One registered version, with what a run must know of it."""

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
