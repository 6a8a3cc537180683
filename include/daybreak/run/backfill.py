"""Backfill: which days of a range are to be run, why, with which model version, and about how long it takes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import repeat

from daybreak.declaration.partition import Partition, days, last_complete_day
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import DaybreakError
from daybreak.ledger.days import Day, days_of, first_published, seconds_of_a_run
from daybreak.run.backfill_policy import AS_OF, VersionThen, policy_of
from daybreak.run.resolve import resolve_model
from daybreak.workspace import Workspace

MISSING, FAILED = "missing", "failed"


@dataclass(frozen=True)
class Due:
    """A day that is to be run: why, and the model versions that it would be scored with, or why there are none."""

    day: date
    why: str
    model: str
    refused: bool


def choose_days(workspace: Workspace, pipeline: Pipeline, wanted: Sequence[date], only: Collection[str]) -> list[Day]:
    """Return what is known of the days that are to be run: all of them, or those that are missing or failed.

    A day is missing where nothing of it is current, and has failed where its last run has, whatever is current.
    """
    found = days_of(workspace.ledger, pipeline.name, wanted)
    return [day for day in found if not only or (MISSING in only and day.missing) or (FAILED in only and day.failed)]


def days_to_run(workspace: Workspace, pipeline: Pipeline, only: Collection[str]) -> list[Day]:
    """Return the days that are missing or failed, from the first that was published to the last complete one."""
    first = first_published(workspace.ledger, pipeline.name)
    last = last_complete_day(pipeline.timezone, datetime.now(UTC))
    if first is None or first > last:
        return []
    return choose_days(workspace, pipeline, days(first, last), only)


def plan_backfill(
    workspace: Workspace, pipeline: Pipeline, chosen: Sequence[Day], version: int | None, policy: str | None
) -> list[Due]:
    """Say of each day why and with which versions it would be run; nothing is opened and nothing is run."""
    asked = policy_of(pipeline, "backfill", policy)
    named = version or (asked if isinstance(asked, int) else None)

    def resolved(day: Day) -> tuple[str, bool]:
        then = VersionThen(workspace.aliases, Partition(day.day, pipeline.timezone), asked)
        try:
            return resolve_model(workspace.registry, pipeline, {}, named, then).label, False
        except DaybreakError as error:
            return error.problem, True

    # Only what was in force then differs from day to day.
    each = map(resolved, chosen) if asked == AS_OF else repeat(resolved(chosen[0]) if chosen else ("", True))
    return [Due(day.day, day.says, *model) for day, model in zip(chosen, each, strict=False)]


def expected_seconds(workspace: Workspace, pipeline: Pipeline, count: int) -> float | None:
    """Return about how long so many days take, after the last runs; None where none was run yet."""
    one = seconds_of_a_run(workspace.ledger, pipeline.name)
    return None if one is None else one * count
