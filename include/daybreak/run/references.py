"""References: what travelled from one task to the next is what the ledger recorded, or nothing is done with it.

Whoever may write where Airflow keeps what tasks hand each other could put another model or another batch there.
"""

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from daybreak.batch.snapshot import Snapshot
from daybreak.errors import PublicationRefused, WorkerRefused
from daybreak.ledger.runs import Counts
from daybreak.ledger.tables import run_segments
from daybreak.models.version import library_versions
from daybreak.run.plan import Plan
from daybreak.warehouse.database import Warehouse

COUNTED = ("rows_extracted", "rows_quarantined", "rows_failed", "rows_scored")
_TAMPERED = "clear the whole run, plan included; if it happens again, look for who writes to Airflow's XCom."


def finished(run_id: int) -> PublicationRefused:
    """Return the refusal of a stage of a run that is through."""
    return PublicationRefused(
        f"Run {run_id} is finished.", next_step="start a new run, or clear the whole one, plan included."
    )


def refuse_other_plan(run: RowMapping, plan: Plan, origin: str | None = None) -> None:
    """Refuse a plan that is not the one that its run was planned with, or is another Airflow run's than ``origin``."""
    if origin is not None and run["origin"] != origin:
        raise PublicationRefused(
            f"Run {plan.run_id} belongs to {run['origin'] or 'no Airflow run'}.", next_step=_TAMPERED
        )
    if run["plan_digest"] == plan.digest:
        return
    known = {
        "pipeline": (plan.pipeline, run["pipeline"]),
        "partition": (plan.partition.key, run["partition_key"]),
        "model version": (plan.model.version, run["model_version"]),
        "model digest": (plan.model.digest, run["model_digest"]),
        "upstream run": (plan.upstream_run_id, run["upstream_run_id"]),
    }
    differs = [f"{name} {found} instead of {was}" for name, (found, was) in known.items() if found != was]
    raise PublicationRefused(
        f"The plan of run {plan.run_id} that arrived is not the one that was made ({', '.join(differs) or 'changed'}).",
        next_step=_TAMPERED,
    )


def refuse_other_worker(run: RowMapping, code_digest: str, query_digest: str) -> None:
    """Refuse to go on with other code, SQL or libraries than the run was planned with; images roll out one by one."""
    here = library_versions()
    differs = ["the code"] * (run["code_digest"] != code_digest)
    differs += ["the query"] * (run["query_digest"] != query_digest)
    planned: dict[str, str] = run["libraries"] or {}
    differs += [
        f"{name} {here.get(name, 'is missing')} instead of {was}"
        for name, was in planned.items()
        if here.get(name) != was
    ]
    if differs:
        raise WorkerRefused(
            f"This worker is not what run {run['run_id']} was planned on: {', '.join(differs)} differs.",
            next_step="it is tried again, and goes on where it meets a worker with the planner's image; once all have "
            "the new one, clear the whole run, plan included.",
        )


def refuse_other_snapshot(run: RowMapping, snapshot: Snapshot) -> None:
    """Refuse a snapshot that is not the one that the run's rows were extracted into."""
    if snapshot != Snapshot(run["snapshot_uri"], run["rows_extracted"], run["snapshot_digest"]):
        raise PublicationRefused(
            f"The snapshot that arrived is not the one that run {run['run_id']} has extracted.", next_step=_TAMPERED
        )


def refuse_other_counts(warehouse: Warehouse, run: RowMapping, counts: Counts) -> None:
    """Refuse counts that are not what the run's segments add up to."""
    sums = sa.select(*(sa.func.sum(run_segments.c[name]).label(name) for name in COUNTED))
    with warehouse.begin() as connection:
        found = connection.execute(sums.where(run_segments.c.run_id == run["run_id"])).mappings().one()
    if any(found[name] != getattr(counts, name) for name in COUNTED):
        raise PublicationRefused(
            f"The counts that arrived are not those that run {run['run_id']} has recorded.", next_step=_TAMPERED
        )
