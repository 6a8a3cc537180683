"""Promotion as Airflow tasks: judge, ask a person, move the alias or leave it."""

import logging
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import DAG, Param, chain, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from daybreak_airflow.dag_arguments import make_dag
from daybreak_airflow.declared import declared_in
from daybreak_airflow.models_page import models_page
from daybreak_airflow.schedules import first_day
from daybreak_airflow.sources import open_workspace
from daybreak_airflow.task_errors import in_one_line

Reference = dict[str, Any]
APPROVE, REJECT = "Approve", "Reject"
log = logging.getLogger("daybreak")


def promoting_dag(module: str | None = None, *, doc_md: str | None = None, **arguments: Any) -> DAG:
    """Make the DAG that judges challengers of the module's pipelines, as that of the file which calls.

    They are those of ``DAYBREAK_PIPELINES``, which the tasks know, where no module is named.
    Any argument of Airflow's ``DAG`` can be given, and wins as in ``scoring_dag``.
    """
    declared = declared_in(module)
    names = list(declared.pipelines)
    ours = {
        "dag_id": "promote_models",
        "dag_display_name": "Promote models",
        "description": "Judge a pipeline's challenger; a person approves, and it is the champion.",
        "schedule": None,
        # It runs when it is asked for, and never by itself: there is nothing to be switched on.
        "is_paused_upon_creation": False,
        "start_date": first_day("UTC"),
        "max_active_runs": 4,
        "params": {
            "pipeline": Param(names[0] if names else None, enum=names, description="Whose challenger is judged."),
            "model": Param(None, type=["null", "string"], description="Which one, where each segment has its own."),
            "approved": Param(
                False,
                type="boolean",
                description="Whoever starts the run approves: nobody is asked when it was judged.",
            ),
        },
        "tags": ["daybreak", "models"],
        "doc_md": doc_md,
    }
    with make_dag(ours, arguments) as dag:
        judged, answer = judge("{{ params.pipeline }}", "{{ params.model or '' }}"), ask()
        chain(judged, answer)
        settle(judged, answer.output)
    dag.doc_md = models_page(dag, declared, {"Judges": names})
    return dag


@task
@in_one_line
def judge(pipeline: str, model: str = "") -> Reference:
    """Judge the challenger; a refusal is written down, and nothing is moved unless the settings say so."""
    from daybreak.promotion.promoting import promote

    workspace, context = open_workspace(), get_current_context()
    approved = bool(context["params"].get("approved"))
    who = context["dag_run"].triggering_user_name or "nobody that is known"
    verdict = promote(
        workspace,
        workspace.pipeline(pipeline),
        model=model or None,
        approved=approved or workspace.settings.promote_automatically,
        decided_by=f"{_decided_by()}, approved by {who}" if approved else _decided_by(),
    )
    for check in verdict.checks:
        log.info("%s: %s (%s)", check.name, check.met, check.says)
    if not verdict.accepted:
        raise AirflowSkipException(f"Version {verdict.challenger} stays a challenger: {verdict.reason}.")
    if verdict.moved:
        raise AirflowSkipException(f"Version {verdict.challenger} is the champion; no approval was asked for.")
    return {
        "pipeline": pipeline,
        "model": verdict.model,
        "version": verdict.challenger,
        "champion": verdict.champion,
        "checks": "\n".join(
            f"* {check.name}{'' if check.met else ' (not judged)'}: {check.says}" for check in verdict.checks
        ),
    }


def ask() -> HITLOperator:
    """Ask a person, who sees what was judged."""
    judged = "ti.xcom_pull(task_ids='judge')"
    return HITLOperator(
        task_id="ask",
        subject=f"Make version {{{{ {judged}['version'] }}}} of {{{{ {judged}['model'] }}}} the champion?",
        body=f"It passed every check that could be made.\n\n{{{{ {judged}['checks'] }}}}",
        options=[APPROVE, REJECT],
        doc="Ask a person, who sees what was judged.",
    )


@task
@in_one_line
def settle(judged: Reference, answer: Reference) -> Reference:
    """Judge once more and move the alias, or write down that a person refused."""
    from daybreak.promotion.promoting import promote, reject

    workspace = open_workspace()
    pipeline = workspace.pipeline(judged["pipeline"])
    who = (answer.get("responded_by_user") or {}).get("name", "nobody that is known")
    decided_by = f"{_decided_by()}, answered by {who}"
    if answer["chosen_options"] != [APPROVE]:
        reject(workspace, pipeline, judged["version"], decided_by, model=judged["model"])
        raise AirflowSkipException(f"Version {judged['version']} was rejected by {who}.")
    verdict = promote(workspace, pipeline, model=judged["model"], version=judged["version"], decided_by=decided_by)
    if not verdict.moved:
        raise AirflowSkipException(f"Version {verdict.challenger} stays a challenger: {verdict.reason}.")
    log.info("Version %s of %s is the champion.", verdict.challenger, judged["model"])
    return {"pipeline": judged["pipeline"], "model": judged["model"], "champion": verdict.challenger}


def _decided_by() -> str:
    run = get_current_context()["dag_run"]
    return f"{run.dag_id}/{run.run_id}"
