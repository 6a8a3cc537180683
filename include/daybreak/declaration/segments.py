"""Segments: which registered model scores which rows. A single model is the case of one segment, that of all rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from daybreak.errors import ConfigurationError

# The segment of the rows that are in none of those that are named: all of them where there is one model.
OTHER = None
# Where a model is scored: in an environment of its own, or by what is installed here.
OWN, SAME = "own", "same"


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
    """A registered model and the alias that says which of its versions is used.

    ``environment`` says where it is scored: ``own``, by what its own requirements.txt names, or ``same``, by what is
    installed here or not at all. Unless it is said, versions that do not fit what is installed get one of their own.
    """

    name: str
    alias: str = "champion"
    environment: Literal["own", "same"] | None = None

    def __post_init__(self) -> None:
        if self.environment not in (None, OWN, SAME):
            raise ConfigurationError(
                f"Model {self.name} is declared to be in environment {self.environment!r}.",
                next_step='say environment="own" or environment="same", or leave it out.',
            )

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
