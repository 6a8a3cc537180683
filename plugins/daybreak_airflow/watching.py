"""Watching as an Airflow task: one look at all pipelines, one call into the engine, counts out."""

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, get_current_context, task

from daybreak_airflow.dag_arguments import make_dag
from daybreak_airflow.declared import declared_in
from daybreak_airflow.models_page import models_page
from daybreak_airflow.schedules import first_day
from daybreak_airflow.sources import open_workspace
from daybreak_airflow.task_errors import in_one_line

log = logging.getLogger("daybreak")


def watching_dag(module: str | None = None, *, minutes: int = 5, doc_md: str | None = None, **arguments: Any) -> DAG:
    """Make the DAG that watches the module's pipelines every so many minutes, as that of the file which calls.

    They are those of ``DAYBREAK_PIPELINES``, which the task knows, where no module is named.
    Any argument of Airflow's ``DAG`` can be given, and wins as in ``scoring_dag``.
    """
    declared = declared_in(module)
    ours = {
        "dag_id": "watch",
        "dag_display_name": "Watch",
        "description": "What is late, has failed or is unlike usual is an incident; who wants to know is told.",
        "schedule": CronTriggerTimetable(f"*/{minutes} * * * *", timezone="UTC"),
        "start_date": first_day("UTC"),
        # A look that hangs must not keep the next one away; one that was missed is made up for by the next.
        "max_active_runs": 1,
        # Where it has to be switched on first, nobody is told that nothing was switched on.
        "is_paused_upon_creation": False,
        "dagrun_timeout": timedelta(minutes=minutes) - timedelta(seconds=30),
        "default_args": {"retries": 0},
        "tags": ["daybreak", "watch"],
        "doc_md": doc_md,
    }
    with make_dag(ours, arguments) as dag:
        look()
    dag.doc_md = models_page(dag, declared, {"Watches": list(declared.pipelines)})
    return dag


@task
@in_one_line
def look() -> dict[str, int]:
    """Look at all pipelines once; a channel that fails is told in the log, and is an incident itself."""
    from daybreak.monitoring.watching import Watch

    run = get_current_context()["dag_run"]
    found = Watch(open_workspace(), by=f"{run.dag_id}/{run.run_id}").look()
    for verb, rows in (("opened", found.changed.opened), ("closed", found.changed.closed)):
        for row in rows:
            place = " ".join(part for part in (row["pipeline"], row["partition_key"]) if part)
            log.warning("Incident %s %s: %s, %s.", row["incident_id"], verb, place, row["kind"])
    for channel, problem in found.failed.items():
        log.warning("Channel '%s': %s. Next: check DAYBREAK_ALERT_%s.", channel, problem, channel.upper())
    return {
        "needs": len(found.needs),
        "opened": len(found.changed.opened),
        "closed": len(found.changed.closed),
        "sent": sum(found.sent.values()),
    }
