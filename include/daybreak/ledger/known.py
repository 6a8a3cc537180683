"""Partitions: what the ledger knows of each of a range: what of it is current, and how its last run ended."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from daybreak.declaration.partition import Partition
from daybreak.ledger.runs import Ledger
from daybreak.ledger.tables import publications, runs

# Of so many runs the mean says how long the next one takes.
_RECENT = 10


@dataclass(frozen=True)
class Known:
    """A partition: its current run, the last run that was opened for it, that run's state, and why it failed.

    ``outdated`` says, where that was asked, that its source has changed since the current run was planned.

    Where predictions are sent and not kept, the last run that has sent them is the current one.
    """

    partition: Partition
    current_run: int | None = None
    last_run: int | None = None
    state: str | None = None
    error: str | None = None
    outdated: bool = False

    @property
    def missing(self) -> bool:
        """Whether nothing of it is current, and nothing of it was sent."""
        return self.current_run is None

    @property
    def failed(self) -> bool:
        """Whether its last run failed."""
        return self.state == "failed"

    @property
    def says(self) -> str:
        """What there is of it, in words."""
        if self.failed:
            beside = f"; run {self.current_run} is current" if self.current_run else ""
            return f"run {self.last_run} failed{beside}: {self.error}"
        if self.missing:
            return "never run" if self.last_run is None else f"nothing published; run {self.last_run} is {self.state}"
        return f"run {self.current_run} is current{'; its source has changed since' if self.outdated else ''}"


def known_of(ledger: Ledger, pipeline: str, wanted: Sequence[Partition]) -> list[Known]:
    """Return what is known of each of the partitions, in their order."""
    keys = [partition.key for partition in wanted]
    current = sa.select(publications.c.partition_key, publications.c.run_id).where(
        publications.c.pipeline == pipeline,
        publications.c.partition_key.in_(keys),
        publications.c.withdrawn_at.is_(None),
    )
    sent = sa.func.max(runs.c.run_id).filter(runs.c.state == "pushed").over(partition_by=runs.c.partition_key)
    # Dry runs say nothing about what is there.
    last = (
        sa.select(runs.c.partition_key, sent, runs.c.run_id, runs.c.state, runs.c.error)
        .distinct(runs.c.partition_key)
        .where(
            runs.c.pipeline == pipeline,
            runs.c.partition_key.in_(keys),
            runs.c.state != "checked",
        )
        .order_by(runs.c.partition_key, runs.c.run_id.desc())
    )
    with ledger.warehouse.begin() as connection:
        published: dict[str, int] = dict(connection.execute(current).tuples().all())
        known = {key: row for key, *row in connection.execute(last)}
    found = []
    for partition in wanted:
        done, *opened = known.get(partition.key, (None,) * 4)
        found.append(Known(partition, published.get(partition.key, done), *opened))
    return found


def first_published(ledger: Ledger, pipeline: str) -> str | None:
    """Return the key of the first partition that was ever published, or sent."""
    done = sa.select(sa.func.min(runs.c.partition_key)).where(
        runs.c.pipeline == pipeline, runs.c.state.in_(("published", "superseded", "pushed", "not pushed"))
    )
    with ledger.warehouse.begin() as connection:
        found: str | None = connection.scalar(done)
    return found


def seconds_of_a_run(ledger: Ledger, pipeline: str) -> float | None:
    """Return how many seconds the last finished runs took on average, from plan to end."""
    took = sa.func.extract("epoch", runs.c.finished_at - runs.c.started_at)
    recent = (
        sa.select(took.label("seconds"))
        .where(runs.c.pipeline == pipeline, runs.c.state == "published")
        .order_by(runs.c.run_id.desc())
        .limit(_RECENT)
        .subquery()
    )
    with ledger.warehouse.begin() as connection:
        found = connection.scalar(sa.select(sa.func.avg(recent.c.seconds)))
    return None if found is None else float(found)
