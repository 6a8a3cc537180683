"""Backfill: which partitions of a range are to be run, why, with which model version, and about how long it takes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat, takewhile

from daybreak.declaration.partition import Partition
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import DaybreakError, PartitionRefused
from daybreak.ledger.known import Known, first_published, known_of, seconds_of_a_run
from daybreak.run.backfill_policy import AS_OF, VersionThen, policy_of
from daybreak.run.landing import refuse_uncovered
from daybreak.run.plan import query_binds
from daybreak.run.resolve import resolve_model
from daybreak.run.source_state import see_outdated
from daybreak.warehouse.derived_queries import COVERAGE
from daybreak.workspace import Workspace

MISSING, FAILED, OUTDATED = "missing", "failed", "outdated"


@dataclass(frozen=True)
class Due:
    """A partition that is to be run: why, and the model versions that would score it, or why there are none."""

    partition: Partition
    why: str
    model: str
    refused: bool


def choose_partitions(
    workspace: Workspace, pipeline: Pipeline, wanted: Sequence[Partition], only: Collection[str]
) -> list[Known]:
    """Return what is known of the partitions that are to be run: all, or those that are missing, failed or outdated.

    One is missing where nothing of it is current, has failed where its last run has, whatever is current, and is
    outdated where its source has changed since the current run was planned.
    """
    found = known_of(workspace.ledger, pipeline.name, wanted)
    if OUTDATED in only:
        found = see_outdated(workspace, pipeline, found)
    return [one for one in found if not only or any(getattr(one, what) for what in only)]


def partitions_to_run(workspace: Workspace, pipeline: Pipeline, only: Collection[str]) -> list[Known]:
    """Return the partitions that are missing, failed or outdated, from the first published to the last complete one."""
    first = first_published(workspace.ledger, pipeline.name)
    last = pipeline.calendar.last_complete(datetime.now(UTC) - pipeline.ready_after)
    if first is None or first > last.key:
        return []
    calendar = pipeline.calendar
    return choose_partitions(workspace, pipeline, calendar.open_between(calendar.partition(first), last), only)


def leave_out(
    workspace: Workspace, pipeline: Pipeline, wanted: Sequence[Partition]
) -> tuple[list[Partition], list[PartitionRefused]]:
    """Leave out what lies before the source's history or after its last day, or is not over; say why once for each end.

    A single partition is left to its run, which writes the refusal down: of years nobody wants to read as many lines.
    """
    queries, now = workspace.queries(pipeline), datetime.now(UTC)
    asks = queries.has(COVERAGE) and set(queries.file(COVERAGE).binds) <= {"timezone"} and len(wanted) > 1
    try:
        covered = queries.coverage(query_binds(wanted[0])) if asks else None
    except DaybreakError as error:
        raise error.located(pipeline.name, f"{wanted[0].key} to {wanted[-1].key}") from error.__cause__

    def refused(partition: Partition) -> PartitionRefused | None:
        try:
            pipeline.calendar.resolve(partition.key, as_of=now, now=now)
            if covered is not None and covered.days is None:
                refuse_uncovered(covered, pipeline, partition)
        except PartitionRefused as error:
            return error
        return None

    before = list(takewhile(refused, wanted))
    after = list(takewhile(refused, reversed(wanted[len(before) :])))[::-1]
    told = [(block, refused(block[nearest])) for block, nearest in ((before, -1), (after, 0)) if len(block) > 1]
    left_out = {partition for block, _ in told for partition in block}
    return [partition for partition in wanted if partition not in left_out], [
        PartitionRefused(
            f"{len(block):,} partitions are left out. {why.problem}",
            next_step=why.next_step,
            pipeline=pipeline.name,
            partition=f"{block[0].key} to {block[-1].key}",
        )
        for block, why in told
        if why
    ]


def plan_backfill(
    workspace: Workspace, pipeline: Pipeline, chosen: Sequence[Known], version: int | None, policy: str | None
) -> list[Due]:
    """Say of each partition why and with which versions it would be run; nothing is opened and nothing is run."""
    asked = policy_of(pipeline, "backfill", policy)
    named = version or (asked if isinstance(asked, int) else None)

    def resolved(one: Known) -> tuple[str, bool]:
        then = VersionThen(workspace.aliases, one.partition, asked)
        try:
            return resolve_model(workspace.registry, pipeline, {}, named, then).label, False
        except DaybreakError as error:
            return error.problem, True

    # Only what was in force then differs from one to the next.
    each = map(resolved, chosen) if asked == AS_OF else repeat(resolved(chosen[0]) if chosen else ("", True))
    return [Due(one.partition, one.says, *model) for one, model in zip(chosen, each, strict=False)]


def expected_seconds(workspace: Workspace, pipeline: Pipeline, count: int) -> float | None:
    """Return about how long so many partitions take, after the last runs; None where none was run yet."""
    one = seconds_of_a_run(workspace.ledger, pipeline.name)
    return None if one is None else one * count
