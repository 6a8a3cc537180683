"""Declaring: since when a version was in force before Daybreak's own records begin."""

from datetime import date, timedelta

from daybreak.declaration.partition import Partition
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ModelRefused
from daybreak.models.aliases import COMMAND_LINE, Aliases, Decision
from daybreak.workspace import Workspace


def declare(
    workspace: Workspace,
    pipeline: Pipeline,
    version: int,
    since: date,
    *,
    model: str | None = None,
    reason: str = "in force before it was recorded",
    decided_by: str = COMMAND_LINE,
) -> bool:
    """Write down that a version was the champion since the start of a day; return False if that is known already.

    It counts until the next one that is known, and no longer than to the first champion on record. No alias is moved. A
    version was not in force before the end of the data that it was trained on.
    """
    declared = workspace.registry.resolve(pipeline.ref(model), version)
    earliest = declared.trained_through + timedelta(days=1)
    if since < earliest:
        raise ModelRefused(
            f"{declared.name} version {version} has seen days through {declared.trained_through}; "
            f"it was not in force on {since}.",
            next_step=f"declare it since {earliest} or a later day.",
            pipeline=pipeline.name,
        )
    instant = Partition(since, pipeline.timezone).start
    return Aliases(workspace, pipeline.ref(model)).declare(version, instant, Decision(reason, decided_by=decided_by))


def declare_first(workspace: Workspace, pipeline: Pipeline, model: str, version: int, reason: str) -> date | None:
    """Declare a version in force since the day after it was trained through; None where a record speaks against it."""
    since = workspace.registry.resolve(pipeline.ref(model), version).trained_through + timedelta(days=1)
    try:
        declare(workspace, pipeline, version, since, model=model, reason=reason)
    except ModelRefused:
        return None
    return since
