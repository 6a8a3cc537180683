"""Found versions: what a registry says of a version, whichever way it was asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from daybreak.declaration.segments import ModelRef


@dataclass(frozen=True)
class FoundVersion:
    """A version as its registry has it; nothing of it is trusted yet.

    ``source`` is what it was registered with, and ``location`` where its files are: MLflow 3 may say only which of its
    logged models a version is.
    """

    name: str
    version: int
    source: str
    location: str
    run_id: str | None
    registered: datetime
    tags: Mapping[str, str]
    aliases: tuple[str, ...]


class Versions(Protocol):
    """What versions are looked up in: a registry's tables, or its client."""

    def get(self, name: str, version: int) -> FoundVersion | None:
        """Return one version of a model, or None."""

    def pointed_to(self, model: ModelRef) -> FoundVersion | None:
        """Return the version that the alias points to, or None."""

    def all(self, name: str) -> list[FoundVersion]:
        """List the versions of a model, the newest first."""

    def metrics(self, run_id: str) -> Mapping[str, float]:
        """Return the metrics of the run that a version came from; none where the run was removed."""
