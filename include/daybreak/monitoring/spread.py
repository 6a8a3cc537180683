"""Spread: how values lie in the bins of a training's profile, beside the shares that lay there in training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Spread:
    """How many of the values lie in each bin, beside the share that lay there in training.

    ``labels`` name the bins or values; shares add up to one, or less where values lie outside of every bin.
    """

    labels: tuple[str, ...]
    training: tuple[float, ...]
    here: tuple[float, ...]
    looked_at: int

    @property
    def outside(self) -> float:
        """The share of what lies in no bin, since the training saw nothing like it."""
        return max(0.0, 1 - sum(self.here))

    @property
    def furthest(self) -> int:
        """The position of the bin whose share differs most from the training's."""
        apart = [abs(here - there) for here, there in zip(self.here, self.training, strict=True)]
        return apart.index(max(apart))


def labels_of(profile: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the bins or values of a profile."""
    if "values" in profile:
        return tuple(str(value) for value in profile["values"])
    return tuple(f"{low:,.4g} to {high:,.4g}" for low, high in pairwise(profile["bins"]))


def spread_of(profile: Mapping[str, Any], shares: Sequence[float], looked_at: int) -> Spread:
    """Put shares beside those of a profile."""
    return Spread(labels_of(profile), tuple(profile["weights"]), tuple(shares), looked_at)
