"""Approvals: promotions that wait for a person, which Airflow knows and the ledger does not."""

from daybreak.monitoring.needs import Need
from daybreak_airflow.pages.access import User, readable
from daybreak_airflow.pages.changes import PROMOTING

# Many that wait are one thing to look at.
_MOST = 10


def open_approvals(user: User) -> list[Need]:
    """Return what waits to be approved, as far as the user may see it."""
    import sqlalchemy as sa
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from airflow.utils.state import State

    if PROMOTING not in readable(user):
        return []
    waiting = (
        sa.select(HITLDetail.subject)
        .join(TaskInstance, TaskInstance.id == HITLDetail.ti_id)
        .where(
            TaskInstance.dag_id == PROMOTING,
            HITLDetail.responded_at.is_(None),
            sa.or_(TaskInstance.state.is_(None), TaskInstance.state.not_in(State.finished)),
        )
        .limit(_MOST)
    )
    with create_session() as session:
        subjects = list(session.scalars(waiting))
    return [
        Need("approval", PROMOTING, None, subject, "answer it in Airflow under Required Actions of the Dag.")
        for subject in subjects
    ]
