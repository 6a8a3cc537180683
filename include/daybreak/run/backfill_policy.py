"""Backfill policy: which version scores the past: today's champion, that of the time, or a named one."""

from collections.abc import Callable
from dataclasses import dataclass

from daybreak.declaration.partition import Partition
from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.segments import ModelRef
from daybreak.errors import ConfigurationError, ModelRefused
from daybreak.models.aliases import Aliases

CURRENT, AS_OF = "current", "as_of"


def parse_policy(policy: str | int) -> str | int:
    """Read a policy, refusing anything but ``current``, ``as_of`` or the number of a version."""
    text = str(policy)
    if text in (CURRENT, AS_OF):
        return text
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise ConfigurationError(
        f"'{text}' is no backfill policy.", next_step="choose current, as_of or a version's number."
    )


def policy_of(pipeline: Pipeline, trigger: str, asked_for: str | None) -> str | int:
    """Return the policy of a run: the one it was asked for, else its pipeline's if it is a backfill."""
    if asked_for:
        return parse_policy(asked_for)
    return pipeline.backfill if trigger == "backfill" else CURRENT


@dataclass
class VersionThen:
    """Says which version of a model was in force at the end of a partition; None unless the policy asks for it.

    As of a partition is as of its end: what was champion when a run on time would have been planned. ``declared`` tells
    whether one of those it said is known by declaration, not by record.
    """

    aliases: Callable[[ModelRef], Aliases]
    partition: Partition
    policy: str | int
    declared: bool = False

    def __call__(self, model: ModelRef) -> int | None:
        """Return the version, or refuse where there was none."""
        if self.policy != AS_OF:
            return None
        found = self.aliases(model).in_force(self.partition.end)
        if found is None:
            raise ModelRefused(
                f"{model.name} had no {model.alias} at the end of the partition "
                f"({self.partition.end:%Y-%m-%d %H:%M} UTC).",
                next_step="choose `--policy current` or a version's number; one that was in force before Daybreak "
                "knew of it can be declared: see `daybreak history --help`.",
            )
        self.declared = self.declared or found["outcome"] == "declared"
        return int(found["version"])

    def told(self, *, pinned: bool) -> str:
        """Return what the ledger keeps of how the version was chosen."""
        if pinned:
            return "pinned"
        return "as_of_declared" if self.declared else str(self.policy)
