"""The runner composes the stages: task by task for Airflow, as one stream for the command line, by the same code."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cached_property, partial
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING

import sqlalchemy as sa

from daybreak.batch.chunk import Rejected, Scored
from daybreak.batch.overlap import ahead
from daybreak.batch.snapshot import Snapshot
from daybreak.declaration.functions import load_function
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import DaybreakError, ScoringFailed
from daybreak.ledger.expectation_results import record_results
from daybreak.ledger.quarantine import Quarantine
from daybreak.ledger.runs import Counts
from daybreak.ledger.segments import record_segments
from daybreak.run.extract import Extraction
from daybreak.run.leftovers import remove_leftovers
from daybreak.run.outcome import Outcome
from daybreak.run.plan import Plan
from daybreak.run.publish import Publication, Publisher
from daybreak.run.references import (
    finished,
    refuse_other_counts,
    refuse_other_plan,
    refuse_other_snapshot,
    refuse_other_worker,
)
from daybreak.run.scorer import Scorer, ValidRows
from daybreak.run.segments import Scoring
from daybreak.run.shadow import Shadowed, shadowing
from daybreak.run.validate import Rules, Validation
from daybreak.sources.queries import EXTRACT
from daybreak.tables.limits import Limits, find_limits
from daybreak.telemetry.run_context import working_on
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    from daybreak.run.expectations import Suite
    from daybreak.run.judge import Judge


class Runner:
    """Run one pipeline's stages. A runner keeps what is costly to make, so one serves a whole backfill.

    What a stage is handed, plan, snapshot and counts, is compared with what the ledger has recorded; ``origin`` is the
        Airflow run that the plan has to be of. ``unpublished`` is given the predictions of a run that is not to publish
        any, and takes every one.
    """

    def __init__(
        self,
        workspace: Workspace,
        pipeline: Pipeline,
        origin: str | None = None,
        *,
        unpublished: Callable[[Iterator[Scored]], None] | None = None,
    ) -> None:
        self.workspace = workspace
        self.pipeline = pipeline
        self.origin = origin
        self._unpublished = unpublished or _take_all
        self.publisher = Publisher(workspace.warehouse, pipeline)
        self.scorer = Scorer(pipeline, lambda version: workspace.registry.load(version))

    def extract(self, plan: Plan) -> Snapshot:
        """Write the partition's rows into a snapshot."""
        with self._stage(plan, "extract"):
            extraction = self.extraction(plan)
            for _ in extraction.batches():
                pass
            return self._recorded(plan, extraction)

    def validate(self, plan: Plan, snapshot: Snapshot) -> int:
        """Judge a snapshot; return how many of its rows were quarantined."""
        with self._stage(plan, "validate", snapshot):
            snapshot.verify()
            with self.quarantine(plan.run_id).replacing("validate") as set_aside:
                validation, suite = self._validation(plan, snapshot.rows, set_aside)
                for _ in validation.valid(snapshot.batches(self.pipeline.chunk_rows)):
                    pass
                self._conclude(plan, validation, suite, snapshot)
            return validation.quarantined

    def score(self, plan: Plan, snapshot: Snapshot) -> Counts:
        """Score the rows of a snapshot that passed, and write the predictions under the run."""
        with self._stage(plan, "score", snapshot):
            with (
                self.prepare_scoring(plan, snapshot) as (rows, scoring),
                ahead(rows.chunks()) as chunks,
                ahead(scoring.predictions(chunks)) as scored,
            ):
                self.publisher.write(plan.run_id, scored)
            return self.scored(plan, rows, scoring)

    def publish(self, plan: Plan, counts: Counts, reason: str = "run") -> Publication:
        """Make the run the current one of its partition."""
        with self._stage(plan, "publish"):
            refuse_other_counts(self.workspace.warehouse, self.workspace.ledger.get(plan.run_id), counts)
            publication = self.publisher.flip(plan.run_id, counts, reason)
        self.tidy(plan)
        return publication

    def tidy(self, plan: Plan) -> None:
        """Remove what failed runs of the partition have left; what goes wrong with it stops no run, nor the next."""
        with suppress(DaybreakError, sa.exc.SQLAlchemyError, OSError):
            batches = self.workspace.settings.batches
            remove_leftovers(self.workspace.warehouse, self.pipeline, batches, partition=plan.partition.key)

    def shadow(self, plan: Plan, snapshot: Snapshot) -> Shadowed | None:
        """Score the rows of a published run with the challenger too; what goes wrong is written down, not raised."""
        if plan.shadow is None:
            return None
        with working_on(plan.run_id, plan.pipeline, plan.partition.key, "shadow"):
            self.verify(plan, snapshot)
            with shadowing(self.workspace.warehouse, plan) as shadowed:
                snapshot.verify()
                rows = self._valid_rows(plan, snapshot)
                scoring = self.scorer.scoring(plan.shadow, rows.extracted(plan.shadow), lambda rejected: None)
                with ahead(rows.chunks()) as chunks, ahead(scoring.predictions(chunks)) as scored:
                    self.publisher.write_shadow(plan.run_id, scored)
                shadowed.rows_failed, shadowed.rows_scored = scoring.failed, scoring.scored
            return shadowed

    def run(self, plan: Plan, progress: Callable[[int, int], None] | None = None) -> Outcome:
        """Run all stages as one stream: while one chunk is scored, the next is read and the last one written.

        Nothing becomes visible before the whole batch was judged. ``progress`` is told rows done and rows in all.
        """
        started = time.monotonic()
        if any(version.elsewhere is None for _, version in plan.model.versions):
            # Before Great Expectations brings its modules: it looks through all that are there, and takes half as long.
            import_module("skops.io")
        ledger = self.workspace.ledger
        with ledger.alive(plan.run_id), self._stage(plan, "all"):
            stream = _Stream(self, plan, progress)
            if plan.hold is not None:
                with closing(stream.predictions()) as predictions:
                    self._unpublished(predictions)
                with self.workspace.warehouse.begin() as connection:
                    ledger.finish(connection, plan.run_id, "checked", stream.counts)
                publication = None
            else:
                with ahead(stream.predictions()) as predictions:
                    self.publisher.write(plan.run_id, predictions)
                publication = self.publisher.flip(plan.run_id, stream.counts)
            seconds = time.monotonic() - started
        self.tidy(plan)
        shadow = self.shadow(plan, stream.snapshot) if publication and stream.snapshot else None
        return Outcome(plan, stream.counts, seconds, publication, shadow=shadow)

    def verify(self, plan: Plan, snapshot: Snapshot | None = None, *, by_any_worker: bool = False) -> None:
        """Refuse a plan or a snapshot that is not the one recorded, and a worker that is not as the planner was."""
        try:
            run = self.workspace.ledger.get(plan.run_id)
            refuse_other_plan(run, plan, self.origin)
            if not by_any_worker:
                query = self.workspace.queries(self.pipeline).file(EXTRACT)
                refuse_other_worker(run, self.workspace.code_digest, query.digest)
            if snapshot is not None:
                refuse_other_snapshot(run, snapshot)
        except DaybreakError as error:
            raise error.located(plan.pipeline, plan.partition.key)  # noqa: B904 - it is the same one

    def quarantine(self, run_id: int) -> Quarantine:
        """Return the quarantine of a run."""
        return Quarantine(self.workspace.warehouse, run_id, self.pipeline.entity_key)

    def folder(self, plan: Plan) -> str:
        """Return the URI below which a run keeps its snapshot."""
        return f"{self.workspace.settings.batches}/{plan.pipeline}/{plan.partition.key}/{plan.run_id}"

    def extraction(self, plan: Plan) -> Extraction:
        """Prepare the pass over the source."""
        queries = self.workspace.queries(self.pipeline)
        folder, chunk_rows = self.folder(plan), self.pipeline.chunk_rows
        return Extraction(queries.source, queries.file(EXTRACT), plan.binds, folder, chunk_rows, plan.model.column)

    @contextmanager
    def prepare_scoring(
        self, plan: Plan, snapshot: Snapshot, progress: Callable[[int], None] = lambda done: None
    ) -> Iterator[tuple[ValidRows, Scoring]]:
        """Give the rows of a snapshot that are to be scored, and the pass through the models that they go through.

        The rows that the models fail on are in the quarantine when it ends.
        """
        snapshot.verify()
        rows = self._valid_rows(plan, snapshot)
        with self.quarantine(plan.run_id).replacing("score") as set_aside:
            yield rows, self.scorer.scoring(plan.model, rows.extracted(plan.model), set_aside, progress)

    def scored(self, plan: Plan, rows: ValidRows, scoring: Scoring) -> Counts:
        """Write down what came of each segment's rows; return what came of all."""
        record_segments(self.workspace.warehouse, plan.run_id, rows.recorded(plan.model, scoring))
        return scoring.counts(rows.snapshot.rows, len(rows.quarantined))

    @cached_property
    def _judge(self) -> "Judge":
        from daybreak.run.judge import Judge

        return Judge()

    def _recorded(self, plan: Plan, extraction: Extraction) -> Snapshot:
        snapshot = extraction.snapshot
        self.quarantine(plan.run_id).forget_other_snapshot(snapshot.digest)
        self.workspace.ledger.record(
            plan.run_id,
            snapshot_uri=snapshot.uri,
            snapshot_digest=snapshot.digest,
            rows_extracted=snapshot.rows,
        )
        return snapshot

    def _validation(self, plan: Plan, rows: int, set_aside: Callable[[Rejected], None]) -> "tuple[Validation, Suite]":
        from daybreak.run.expectations import read_suite
        from daybreak.run.judge import quiet_great_expectations

        quiet_great_expectations()
        suite = read_suite(load_function(self.pipeline.expectations)())
        pipeline, key_types, limits = self.pipeline, {}, Limits()
        if not pipeline.push:
            key_types, limits = self.publisher.key_types, find_limits(self.workspace.warehouse, pipeline)
        signature, share, required = plan.model.signature, pipeline.max_quarantined_share, plan.model.required
        rules = Rules(pipeline.entity_key, signature, share, key_types, limits, required)
        return Validation(suite, self._judge, rules, rows, set_aside), suite

    def _conclude(self, plan: Plan, validation: Validation, suite: "Suite", snapshot: Snapshot) -> None:
        try:
            validation.conclude(partial(snapshot.batches, self.pipeline.chunk_rows))
        finally:
            record_results(self.workspace.warehouse, plan.run_id, suite.results())
            found = {"rows_quarantined": validation.quarantined, "nulls": validation.nulls}
            self.workspace.ledger.record(plan.run_id, expectations_digest=suite.digest, **found)

    def _valid_rows(self, plan: Plan, snapshot: Snapshot) -> ValidRows:
        quarantined = self.quarantine(plan.run_id).numbers("validate")
        return ValidRows(snapshot, quarantined, self.pipeline.chunk_rows)

    @contextmanager
    def _stage(self, plan: Plan, name: str, snapshot: Snapshot | None = None) -> Iterator[None]:
        ledger, key = self.workspace.ledger, plan.partition.key
        with working_on(plan.run_id, plan.pipeline, key, name):
            # Outside of what closes the run: one that is not the one planned is not to be closed by a plan made up.
            self.verify(plan, snapshot)
            started = time.monotonic()
            with ledger.closing_on_error(plan.run_id, plan.pipeline, key):
                if name != "publish" and not ledger.resume(plan.run_id):
                    raise finished(plan.run_id)
                yield
                ledger.took(plan.run_id, name, time.monotonic() - started)


def _take_all(predictions: Iterator[Scored]) -> None:
    deque(predictions, maxlen=0)


class _Stream:
    """All stages of one run but the last, as one generator of predictions."""

    def __init__(self, runner: Runner, plan: Plan, progress: Callable[[int, int], None] | None) -> None:
        self._runner = runner
        self._plan = plan
        self._progress = progress or (lambda done, rows: None)
        self.counts = Counts(0, 0, 0, 0)
        self.snapshot: Snapshot | None = None

    def predictions(self) -> Generator[Scored]:
        runner, plan = self._runner, self._plan
        runner.scorer.begin(plan.model)
        extraction, quarantine = runner.extraction(plan), runner.quarantine(plan.run_id)
        with quarantine.replacing("validate") as invalid, quarantine.replacing("score") as failed:
            with ahead(extraction.batches()) as batches:
                first = next(batches)  # the source's count is known from here on; an empty source raises
                validation, suite = runner._validation(plan, extraction.rows, invalid)
                progress = partial(self._told, extraction)
                scoring = runner.scorer.scoring(plan.model, extraction.segments, failed, progress)
                with ahead(validation.valid(chain([first], batches))) as valid:
                    try:
                        yield from scoring.predictions(valid)
                    except ScoringFailed:
                        # What is wrong with the whole batch says more than the rows that the model failed on because of
                        # it.
                        deque(valid, maxlen=0)
                        runner._conclude(plan, validation, suite, runner._recorded(plan, extraction))
                        raise
            self.snapshot = snapshot = runner._recorded(plan, extraction)
            runner._conclude(plan, validation, suite, snapshot)
        self.counts = runner.scored(plan, runner._valid_rows(plan, snapshot), scoring)

    def _told(self, extraction: Extraction, done: int) -> None:
        self._progress(done, extraction.rows)
