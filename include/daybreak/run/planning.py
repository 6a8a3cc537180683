"""Planning: resolve a run's partition and model version, once, and refuse what must not run."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from daybreak.declaration.partition import Partition
from daybreak.declaration.pipeline import Pipeline, Push
from daybreak.errors import ModelRefused, PartitionRefused, SourceAwaited, SourceNotLanded, storable
from daybreak.ledger.runs import refuse_other_cadence
from daybreak.ledger.segments import record_segments
from daybreak.models.version import ModelVersion, library_versions
from daybreak.run.backfill_policy import VersionThen, policy_of
from daybreak.run.landing import awaited, see_landed
from daybreak.run.plan import Plan, query_binds
from daybreak.run.resolve import recorded_versions, resolve_model, resolve_upstream
from daybreak.run.shadow import resolve_shadow
from daybreak.run.source_state import State, source_state
from daybreak.run.tables import see_to_tables
from daybreak.sources.queries import EXTRACT
from daybreak.telemetry.run_context import working_on
from daybreak.workspace import Workspace

log = logging.getLogger("daybreak")


@dataclass(frozen=True)
class Request:
    """How a run was asked for.

    Without a partition key it is the last complete one before ``as_of``. ``origin`` names the Airflow run, None on the
    command line. ``model_version`` forces a version; ``policy`` chooses one otherwise: current, as_of or a number, else
    the pipeline's own for backfills. ``allow_leakage`` accepts one that has seen later days. ``same_as`` names a run
    whose model versions and upstream publication are used again. A backfill of a pipeline that pushes sends nothing
    unless ``push`` asks for it; a dry run never does. With ``wait`` a source that has not landed is waited for, as long
    as the pipeline declares. ``asked_by`` is the person who asked, where one is known.
    """

    partition_key: str | None = None
    as_of: datetime | None = None
    trigger: str = "command line"
    origin: str | None = None
    model_version: int | None = None
    policy: str | None = None
    allow_leakage: bool = False
    parent_run_id: int | None = None
    same_as: int | None = None
    push: bool = False
    dry_run: bool = False
    wait: bool = False
    asked_by: str | None = None

    def hold(self, pipeline: Pipeline) -> str | None:
        """Say why nothing is to be published or pushed; None where it is."""
        if self.dry_run:
            return "dry run"
        return "backfill" if pipeline.push and self.trigger == "backfill" and not self.push else None


def plan_run(
    workspace: Workspace, pipeline: Pipeline, request: Request, pause: Callable[[SourceAwaited], None] | None = None
) -> Plan:
    """Open a run in the ledger and decide what it will do; a refusal closes it with the reason.

    Where the source is waited for, ``pause`` is called between two looks; without it SourceAwaited is raised, the run
    stays open, and planning it again goes on with it.
    """
    as_of = request.as_of or datetime.now(UTC)
    asked_for = request.partition_key
    key = (
        pipeline.calendar.last_open(as_of - pipeline.ready_after).key
        if asked_for is None
        else storable(asked_for)[:100]
    )
    opened = workspace.ledger.open(
        pipeline.name,
        key,
        trigger=request.trigger,
        origin=request.origin,
        parent_run_id=request.parent_run_id,
        asked_by=request.asked_by,
    )
    run_id = opened["run_id"]
    with working_on(run_id, pipeline.name, key, "plan"), workspace.ledger.closing_on_error(run_id, pipeline.name, key):
        partition = pipeline.calendar.resolve(request.partition_key, as_of=as_of - pipeline.ready_after)
        workspace.ledger.locate(run_id, partition)
        refuse_other_cadence(workspace.warehouse, pipeline.name, partition)
        binds = query_binds(partition, 0 if pipeline.upstream else None)
        query = workspace.queries(pipeline).check(EXTRACT, binds)
        if pipeline.push and request.hold(pipeline) is None:
            refuse_stale(pipeline.push, partition)
        # What is replayed was covered when it was published, and may be taken from its snapshot with the source gone.
        if request.same_as is None:
            _see_landed(workspace, pipeline, run_id, partition, request, pause)
        # After it has landed, however long that took, and before its rows are read.
        state = _source_state(workspace, pipeline, partition, request)
        # A plan that is tried again keeps what it wrote down, whatever alias and upstream say by now.
        recorded = (run_id,) if request.same_as is None else (run_id, request.same_as)
        upstream = resolve_upstream(workspace.warehouse, pipeline, partition, recorded)
        if pipeline.push is None:
            see_to_tables(workspace, pipeline, query_binds(partition, upstream.run_id if upstream else None))
        policy = policy_of(pipeline, request.trigger, request.policy)
        named = request.model_version or (policy if isinstance(policy, int) else None)
        then = VersionThen(workspace.aliases, partition, policy)
        known = recorded_versions(workspace.warehouse, recorded)
        model = resolve_model(workspace.registry, pipeline, known, named, then)
        model = model.each(workspace.registry.verify)
        for _, version in model.versions:
            _refuse_leakage(version, pipeline, partition, request.allow_leakage)
        record_segments(workspace.warehouse, run_id, model.recorded())
        workspace.ledger.record(
            run_id,
            upstream_run_id=upstream.run_id if upstream else None,
            upstream_publication_id=upstream.publication_id if upstream else None,
            model_name=model.name,
            model_version=model.version,
            model_digest=model.digest,
            trained_through=model.trained_through,
            leakage_allowed=model.trained_through > partition.last_complete_day,
            model_policy=opened["model_policy"]
            or ("same_as" if request.same_as else then.told(pinned=named is not None)),
            query_digest=query.digest,
            source_state=state,
            code_digest=workspace.code_digest,
            libraries=library_versions(),
        )
        hold = request.hold(pipeline)
        plan = Plan(run_id, pipeline.name, partition, model, hold, upstream.run_id if upstream else None)
        if hold is None:
            challenger = resolve_shadow(workspace.warehouse, workspace.registry, workspace.alias_store, pipeline, plan)
            plan = replace(plan, shadow=challenger)
        # What the stages are handed is compared with it.
        workspace.ledger.record(run_id, plan_digest=plan.digest)
        log.info("Planned with model version %s.", model.label)
    return plan


def _source_state(workspace: Workspace, pipeline: Pipeline, partition: Partition, request: Request) -> State | None:
    if request.same_as is None:
        return source_state(workspace.queries(pipeline), pipeline, partition)
    # Most of its rows are those that the other run has read.
    found: State | None = workspace.ledger.get(request.same_as)["source_state"]
    return found


def refuse_stale(push: Push, partition: Partition, now: datetime | None = None) -> None:
    """Refuse to push a partition that ended too long ago for its predictions to be of use."""
    age = (now or datetime.now(UTC)) - partition.end
    if age > push.max_staleness:
        hours = push.max_staleness.total_seconds() / 3600
        raise PartitionRefused(
            f"The partition ended {age.total_seconds() / 3600:.0f} hours ago; at most {hours:g} may have passed.",
            next_step="see what it would send with `--dry-run`; nothing older is sent.",
        )


def _see_landed(
    workspace: Workspace,
    pipeline: Pipeline,
    run_id: int,
    partition: Partition,
    request: Request,
    pause: Callable[[SourceAwaited], None] | None,
) -> None:
    while True:
        try:
            missing = see_landed(workspace.queries(pipeline), pipeline, partition)
        except SourceNotLanded as error:
            if not request.wait:
                raise
            waiting = awaited(workspace.ledger, pipeline, run_id, partition, error)
        else:
            workspace.ledger.record(run_id, missing_days=missing, waiting=None)
            return
        if pause is None:
            raise waiting
        pause(waiting)


def _refuse_leakage(model: ModelVersion, pipeline: Pipeline, partition: Partition, allowed: bool) -> None:
    if model.trained_through > partition.last_complete_day and not allowed:
        raise ModelRefused(
            f"{model.name} version {model.version} has seen days through {model.trained_through}, after it.",
            next_step=f"choose an older version (`--model-version`), train one "
            f"(`daybreak train {pipeline.name} --through {partition.last_complete_day}`), or accept it with "
            "`--allow-leakage`: the publication then says so.",
        )
