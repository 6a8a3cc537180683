"""Promotion: the challenger becomes the champion when it was judged better; demotion puts the one before back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.dialects.postgresql import insert

from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.segments import ModelRef
from daybreak.errors import ModelRefused
from daybreak.ledger.tables import approvals
from daybreak.models.aliases import COMMAND_LINE, TAKEN_BACK, Decision
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    from daybreak.promotion.judging import Check

CHALLENGER = "challenger"


@dataclass(frozen=True)
class Verdict:
    """What came of judging a version: every check, and whether the alias was moved."""

    model: str
    challenger: int
    champion: int | None
    checks: "tuple[Check, ...]"
    moved: bool = False

    @property
    def accepted(self) -> bool:
        """Whether no check was answered with no."""
        return all(check.met is not False for check in self.checks)

    @property
    def reason(self) -> str:
        """The verdict in one line."""
        if self.accepted:
            return "; ".join(f"{check.name}: {check.says}" for check in self.checks if check.met)
        return "; ".join(f"not {check.name}: {check.says}" for check in self.checks if check.met is False)


def promote(
    workspace: Workspace,
    pipeline: Pipeline,
    *,
    model: str | None = None,
    version: int | None = None,
    dry_run: bool = False,
    approved: bool = True,
    decided_by: str = COMMAND_LINE,
    progress: Callable[[str], None] = lambda step: None,
) -> Verdict:
    """Judge a version, the challenger if none is named, and make it the champion if every check allows it.

    ``model`` names one of several. The verdict is written into the alias history, also a refusal; a dry run moves and
    writes nothing. What is not ``approved`` yet is judged, and its refusal or that a person is asked written, but it
    moves nothing.
    """
    from daybreak.promotion.judging import judge

    ref = pipeline.ref(model)
    aliases = workspace.aliases(ref)
    current = aliases.current()
    challenger = workspace.registry.resolve(ModelRef(ref.name, CHALLENGER), version)
    if challenger.version == current:
        raise ModelRefused(
            f"{ref.name} version {current} is the champion already.",
            next_step=f"train a challenger with `daybreak train {pipeline.name}`, or name one with `--version`.",
            pipeline=pipeline.name,
        )
    champion = workspace.registry.resolve(ref, current) if current is not None else None
    checks = tuple(judge(workspace, pipeline, challenger, champion, progress))
    verdict = Verdict(ref.name, challenger.version, current, checks)
    if dry_run:
        return verdict
    decision = Decision(verdict.reason, [check.to_json() for check in checks], decided_by)
    if not verdict.accepted:
        aliases.refuse(challenger.version, decision)
        return verdict
    if not approved:
        _ask(workspace, pipeline, verdict, decided_by)
        return verdict
    aliases.move(challenger.version, decision, expected=current)
    _retire(workspace, ref, challenger.version, decided_by)
    return Verdict(ref.name, challenger.version, current, checks, moved=True)


def reject(
    workspace: Workspace, pipeline: Pipeline, version: int, decided_by: str, *, model: str | None = None
) -> None:
    """Write down that a person refused a version that every check had passed."""
    workspace.aliases(pipeline.ref(model)).refuse(version, Decision("rejected by a person", decided_by=decided_by))


def demote(workspace: Workspace, model: ModelRef, *, decided_by: str = COMMAND_LINE) -> tuple[int, int]:
    """Put the champion before the current one back; return the version that was champion, and the one that is.

    Loads no library of models and opens no artifact: it has to be quick. Runs that are planned keep their version.
    """
    aliases = workspace.aliases(model)
    current, previous = aliases.before()
    if previous is None or current is None:
        raise ModelRefused(
            f"{model.name} has had no champion before {'this one' if current else 'any'}.",
            next_step="see `daybreak models`; a version can be named: `daybreak promote PIPELINE --version N`.",
        )
    aliases.move(previous, Decision(f"version {current} was taken back", TAKEN_BACK, decided_by), expected=current)
    return current, previous


def _ask(workspace: Workspace, pipeline: Pipeline, verdict: Verdict, asked_by: str) -> None:
    """Write down that a person is asked, so that who watches can tell somebody."""
    values = {"model_name": verdict.model, "version": verdict.challenger, "asked_by": asked_by}
    statement = insert(approvals).values(pipeline=pipeline.name, **values)
    with workspace.ledger.warehouse.begin() as connection:
        connection.execute(statement.on_conflict_do_nothing(constraint="asked_once"))


def _retire(workspace: Workspace, model: ModelRef, version: int, decided_by: str) -> None:
    challengers = workspace.aliases(ModelRef(model.name, CHALLENGER))
    if challengers.current() == version:
        challengers.remove(Decision("became the champion", decided_by=decided_by))
