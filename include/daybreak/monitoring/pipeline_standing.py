"""Pipeline standing: one pipeline's last partitions, its model, its error and drift, and what is open."""

from dataclasses import dataclass
from datetime import datetime

from daybreak.monitoring.partition_standing import PartitionStanding
from daybreak.monitoring.usual import Measured


@dataclass(frozen=True)
class LastError:
    """What was measured last, beside what training measured on its held-out days; None where that was not kept."""

    metric: str
    partition: str
    value: float
    trained: float | None


@dataclass(frozen=True)
class Drifted:
    """How many columns of a partition were held against their training, and how many are spread otherwise."""

    partition: str
    columns: int
    drifted: int


@dataclass(frozen=True)
class Open:
    """Chunks of a partition that are not known to have arrived."""

    partition: str
    chunks: int
    items: int
    attempts: int
    opened_at: datetime


@dataclass(frozen=True)
class Challenger:
    """A version that waits to be judged against the champion."""

    model: str
    version: int
    since: datetime


@dataclass(frozen=True)
class Crossed:
    """What the last measurements say of a model that has crossed a declared threshold.

    ``errors`` and ``drifts`` are in words. ``trained_at`` is when a version came of it, ``held_back`` why none was
    asked for.
    """

    partition: str
    errors: tuple[str, ...]
    drifts: tuple[str, ...]
    held_back: str | None
    requested_at: datetime
    trained_at: datetime | None


@dataclass(frozen=True)
class Approval:
    """A version that passed its checks, and that a person was asked to approve."""

    model: str
    version: int
    asked_by: str
    asked_at: datetime


@dataclass(frozen=True)
class PipelineStanding:
    """One pipeline at a moment; ``partitions`` are the last ones that are over, the oldest first.

    ``used`` says that it ever had a run or a model: of what nobody has begun to use nothing is owed.
    ``measured`` is what the expected partition was like beside what is usual, where it is there.
    ``next_key`` is the first partition that is not over, ``next_run`` when its run starts, ``next_due`` by when it is
    promised.
    """

    name: str
    title: str
    timezone: str
    every: str
    pushes: bool
    upstream: str | None
    partitions: tuple[PartitionStanding, ...]
    usual_quarantined_share: float | None
    last_error: LastError | None
    drift: Drifted | None
    open: tuple[Open, ...]
    challengers: tuple[Challenger, ...]
    next_key: str
    next_run: datetime
    next_due: datetime | None
    used: bool = True
    measured: tuple[Measured, ...] = ()
    crossed: Crossed | None = None
    approvals: tuple[Approval, ...] = ()

    @property
    def expected(self) -> PartitionStanding:
        """The last partition that is over on which something is to be expected."""
        return next(one for one in reversed(self.partitions) if one.is_open)
