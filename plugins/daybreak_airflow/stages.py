"""The stages as Airflow tasks: context in, one call into the engine, a small reference out.

The engine is imported where it is used, so that parsing a DAG stays quick.
"""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, get_current_context, task
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

from daybreak_airflow.lineage import told_of
from daybreak_airflow.log_context import tell_airflow
from daybreak_airflow.sources import open_workspace
from daybreak_airflow.task_errors import in_one_line

if TYPE_CHECKING:
    from airflow.sdk import Context

    from daybreak.push.runner import PushRunner
    from daybreak.run.plan import Plan
    from daybreak.run.planning import Request
    from daybreak.run.runner import Runner

Reference = dict[str, Any]
log = logging.getLogger("daybreak")

# Much shorter ones cost tries: Airflow loses reschedules that lie a second ahead.
_BETWEEN_LOOKS = timedelta(minutes=5)
_TRIGGERS = {"scheduled": "scheduled", "manual": "manual", "backfill": "backfill", "asset_triggered": "asset"}


@task
@in_one_line
def plan(pipeline: str) -> Reference:
    """Resolve the partition and the model version of this run, and open it in the ledger."""
    from daybreak.errors import SourceAwaited
    from daybreak.run.planning import plan_run

    context = get_current_context()
    runner = _runner(pipeline)
    try:
        planned = plan_run(runner.workspace, runner.pipeline, _request(runner, context))
    except SourceAwaited as waiting:
        log.info("%s", waiting)
        # Shown beside the task while it waits, without a slot and without a try.
        context["ti"].xcom_push("waiting", {"for": waiting.problem, "until": waiting.until.isoformat()})
        raise AirflowRescheduleException(datetime.now(UTC) + _BETWEEN_LOOKS) from None
    tell_airflow("plan", pipeline, planned.partition.key, planned.run_id)
    log.info(
        "Run %s: partition %s, model version %s (trained through %s).",
        planned.run_id,
        planned.partition.key,
        planned.model.label,
        planned.model.trained_through,
    )
    return planned.to_json()


@task
@in_one_line
def extract(plan: Reference) -> Reference:
    """Write the partition's rows into a snapshot."""
    from dataclasses import asdict

    from daybreak.run.plan import Plan

    snapshot = _runner(plan["pipeline"]).extract(Plan.from_json(plan))
    log.info("%s rows extracted into %s.", f"{snapshot.rows:,}", snapshot.uri)
    return asdict(snapshot)


@task
@in_one_line
def validate(plan: Reference, snapshot: Reference) -> Reference:
    """Set aside the rows that break a critical expectation; stop if the batch as a whole does."""
    from daybreak.batch.snapshot import Snapshot
    from daybreak.run.plan import Plan

    runner, planned = _runner(plan["pipeline"]), Plan.from_json(plan)
    with told_of(runner, planned, "inputs"):
        quarantined = runner.validate(planned, Snapshot(**snapshot))
    log.info("%s of %s rows quarantined.", f"{quarantined:,}", f"{snapshot['rows']:,}")
    return snapshot


@task
@in_one_line
def score(plan: Reference, validated: Reference) -> Reference:
    """Predict for the rows that passed, and write the predictions under this run."""
    from dataclasses import asdict

    from daybreak.batch.snapshot import Snapshot
    from daybreak.run.plan import Plan

    counts = _runner(plan["pipeline"]).score(Plan.from_json(plan), Snapshot(**validated))
    log.info("%s rows scored, %s failed.", f"{counts.rows_scored:,}", f"{counts.rows_failed:,}")
    return asdict(counts)


def publish(plan: Any, counts: Any, asset: Asset) -> Any:
    """Make this run the current one of its partition, and tell who listens to the asset."""

    @task(task_id="publish", outlets=[asset], doc="Make this run the current one of its partition.")
    @in_one_line
    def publish_run(plan: Reference, counts: Reference) -> Reference:
        from daybreak.ledger.runs import Counts
        from daybreak.run.plan import Plan

        runner, planned = _runner(plan["pipeline"]), Plan.from_json(plan)
        with told_of(runner, planned, "outputs"):
            publication = runner.publish(planned, Counts(**counts))
        if not publication.published:
            raise AirflowSkipException(f"Run {publication.run_id}, which is newer, is published for this partition.")
        reference = {"run_id": publication.run_id, "published_at": str(publication.published_at)}
        event = get_current_context()["outlet_events"][asset]
        event.add_partitions(plan["partition"])
        event.extra.update(reference)
        log.info("Run %s is the current one of %s.", publication.run_id, plan["partition"])
        return reference

    return publish_run(plan, counts)


@task
@in_one_line
def shadow(plan: Reference, validated: Reference, published: Reference) -> Reference:
    """Score the same rows with the challenger, into a table of its own; what goes wrong fails nothing."""
    from dataclasses import asdict

    from daybreak.batch.snapshot import Snapshot
    from daybreak.run.plan import Plan

    shadowed = _runner(plan["pipeline"]).shadow(Plan.from_json(plan), Snapshot(**validated))
    if shadowed is None:
        # Most days: a task that is skipped looks as if something were wrong.
        log.info("There is no challenger that may score this partition: nothing was to be done.")
        return {"run_id": published["run_id"]}
    log.log(logging.WARNING if shadowed.problem else logging.INFO, "%s.", shadowed)
    return {"run_id": published["run_id"], **asdict(shadowed)}


@task
@in_one_line
def push(plan: Reference, validated: Reference) -> Reference:
    """Score the rows that passed and send the best of them, in one go: predictions are in memory only."""
    from dataclasses import asdict

    from daybreak.batch.snapshot import Snapshot
    from daybreak.run.plan import Plan

    planned = Plan.from_json(plan)
    runner = _push_runner(planned)
    with told_of(runner, planned, "outputs"):
        outcome = runner.push(planned, Snapshot(**validated))
    if outcome.pushed is None or outcome.pushed.superseded:
        raise AirflowSkipException(f"{outcome.note}; {outcome.counts.rows_scored:,} rows scored.")
    pushed = outcome.pushed
    log.info("%s offers, %s of them sent now, %s withdrawn.", pushed.offers, pushed.sent, pushed.withdrawn)
    if pushed.rejected:
        log.warning("%s.", outcome.note)
    return {"run_id": planned.run_id, **asdict(outcome.counts), **asdict(pushed)}


@task
@in_one_line
def discard(plan: Reference) -> None:
    """Remove the rows that the run has staged."""
    from daybreak.run.plan import Plan

    planned = Plan.from_json(plan)
    _push_runner(planned).discard(planned)
    log.info("Nothing of run %s is staged any more.", planned.run_id)


def close_run(context: "Context") -> None:
    """Close the ledger's row of a failed Airflow run, where a killed task could not do it itself."""
    from daybreak.settings import read_settings
    from daybreak.workspace import Workspace

    closed = Workspace(read_settings()).ledger.close_abandoned(
        _origin(context), "A task ended without closing the run. Next: read its log in Airflow and clear the task."
    )
    log.info("%s run(s) closed as failed.", closed)


def _request(runner: "Runner", context: "Context") -> "Request":
    """Read how the run was asked for from its parameters and from how it was started."""
    from daybreak.run.planning import Request

    run, params, key = context["dag_run"], context["params"], context.get("partition_key")
    started = str(run.run_type.value)
    told = {"origin": _origin(context), "asked_by": run.triggering_user_name}
    if params.get("resume") and key:
        from daybreak.push.resuming import resumption

        resumed = resumption(runner.workspace.ledger, runner.pipeline.name, runner.pipeline.calendar.partition(key))
        return replace(resumed, **told)
    return Request(
        partition_key=key,
        as_of=run.run_after,
        trigger=_TRIGGERS.get(started, started),
        model_version=params.get("model_version"),
        policy=params.get("backfill_policy"),
        allow_leakage=bool(params.get("allow_leakage")),
        push=bool(params.get("push_backfill")),
        dry_run=bool(params.get("dry_run")),
        wait=True,
        **told,
    )


def _runner(pipeline: str) -> "Runner":
    from daybreak.run.runner import Runner

    workspace = open_workspace()
    return Runner(workspace, workspace.pipeline(pipeline), _origin(get_current_context()))


def _push_runner(planned: "Plan") -> "PushRunner":
    from daybreak.push.runner import PushRunner
    from daybreak_airflow.hooks import PromotionsHook

    workspace = open_workspace()
    pipeline = workspace.pipeline(planned.pipeline)
    # The Connection is read when something is to be sent, and by nothing else.
    target = PromotionsHook(pipeline.push.connection).target if pipeline.push else None
    return PushRunner(workspace, pipeline, target, _origin(get_current_context()))


def _origin(context: "Context") -> str:
    run = context["dag_run"]
    return f"{run.dag_id}/{run.run_id}"
