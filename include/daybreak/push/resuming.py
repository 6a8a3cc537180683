"""Resuming a push: find the run whose offers are to be sent on, and ask for it as it was asked for."""

import sqlalchemy as sa

from daybreak.declaration.partition import Partition
from daybreak.errors import PublicationRefused
from daybreak.ledger.runs import Ledger
from daybreak.ledger.tables import deliveries, runs
from daybreak.run.planning import Request

# Runs that were never meant to send, or gave way to a newer one.
_SENT_NOTHING = ("not pushed", "superseded")


def resumption(ledger: Ledger, pipeline: str, partition: Partition) -> Request:
    """Ask for a run with the model version of the one whose chunks are open, else of the last that was to push.

    What that run accepted, such as a model that has seen later days, is accepted again.
    """
    own = (deliveries.c.pipeline == pipeline) & (deliveries.c.partition_date == partition.first_day)
    opened = sa.select(sa.func.max(deliveries.c.run_id)).where(own, deliveries.c.state == "open").scalar_subquery()
    planned = sa.select(runs.c.run_id, runs.c.model_version, runs.c.leakage_allowed).where(
        runs.c.pipeline == pipeline,
        runs.c.partition_key == partition.key,
        runs.c.model_version.is_not(None),
        runs.c.state.not_in(_SENT_NOTHING),
    )
    order = (sa.func.coalesce(runs.c.run_id == opened, sa.false()).desc(), runs.c.run_id.desc())
    with ledger.warehouse.begin() as connection:
        last = connection.execute(planned.order_by(*order).limit(1)).one_or_none()
    if last is None:
        raise PublicationRefused(
            f"There is no run of {pipeline} {partition.key} to resume.",
            next_step=f"`daybreak push {pipeline} {partition.key}`.",
        )
    return Request(
        partition.key,
        trigger="resume",
        model_version=last.model_version,
        allow_leakage=bool(last.leakage_allowed),
        parent_run_id=last.run_id,
    )
