"""Replay as an Airflow task: quarantined rows get another try."""

import logging
from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task

from daybreak_airflow.dag_arguments import make_dag
from daybreak_airflow.declared import declared_in
from daybreak_airflow.models_page import models_page
from daybreak_airflow.schedules import first_day
from daybreak_airflow.sources import open_workspace
from daybreak_airflow.task_errors import in_one_line

Reference = dict[str, Any]
DAG_ID = "replay_quarantine"
log = logging.getLogger("daybreak")


def replaying_dag(module: str | None = None, *, doc_md: str | None = None, **arguments: Any) -> DAG:
    """Make the DAG that replays what the module's pipelines have in quarantine, as that of the file which calls.

    They are those of ``DAYBREAK_PIPELINES``, which the tasks know, where no module is named.
    Any argument of Airflow's ``DAG`` can be given, and wins as in ``scoring_dag``.
    """
    declared = declared_in(module)
    names = [name for name, pipeline in declared.pipelines.items() if pipeline.push is None]
    ours = {
        "dag_id": DAG_ID,
        "dag_display_name": "Replay quarantine",
        "description": "Give the quarantined rows of a published partition another try.",
        "schedule": None,
        # It runs when it is asked for, and never by itself: there is nothing to be switched on.
        "is_paused_upon_creation": False,
        "start_date": first_day("UTC"),
        "max_active_runs": 4,
        "params": {
            "pipeline": Param(names[0] if names else None, enum=names, description="Whose rows are replayed."),
            "partition": Param("", type="string", description="Its partition's key, such as a day YYYY-MM-DD."),
            "from": Param(
                "source", enum=["source", "snapshot"], description="Read the rows again, or take them as extracted."
            ),
        },
        "tags": ["daybreak"],
        "doc_md": doc_md,
    }
    with make_dag(ours, arguments) as dag:
        replay("{{ params.pipeline }}", "{{ params.partition }}")
    dag.doc_md = models_page(dag, declared, {"Replays": names})
    return dag


@task
@in_one_line
def replay(pipeline: str, partition: str) -> Reference:
    """Validate and score the quarantined rows again, and publish all rows anew."""
    from daybreak.run.replay import replay as replay_rows
    from daybreak.run.runner import Runner

    context = get_current_context()
    run, workspace = context["dag_run"], open_workspace()
    runner = Runner(workspace, workspace.pipeline(pipeline), f"{run.dag_id}/{run.run_id}")
    plan, counts, publication = replay_rows(
        runner,
        runner.pipeline.calendar.partition(partition).key,
        read_source=context["params"].get("from", "source") == "source",
        asked_by=run.triggering_user_name,
    )
    log.info("Run %s: %s rows are in quarantine still.", plan.run_id, f"{counts.rows_quarantined:,}")
    return {"run_id": publication.run_id, "partition": plan.partition.key}
