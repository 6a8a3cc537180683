"""Changes: what a person can do from a page, and what it will do, said before it is done.

What only moves a pointer is done at once, by what the command line calls. What reads, scores or sends is a run of
Airflow's, where workers have the models' libraries and the Connections; the ledger keeps who asked for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException

from daybreak_airflow.pages.access import User, can_edit
from daybreak_airflow.pages.opened import workspace

if TYPE_CHECKING:
    from daybreak.declaration.pipeline import Pipeline

PROMOTING, REPLAYING = "promote_models", "replay_quarantine"


@dataclass(frozen=True)
class Change:
    """One thing to do: what its button says, what it will do, and the command that does the same.

    ``do`` does it for a user and returns what is to be said; ``seen`` is what the person saw to be current.
    """

    name: str
    label: str
    will: tuple[str, ...]
    command: str
    do: Callable[[User], str]
    seen: str = ""


def changes_of_partition(pipeline: "Pipeline", key: str, account: Any) -> list[Change]:
    """Return what can be done to a partition as it is now."""
    current = next((run for run in account.runs if run["current"] or run["state"] == "pushed"), None)
    found = [_run_again(pipeline, key, current)]
    if pipeline.push:
        if account.runs:
            found.append(_resume(pipeline, key))
        return found
    if current and (current["rows_quarantined"] or current["rows_failed"]):
        found.append(_replay(pipeline, key, current))
    if (before := _published_before(account.publications)) and current:
        found.append(_roll_back(pipeline, key, current["run_id"], before))
    return found


def changes_of_model(pipeline: "Pipeline", model: str, account: Any) -> list[Change]:
    """Return what can be done about a model's champion as it is now."""
    ref = pipeline.ref(model)
    champion, challenger = (account.aliases.get((model, alias)) for alias in (ref.alias, "challenger"))
    named = pipeline.name if len(pipeline.model_refs) == 1 else f"{pipeline.name} --model {model}"
    found = []
    if challenger and challenger != champion:
        against = f"against version {champion}, the champion" if champion else "by itself: there is no champion"
        found.append(
            Change(
                "promote",
                f"Promote version {challenger}",
                (
                    f"Version {challenger} of {model} is judged {against}, on rows that neither has seen.",
                    "Where every check allows it, it is the champion from then on: runs that are planned later use it.",
                    "Where one does not, nothing is moved, and the refusal is written down with its reasons.",
                ),
                f"daybreak promote {named}",
                lambda user: _trigger(
                    PROMOTING, user, {"pipeline": pipeline.name, "model": model, "approved": True}, None
                ),
                str(champion),
            )
        )
    of_alias = [row for row in account.decisions if (row["model_name"], row["alias"]) == (model, ref.alias)]
    if champion and len({row["version"] for row in of_alias if row["outcome"] == "moved"}) > 1:
        found.append(
            Change(
                "demote",
                f"Demote version {champion}",
                (
                    f"The champion before version {champion} of {model} is put back, at once and without judging it.",
                    "Runs that are planned keep their version; what is published stays.",
                ),
                f"daybreak demote {named}",
                lambda user: _demote(pipeline, model, user),
                str(champion),
            )
        )
    return found


def chosen(changes: list[Change], name: str) -> Change:
    """Return the change of a name; answer that it cannot be done as things are now."""
    for change in changes:
        if change.name == name:
            return change
    raise HTTPException(404, "As things are now, this cannot be done. Look at the page again.")


def _run_again(pipeline: "Pipeline", key: str, current: Any) -> Change:
    what = "sends what the receiver does not have" if pipeline.push else "is shown when it is complete"
    will = [
        f"Airflow starts a run of {pipeline.name} for {key}.",
        f"It reads the rows from the source as they are now, scores them with today's champion, and {what}.",
    ]
    if current and not pipeline.push:
        will.append(f"Until then run {current['run_id']} stays shown; afterwards it can be rolled back to.")
    command = f"daybreak run {pipeline.name} --partition {key}"
    label = "Run again" if current else "Run"
    return Change("run", label, tuple(will), command, lambda user: _trigger(pipeline.name, user, {}, key))


def _resume(pipeline: "Pipeline", key: str) -> Change:
    will = (
        f"Airflow starts a run of {pipeline.name} for {key} with the model version that its last run planned.",
        "What the receiver has acknowledged is not sent again; what is open is sent under the same keys.",
    )
    command = f"daybreak push {pipeline.name} {key} --resume"
    return Change("resume", "Resume", will, command, lambda user: _trigger(pipeline.name, user, {"resume": True}, key))


def _replay(pipeline: "Pipeline", key: str, current: Any) -> Change:
    aside = (current["rows_quarantined"] or 0) + (current["rows_failed"] or 0)
    will = (
        f"The {aside:,} rows that run {current['run_id']} set aside are read from the source again, judged and scored.",
        "All other rows stay as they were extracted, and the model version is the same.",
        f"The whole is published in the place of run {current['run_id']}, which can be rolled back to.",
    )
    conf = {"pipeline": pipeline.name, "partition": key}
    command = f"daybreak replay {pipeline.name} {key}"
    return Change("replay", "Replay the quarantine", will, command, lambda user: _trigger(REPLAYING, user, conf, None))


def _roll_back(pipeline: "Pipeline", key: str, current: int, before: int) -> Change:
    will = (
        f"Run {before} is shown again in the place of run {current}, at once and all of it.",
        "Nothing is deleted: another run, or a replay, is shown in its place again.",
    )

    def do(user: User) -> str:
        from daybreak.run.runner import Runner

        publisher = Runner(workspace(), pipeline).publisher
        publication = publisher.roll_back(key, asked_by=user.get_name(), seen=current)
        return f"Run {publication.run_id} is the current one again."

    command = f"daybreak rollback {pipeline.name} {key}"
    return Change("rollback", f"Roll back to run {before}", will, command, do, str(current))


def _demote(pipeline: "Pipeline", model: str, user: User) -> str:
    from daybreak.promotion.promoting import demote

    before, now = demote(workspace(), pipeline.ref(model), decided_by=f"page, {user.get_name()}")
    return f"Version {now} is the champion again, version {before} is not any more."


def _published_before(publications: Any) -> int | None:
    """Return the run that a rollback leads to, as the engine chooses it; publications are the newest first."""
    current = next((row["run_id"] for row in publications if row["withdrawn_at"] is None), None)
    if current is None:
        return None
    first = max(n for n, row in enumerate(publications) if row["run_id"] == current)
    return publications[first + 1]["run_id"] if first + 1 < len(publications) else None


def _trigger(dag_id: str, user: User, conf: dict[str, Any], key: str | None) -> str:
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.exceptions import AirflowException
    from airflow.models.dag import DagModel
    from airflow.utils.types import DagRunTriggeredByType

    if not can_edit(user, dag_id):
        raise HTTPException(403, f"Your login may not start the Dag {dag_id}.")
    try:
        run = trigger_dag(
            dag_id,
            triggered_by=DagRunTriggeredByType.UI,
            triggering_user_name=user.get_name(),
            conf=conf,
            partition_key=key,
        )
    except (AirflowException, ValueError) as error:
        raise HTTPException(409, f"Airflow did not start it: {error}") from error
    known = DagModel.get_current(dag_id)
    waits = (
        " The Dag is switched off in Airflow: the run waits until it is switched on."
        if known and known.is_paused
        else ""
    )
    return f"Airflow has the run {run.run_id if run else ''} of {dag_id}.{waits}"
