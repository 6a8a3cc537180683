"""Which version scores which rows, decided once for a run. One version for all rows is the case of one segment."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from daybreak.batch.signature import Signature, alike
from daybreak.declaration.segments import OTHER
from daybreak.errors import ConfigurationError, ModelRefused
from daybreak.ledger.segments import RunSegment, SegmentCounts
from daybreak.models.version import ModelVersion, from_json, to_json


@dataclass(frozen=True)
class SegmentModels:
    """The version that scores each segment; that of all other rows, if there is one, stands under ``OTHER``.

    ``column`` says which segment a row is in, None where one version scores every row.
    """

    column: str | None
    versions: tuple[tuple[str | None, ModelVersion], ...]

    @staticmethod
    def of(version: ModelVersion) -> "SegmentModels":
        """Say that one version scores every row."""
        return SegmentModels(None, ((OTHER, version),))

    @property
    def by_segment(self) -> dict[str | None, ModelVersion]:
        """The versions by segment."""
        return dict(self.versions)

    @property
    def named(self) -> tuple[str, ...]:
        """The segments that have a name, in their order."""
        return tuple(segment for segment, _ in self.versions if segment is not OTHER)

    @property
    def required(self) -> tuple[str, tuple[str, ...]] | None:
        """The segment column and its segments, where the rows of any other have no model."""
        return None if self.column is None or OTHER in self.by_segment else (self.column, self.named)

    @property
    def single(self) -> ModelVersion:
        """The one version that scores every row; raise where each segment has its own."""
        if self.column is not None:
            raise ConfigurationError(
                "There is a model for each segment.", next_step="use a pipeline that has one model for all rows."
            )
        return self.by_segment[OTHER]

    @property
    def name(self) -> str | None:
        """The registered model, None where there are several."""
        return None if self.column else self.single.name

    @property
    def version(self) -> int | None:
        """Its version, None where there are several models."""
        return None if self.column else self.single.version

    @property
    def label(self) -> str:
        """The version, as people read it."""
        return "per segment" if self.column else str(self.version)

    @property
    def digest(self) -> str:
        """The version's digest, or SHA-256 over the segments and their models' digests."""
        if self.column is None:
            return self.single.digest
        lines = [f"{segment!r} {version.digest}\n" for segment, version in self.versions]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def trained_through(self) -> date:
        """The last day that any of the models has seen."""
        return max(version.trained_through for _, version in self.versions)

    @cached_property
    def signature(self) -> Signature:
        """All columns that any of the models takes."""
        columns: dict[str, str] = {}
        for _, version in self.versions:
            for column, kind in version.signature.columns:
                if not alike(columns.setdefault(column, kind), kind):
                    raise ModelRefused(
                        f"{version.name} version {version.version} takes {column} as {kind}, "
                        f"another segment's model as {columns[column]}.",
                        next_step="train all segments' models on columns of the same types.",
                    )
        return Signature(tuple(columns.items()))

    def each(self, seen_to: Callable[[ModelVersion], ModelVersion]) -> "SegmentModels":
        """Return what becomes of each version; one that serves several segments is seen to once."""
        seen = {(version.name, version.version): version for _, version in self.versions}
        seen = {which: seen_to(version) for which, version in seen.items()}
        versions = tuple((segment, seen[version.name, version.version]) for segment, version in self.versions)
        return SegmentModels(self.column, versions)

    def recorded(self, counts: Mapping[str | None, SegmentCounts] | None = None) -> list[RunSegment]:
        """Return what the ledger keeps of each segment, that of all other rows last, also where it has no model."""
        counted = counts or {}
        rows = [
            RunSegment(
                segment, v.name, v.version, v.digest, v.trained_through, counted.get(segment), list(v.packages) or None
            )
            for segment, v in self.versions
        ]
        return rows if OTHER in self.by_segment else [*rows, RunSegment(OTHER, counts=counted.get(OTHER))]

    def to_json(self) -> dict[str, Any]:
        """Turn the versions into what can travel between tasks."""
        return {
            "column": self.column,
            "versions": [[segment, to_json(version)] for segment, version in self.versions],
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "SegmentModels":
        """Read what ``to_json`` wrote."""
        return SegmentModels(
            value["column"], tuple((segment, from_json(version)) for segment, version in value["versions"])
        )
