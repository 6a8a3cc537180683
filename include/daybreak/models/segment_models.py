"""Which version scores which segment, decided once for a run."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from daybreak.batch.signature import Signature
from daybreak.errors import ModelRefused
from daybreak.models.registry import ModelVersion, from_json, to_json

# What a row's segment is where no model was declared for it; the fallback's, if there is one.
OTHER = None


@dataclass(frozen=True)
class SegmentModels:
    """The version that scores each segment; ``fallback`` scores all other rows, which without it have no model."""

    column: str
    versions: tuple[tuple[str, ModelVersion], ...]
    fallback: ModelVersion | None

    # As of one model: what a run writes down of what it used.
    name = None
    version = None
    label = "per segment"

    @property
    def by_segment(self) -> dict[str | None, ModelVersion]:
        """The versions by segment, the fallback under None."""
        versions: dict[str | None, ModelVersion] = dict(self.versions)
        return versions if self.fallback is None else {**versions, OTHER: self.fallback}

    @property
    def digest(self) -> str:
        """SHA-256 over the segments and their models' digests."""
        lines = [f"{segment!r} {version.digest}\n" for segment, version in self.by_segment.items()]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def trained_through(self) -> date:
        """The last day that any of the models has seen."""
        return max(version.trained_through for version in self.by_segment.values())

    @cached_property
    def signature(self) -> Signature:
        """All columns that any of the models takes."""
        columns: dict[str, str] = {}
        for version in self.by_segment.values():
            for column, kind in version.signature.columns:
                if columns.setdefault(column, kind) != kind:
                    raise ModelRefused(
                        f"{version.name} version {version.version} takes {column} as {kind}, "
                        f"another segment's model as {columns[column]}.",
                        next_step="train all segments' models on columns of the same types.",
                    )
        return Signature(tuple(columns.items()))

    def to_json(self) -> dict[str, Any]:
        """Turn the versions into what can travel between tasks."""
        return {
            "column": self.column,
            "versions": [[segment, to_json(version)] for segment, version in self.versions],
            "fallback": None if self.fallback is None else to_json(self.fallback),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "SegmentModels":
        """Read what ``to_json`` wrote."""
        fallback = value["fallback"]
        return SegmentModels(
            value["column"],
            tuple((segment, from_json(version)) for segment, version in value["versions"]),
            None if fallback is None else from_json(fallback),
        )


def by_segment(model: ModelVersion | SegmentModels) -> dict[str | None, ModelVersion]:
    """Return the versions by segment; the one that scores all rows under None."""
    return model.by_segment if isinstance(model, SegmentModels) else {OTHER: model}
