"""The runner composes the stages: task by task for Airflow, as one stream for the command line, by the same code."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from daybreak.batch.chunk import Scored, passed
from daybreak.batch.overlap import ahead
from daybreak.batch.routing import count_segments
from daybreak.batch.snapshot import Snapshot
from daybreak.batch.top import chosen_by
from daybreak.declaration.pipeline import PerSegment, Pipeline, load_function
from daybreak.errors import PublicationRefused, ScoringFailed
from daybreak.ledger.quarantine import Quarantine
from daybreak.ledger.runs import Counts
from daybreak.models.registry import ModelVersion
from daybreak.models.segment_models import SegmentModels
from daybreak.run.extract import Extraction
from daybreak.run.plan import Plan
from daybreak.run.publish import Publication, Publisher
from daybreak.run.score import Scoring
from daybreak.run.segments import SegmentedScoring, scoring_for
from daybreak.run.shadow import Shadowed, shadowing
from daybreak.run.validate import Rules, Validation
from daybreak.warehouse.sql_file import load_sql
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    from daybreak.push.delivering import Pushed
    from daybreak.run.expectations import Judge, Suite


@dataclass(frozen=True)
class Outcome:
    """What came of a whole run: a publication, a push, or neither where it was a dry run or was held back."""

    plan: Plan
    counts: Counts
    seconds: float
    publication: Publication | None = None
    pushed: "Pushed | None" = None
    note: str | None = None
    shadow: Shadowed | None = None


class Runner:
    """Run one pipeline's stages. A runner keeps what is costly to make, so one serves a whole backfill."""

    def __init__(self, workspace: Workspace, pipeline: Pipeline) -> None:
        self.workspace = workspace
        self.pipeline = pipeline
        self.publisher = Publisher(workspace.warehouse, pipeline, workspace.settings.lock_timeout_seconds)
        self._models: dict[str, Any] = {}

    def extract(self, plan: Plan) -> Snapshot:
        """Write the partition's rows into a snapshot."""
        with self._stage(plan, "extract"):
            extraction = self.extraction(plan)
            for _ in extraction.batches():
                pass
            return self._recorded(plan, extraction)

    def validate(self, plan: Plan, snapshot: Snapshot) -> int:
        """Judge a snapshot; return how many of its rows were quarantined."""
        with self._stage(plan, "validate"):
            snapshot.verify()
            validation, suite = self._validation(plan, snapshot.rows)
            for _ in validation.valid(snapshot.batches(self.pipeline.chunk_rows)):
                pass
            self._conclude(plan, validation, suite, snapshot)
            return validation.quarantined

    def score(self, plan: Plan, snapshot: Snapshot) -> Counts:
        """Score the rows of a snapshot that passed, and write the predictions under the run."""
        with self._stage(plan, "score"):
            snapshot.verify()
            quarantined = self.quarantine(plan.run_id).numbers("validate")
            scoring = self._scoring(plan, self._segments_of(plan, snapshot))
            chosen = chosen_by(self.pipeline)
            chunks = passed(snapshot.batches(self.pipeline.chunk_rows), quarantined)
            self.publisher.write(plan.run_id, ahead(chosen.of(scoring.predictions(ahead(chunks)))))
            self._count_segments(plan, scoring, snapshot, quarantined)
            return Counts(snapshot.rows, len(quarantined), scoring.failed, scoring.scored, chosen.kept)

    def publish(self, plan: Plan, counts: Counts, reason: str = "run") -> Publication:
        """Make the run the current one of its partition."""
        with self._stage(plan, "publish"):
            return self.publisher.flip(plan.run_id, counts, reason)

    def shadow(self, plan: Plan, snapshot: Snapshot) -> Shadowed | None:
        """Score the rows of a published run with the challenger too; what goes wrong is written down, not raised."""
        if plan.shadow is None:
            return None
        with shadowing(self.workspace.warehouse, plan) as shadowed:
            snapshot.verify()
            quarantined = self.quarantine(plan.run_id).numbers("validate")
            budget = self._budget(self._segments_of(plan, snapshot))
            scoring = scoring_for(self.pipeline, plan.shadow, self.model, budget, lambda rejected: None)
            chunks = passed(snapshot.batches(self.pipeline.chunk_rows), quarantined)
            best = chosen_by(self.pipeline).of(scoring.predictions(ahead(chunks)))
            self.publisher.write_shadow(plan.run_id, ahead(best))
            shadowed.rows_failed, shadowed.rows_scored = scoring.failed, scoring.scored
        return shadowed

    def run(self, plan: Plan, progress: Callable[[int, int], None] | None = None) -> Outcome:
        """Run all stages as one stream: while one chunk is scored, the next is read and the last one written.

        Nothing becomes visible before the whole batch was judged. ``progress`` is told rows done and rows in all.
        """
        started = time.monotonic()
        ledger = self.workspace.ledger
        with ledger.alive(plan.run_id), self._stage(plan, "all"):
            stream = _Stream(self, plan, progress)
            if plan.hold is not None:
                for _ in stream.predictions():
                    pass
                with self.workspace.warehouse.begin() as connection:
                    ledger.finish(connection, plan.run_id, "checked", stream.counts)
                publication = None
            else:
                self.publisher.write(plan.run_id, ahead(stream.predictions()))
                publication = self.publisher.flip(plan.run_id, stream.counts)
            seconds = time.monotonic() - started
        shadow = self.shadow(plan, stream.snapshot) if publication and stream.snapshot else None
        return Outcome(plan, stream.counts, seconds, publication, shadow=shadow)

    def quarantine(self, run_id: int) -> Quarantine:
        """Return the quarantine of a run."""
        return Quarantine(self.workspace.warehouse, run_id, self.pipeline.entity_key)

    def folder(self, plan: Plan) -> str:
        """Return the URI below which a run keeps its snapshot."""
        return f"{self.workspace.settings.batches}/{plan.pipeline}/{plan.partition.key}/{plan.run_id}"

    def extraction(self, plan: Plan) -> Extraction:
        """Prepare the pass over the source."""
        query = load_sql(self.workspace.sql(self.pipeline, "extract"))
        by = plan.model.column if isinstance(plan.model, SegmentModels) else None
        chunk_rows = self.pipeline.chunk_rows
        return Extraction(self.workspace.warehouse, query, plan.binds, self.folder(plan), chunk_rows, by)

    def model(self, version: ModelVersion) -> Any:
        """Load a model version, once."""
        if version.digest not in self._models:
            # A champion and a challenger for each segment: what is older than those is let go.
            while len(self._models) > 2 * len(self.pipeline.model_refs):
                del self._models[next(iter(self._models))]
            self._models[version.digest] = self.workspace.registry.load(version)
        return self._models[version.digest]

    @cached_property
    def _judge(self) -> "Judge":
        from daybreak.run.expectations import Judge

        return Judge()

    def _recorded(self, plan: Plan, extraction: Extraction) -> Snapshot:
        snapshot = extraction.snapshot
        self.workspace.ledger.record(
            plan.run_id,
            snapshot_uri=snapshot.uri,
            snapshot_digest=snapshot.digest,
            rows_extracted=snapshot.rows,
        )
        return snapshot

    def _validation(self, plan: Plan, rows: int) -> "tuple[Validation, Suite]":
        from daybreak.run.expectations import quiet_great_expectations, read_suite

        quiet_great_expectations()
        suite = read_suite(load_function(self.pipeline.expectations)())
        rules = Rules(
            self.pipeline.entity_key,
            plan.model.signature,
            self.pipeline.max_quarantined_share,
            {} if self.pipeline.push else self.publisher.key_types,
            _segments_with_model(plan),
        )
        quarantine = self.quarantine(plan.run_id)
        quarantine.clear()
        return Validation(suite, self._judge, rules, rows, quarantine.add), suite

    def _conclude(self, plan: Plan, validation: Validation, suite: "Suite", snapshot: Snapshot) -> None:
        try:
            validation.conclude(partial(snapshot.batches, self.pipeline.chunk_rows))
        finally:
            self.workspace.ledger.record_results(plan.run_id, suite)
            self.workspace.ledger.record(
                plan.run_id, expectations_digest=suite.digest, rows_quarantined=validation.quarantined
            )

    def _scoring(self, plan: Plan, rows: Mapping[str | None, int]) -> Scoring | SegmentedScoring:
        """Prepare the pass through the model; ``rows`` are those of each segment, or all under None."""
        quarantine = self.quarantine(plan.run_id)
        quarantine.clear("score")
        return scoring_for(self.pipeline, plan.model, self.model, self._budget(rows), quarantine.add)

    def _budget(self, rows: Mapping[str | None, int]) -> Callable[[str | None], int]:
        declared = self.pipeline.model
        named = set(declared.models) if isinstance(declared, PerSegment) else set()
        own_share = declared.max_failed_share if isinstance(declared, PerSegment) else {}

        def budget(segment: str | None) -> int:
            of_segment = [rows.get(segment, 0)] if segment in named else [n for s, n in rows.items() if s not in named]
            return int(own_share.get(segment, self.pipeline.max_failed_share) * sum(of_segment))

        return budget

    def _segments_of(self, plan: Plan, snapshot: Snapshot) -> dict[str | None, int]:
        if not isinstance(plan.model, SegmentModels):
            return {None: snapshot.rows}
        column = plan.model.column
        return count_segments(snapshot.batches(self.pipeline.chunk_rows, [column]), column)

    def _count_segments(
        self, plan: Plan, scoring: Scoring | SegmentedScoring, snapshot: Snapshot, quarantined: np.ndarray
    ) -> None:
        if isinstance(plan.model, SegmentModels) and isinstance(scoring, SegmentedScoring):
            rows = snapshot.batches(self.pipeline.chunk_rows, [plan.model.column])
            self.workspace.ledger.record_segments(plan.run_id, plan.model, scoring.count(rows, quarantined))

    @contextmanager
    def _stage(self, plan: Plan, name: str) -> Iterator[None]:
        ledger = self.workspace.ledger
        started = time.monotonic()
        with ledger.closing_on_error(plan.run_id, plan.pipeline, plan.partition.key):
            if name != "publish" and not ledger.resume(plan.run_id):
                raise PublicationRefused(
                    f"Run {plan.run_id} is finished.",
                    next_step="start a new run, or clear the whole one, plan included.",
                )
            yield
            ledger.took(plan.run_id, name, time.monotonic() - started)


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
        extraction = runner.extraction(plan)
        batches = ahead(extraction.batches())
        first = next(batches)  # the source's count is known from here on; an empty source raises
        validation, suite = runner._validation(plan, extraction.rows)
        scoring, chosen = runner._scoring(plan, extraction.segments), chosen_by(runner.pipeline)
        valid = ahead(validation.valid(chain([first], batches)))
        try:
            yield from chosen.of(self._told(scoring.predictions(valid), extraction.rows))
        except ScoringFailed:
            # What is wrong with the batch as a whole says more than the rows that the model failed on because of it.
            deque(valid, maxlen=0)
            runner._conclude(plan, validation, suite, runner._recorded(plan, extraction))
            raise
        self.snapshot = snapshot = runner._recorded(plan, extraction)
        runner._conclude(plan, validation, suite, snapshot)
        runner._count_segments(plan, scoring, snapshot, runner.quarantine(plan.run_id).numbers("validate"))
        self.counts = Counts(snapshot.rows, validation.quarantined, scoring.failed, scoring.scored, chosen.kept)

    def _told(self, predictions: Iterable[Scored], rows: int) -> Generator[Scored]:
        for scored in predictions:
            yield scored
            self._progress(int(scored.chunk.numbers[-1]) + 1, rows)


def _segments_with_model(plan: Plan) -> tuple[str, tuple[str, ...]] | None:
    """Return the segment column and its segments, where the rows of any other have no model."""
    if not isinstance(plan.model, SegmentModels) or plan.model.fallback is not None:
        return None
    return plan.model.column, tuple(dict(plan.model.versions))
