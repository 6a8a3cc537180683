"""Declaring: since when a version was in force before Daybreak's own records begin."""

from datetime import date, timedelta

from daybreak.declaration.partition import start_of_day
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ModelRefused
from daybreak.models.aliases import COMMAND_LINE, Aliases, Decision
from daybreak.models.registry import Registry


def declare(
    registry: Registry,
    aliases: Aliases,
    pipeline: Pipeline,
    version: int,
    since: date,
    *,
    reason: str = "in force before it was recorded",
    decided_by: str = COMMAND_LINE,
) -> bool:
    """Write down that a version was the champion since the start of a day; return False if that is known already.

    It counts until the next one that is known, and no longer than to the first champion on record. No alias is moved. A
    version was not in force before the end of the data that it was trained on.
    """
    declared = registry.resolve(aliases.model, version)
    earliest = declared.trained_through + timedelta(days=1)
    if since < earliest:
        raise ModelRefused(
            f"{declared.name} version {version} has seen days through {declared.trained_through}; "
            f"it was not in force on {since}.",
            next_step=f"declare it since {earliest} or a later day.",
            pipeline=pipeline.name,
        )
    instant = start_of_day(since, pipeline.timezone)
    return aliases.declare(version, instant, Decision(reason, decided_by=decided_by))


def declare_first(registry: Registry, aliases: Aliases, pipeline: Pipeline, version: int, reason: str) -> date | None:
    """Declare a version in force since the day after it was trained through; None where a record speaks against it."""
    since = registry.resolve(aliases.model, version).trained_through + timedelta(days=1)
    try:
        declare(registry, aliases, pipeline, version, since, reason=reason)
    except ModelRefused:
        return None
    return since
