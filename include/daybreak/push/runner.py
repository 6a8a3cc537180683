"""The runner of pipelines that push: scoring and sending are one step, and what was staged is removed."""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any

from daybreak.batch.chunk import Scored
from daybreak.batch.snapshot import Snapshot, remove_snapshots
from daybreak.declaration.functions import load_function
from daybreak.declaration.pipeline import Pipeline, Push
from daybreak.errors import ConfigurationError, DaybreakError, ExpectationsFailed, ModelRefused, ScoringFailed
from daybreak.ledger.deliveries import Deliveries
from daybreak.ledger.runs import Counts
from daybreak.push.delivering import Items, Pushed, Pusher
from daybreak.push.target import DeliveryTarget
from daybreak.run.outcome import Outcome
from daybreak.run.plan import Plan
from daybreak.run.planning import refuse_stale
from daybreak.run.runner import Runner
from daybreak.workspace import Workspace

# Where a receiver takes offers and lists them, below its address: docs/promotions-api.md.
OFFERS = "/v1/offers"

_DONE = ("pushed", "not pushed", "superseded")


@dataclass(frozen=True)
class PushOutcome(Outcome):
    """What came of a whole run that pushes: a push, or none where it was a dry run or was held back."""

    pushed: Pushed | None = None
    note: str | None = None

    def __str__(self) -> str:
        if self.pushed is None or self.pushed.superseded:
            return self.note or "dry run"
        pushed = self.pushed
        sent = f"pushed: {pushed.offers:,} offers, {pushed.sent:,} sent now, {pushed.withdrawn:,} withdrawn"
        return f"{sent}; {self.note}" if self.note else sent


class PushRunner(Runner):
    """Run the stages of a pipeline that pushes.

    ``target`` is the receiver, or a function that is asked for it when something is to be sent; by default that of the
    settings.
    """

    def __init__(
        self,
        workspace: Workspace,
        pipeline: Pipeline,
        target: DeliveryTarget | Callable[[], DeliveryTarget] | None = None,
        origin: str | None = None,
    ) -> None:
        super().__init__(workspace, pipeline, origin)
        self._given_target = target

    def run(self, plan: Plan, progress: Callable[[int, int], None] | None = None) -> PushOutcome:
        """Run all stages, one after the other, and remove what was staged whatever came of it."""
        started = time.monotonic()
        try:
            with self.workspace.ledger.alive(plan.run_id):
                snapshot = self.extract(plan)
                self.validate(plan, snapshot)
                outcome = self.push(plan, snapshot, progress)
        finally:
            remove_snapshots(self.folder(plan))
        self.tidy(plan)
        return replace(outcome, seconds=time.monotonic() - started)

    def push(self, plan: Plan, snapshot: Snapshot, progress: Callable[[int, int], None] | None = None) -> PushOutcome:
        """Score the rows that passed and send the best; predictions are in memory only, and gone with the process.

        A run that is through stays as it is: its task was ended after the last line, and is tried again.
        """
        with frames_emptied():
            run = self.workspace.ledger.get(plan.run_id)
            if run["state"] in _DONE:
                self.verify(plan, by_any_worker=True)
                return self._done_before(plan, dict(run))
            return self._score_and_push(plan, snapshot, progress)

    def discard(self, plan: Plan) -> None:
        """Remove what the run has staged."""
        self.verify(plan, by_any_worker=True)
        remove_snapshots(self.folder(plan))
        self.tidy(plan)

    def _score_and_push(
        self, plan: Plan, snapshot: Snapshot, progress: Callable[[int, int], None] | None
    ) -> PushOutcome:
        _leave_no_core_dump()
        started = time.monotonic()
        with self._stage(plan, "push", snapshot):
            target = None
            if plan.hold is None:
                target = self._target  # a receiver that must not be talked to is refused before anything is scored
                refuse_stale(self._push, plan.partition)
            with without_values():
                told = progress or (lambda done, rows: None)
                with self.prepare_scoring(plan, snapshot, lambda done: told(done, snapshot.rows)) as (rows, scoring):
                    offers = self._offers(plan, scoring.predictions(rows.chunks()))
                counts = self.scored(plan, rows, scoring)
                if target is None:
                    return self._finished(plan, counts, started, None, f"not pushed: {plan.hold}")
                pusher = Pusher(self.workspace.warehouse, plan, self._push, target)
                pushed = pusher.push(snapshot.digest, offers)
                return self._finished(plan, counts, started, pushed, _told(pushed))

    def _done_before(self, plan: Plan, run: dict[str, Any]) -> PushOutcome:
        counts = Counts(**{name: run[name] for name in Counts.__dataclass_fields__})
        if run["state"] != "pushed":
            return PushOutcome(plan, counts, 0, note=run["note"])
        sent = Deliveries(self.workspace.warehouse, plan.pipeline, plan.partition.first_day).list()
        last = max((chunk["generation"] for chunk in sent), default=0)
        offers = [chunk for chunk in sent if chunk["kind"] == "offers" and chunk["generation"] == last]
        rejected = sum(chunk["rejected"] for chunk in offers)
        pushed = Pushed(sum(chunk["items"] for chunk in offers), sent=0, withdrawn=0, rejected=rejected)
        return PushOutcome(plan, counts, 0, pushed=pushed, note=run["note"])

    @property
    def receiver(self) -> str | None:
        """Address that is sent to, None as long as nothing was to be sent."""
        return self._target.base_url if "_target" in self.__dict__ else None

    @cached_property
    def _target(self) -> DeliveryTarget:
        given = self._given_target
        if given is None:
            return target_of(self.workspace)
        return given if isinstance(given, DeliveryTarget) else given()

    @property
    def _push(self) -> Push:
        if self.pipeline.push is None:
            raise ConfigurationError(
                f"{self.pipeline.name} publishes and does not push.", next_step=f"`daybreak run {self.pipeline.name}`."
            )
        return self.pipeline.push

    def _offers(self, plan: Plan, predictions: Iterable[Scored]) -> Items:
        import numpy as np

        settings = self.workspace.settings
        offers = load_function(self._push.offers)(plan, settings.push_top, by_department=settings.push_by_department)
        values = []
        for scored in predictions:
            offers.add(scored)
            values.append(scored.values)
        self._refuse_unlike_held_out(plan, np.concatenate(values) if values else np.empty(0))
        items: Items = offers.items()
        return items

    def _refuse_unlike_held_out(self, plan: Plan, values: Any) -> None:
        """Stop before the first request if the scores are not spread as they were on held-out days."""
        import pandas as pd

        from daybreak.run.expectations import read_suite

        if plan.single_model.score_profile is None:
            raise ModelRefused(
                f"{plan.model.name} version {plan.model.label} has no profile of its held-out scores.",
                next_step=f"train it again with `daybreak train {self.pipeline.name}`.",
            )
        column = self.pipeline.prediction.column
        suite = read_suite(load_function(self._push.scores)(column, plan.single_model.score_profile))
        frame = pd.DataFrame({column: values})
        try:
            judgements = self._judge.judge(frame, suite.declared) if len(frame) else []
        except Exception:
            judgements = []  # the profile makes no sense to it
        for declared, judgement in zip_longest(suite.declared, judgements):
            unjudged = judgement is None or judgement.exception
            if unjudged or (declared.critical and not judgement.success):
                # What was observed is left out: it is derived from the scores.
                raise ExpectationsFailed(
                    f"The scores are not spread as on held-out days ({declared.kind}); nothing was sent.",
                    next_step="compare the day's inputs with those the model was trained on, or train it again.",
                )

    def _finished(
        self, plan: Plan, counts: Counts, started: float, pushed: Pushed | None, note: str | None
    ) -> PushOutcome:
        state = "not pushed" if pushed is None else "superseded" if pushed.superseded else "pushed"
        with self.workspace.warehouse.begin() as connection:
            self.workspace.ledger.finish(connection, plan.run_id, state, counts, note)
        return PushOutcome(plan, counts, time.monotonic() - started, pushed=pushed, note=note)


def target_of(workspace: Workspace) -> DeliveryTarget:
    """Make the delivery target of the settings, or say which of them is missing."""
    settings = workspace.settings
    given = {
        "PUSH_URL": settings.push_url,
        "PUSH_TOKEN": settings.push_token,
        "PUSH_SIGNING_KEY": settings.push_signing_key,
    }
    if missing := [f"DAYBREAK_{name}" for name, value in given.items() if value is None]:
        raise ConfigurationError(
            f"There is no receiver to push to: {', '.join(missing)} is not set.",
            next_step="set it, start the local one with `make up`, or see with `--dry-run` what would be sent.",
        )
    return DeliveryTarget(
        base_url=str(settings.push_url),
        path=OFFERS,
        token=settings.push_token,  # type: ignore[arg-type]
        signing_key=settings.push_signing_key,  # type: ignore[arg-type]
        allowed_hosts=settings.allowed_hosts,
        ca_file=settings.push_ca_file,
    )


def runner_for(workspace: Workspace, pipeline: Pipeline) -> Runner:
    """Make the runner that fits the pipeline's destination."""
    return PushRunner(workspace, pipeline) if pipeline.push else Runner(workspace, pipeline)


def _told(pushed: Pushed) -> str | None:
    if pushed.superseded:
        return f"not pushed: run {pushed.superseded}, which is newer, has begun to push this partition"
    if pushed.rejected:
        return f"{pushed.rejected:,} of {pushed.offers:,} offers were rejected by the receiver"
    return None


@contextmanager
def without_values() -> Iterator[None]:
    """Let no error out whose text could repeat a prediction: of one that is not ours, only kind and place are told."""
    try:
        yield
    except (DaybreakError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise ScoringFailed(
            f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}; its text is withheld.",
            next_step="find the cause with `--dry-run` on a day whose predictions may be seen.",
        ) from None


@contextmanager
def frames_emptied() -> Iterator[None]:
    """Leave of an error its own text and lines: loggers may show local variables, and the error it was made of."""
    try:
        yield
    except BaseException as error:
        if error.__suppress_context__:
            error.__context__ = None
        shown: BaseException | None = error
        while shown is not None:
            traceback.clear_frames(shown.__traceback__)
            shown = shown.__cause__ or shown.__context__
        raise


def _leave_no_core_dump() -> None:
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
