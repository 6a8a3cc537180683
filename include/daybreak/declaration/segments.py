"""Segments: which registered model scores which rows. A single model is the case of one segment, that of all rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# The segment of the rows that are in none of those that are named: all of them where there is one model.
OTHER = None


@dataclass(frozen=True)
class Segments:
    """The registered models of a pipeline by segment; that of all other rows, if any, stands under ``OTHER``.

    ``column`` of extract.sql says which segment a row is in, None where one model scores all. ``max_failed_share``
    holds the error budgets that differ from the pipeline's.
    """

    column: str | None
    refs: "Mapping[str | None, ModelRef]"
    max_failed_share: Mapping[str | None, float] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that say which model a row goes to: one, or none."""
        return () if self.column is None else (self.column,)

    @property
    def named(self) -> tuple[str, ...]:
        """The segments that have a name, in their order."""
        return tuple(segment for segment in self.refs if segment is not OTHER)

    def served_by(self, model: str) -> tuple[str | None, ...]:
        """Return the segments whose rows a registered model scores."""
        return tuple(segment for segment, ref in self.refs.items() if ref.name == model)


@dataclass(frozen=True)
class ModelRef:
    """A registered model and the alias that says which of its versions is used."""

    name: str
    alias: str = "champion"

    @property
    def segments(self) -> Segments:
        """Say that this model scores every row."""
        return Segments(None, {OTHER: self})


@dataclass(frozen=True)
class PerSegment:
    """A registered model for each segment; ``column`` of extract.sql says which segment a row is in.

    Rows of another segment, or of none, go to ``fallback``; without one they are quarantined. ``max_failed_share``
    gives a segment an error budget other than the pipeline's; the fallback's has the key ``None``.
    """

    column: str
    models: Mapping[str, ModelRef]
    fallback: ModelRef | None = None
    max_failed_share: Mapping[str | None, float] = field(default_factory=dict)

    @property
    def segments(self) -> Segments:
        """Say which model scores which segment, the fallback all others."""
        refs: dict[str | None, ModelRef] = dict(self.models.items())
        if self.fallback is not None:
            refs[OTHER] = self.fallback
        return Segments(self.column, refs, self.max_failed_share)
