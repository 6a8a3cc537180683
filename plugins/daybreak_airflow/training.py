"""Training as Airflow tasks: what is due, one training for each pipeline, and the alias of what came of it.

A fitted model is in the memory of one task and travels nowhere: fitting, measuring and registering are one task.
"""

import logging
from datetime import date
from typing import Any

from airflow.sdk import DAG, get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from daybreak_airflow.dag_arguments import make_dag
from daybreak_airflow.declared import declared_in
from daybreak_airflow.models_page import models_page
from daybreak_airflow.parameters import TRAINING
from daybreak_airflow.schedules import first_day, weekly
from daybreak_airflow.sources import open_workspace
from daybreak_airflow.task_errors import in_one_line

Reference = dict[str, Any]
log = logging.getLogger("daybreak")


def training_dag(module: str | None = None, *, timezone: str, doc_md: str | None = None, **arguments: Any) -> DAG:
    """Make the DAG that trains the models of the module's pipelines, as that of the file which calls.

    They are those of ``DAYBREAK_PIPELINES``, which the tasks know, where no module is named.
    Any argument of Airflow's ``DAG`` can be given, and wins as in ``scoring_dag``.
    """
    declared = declared_in(module)
    names, retrained = list(declared.pipelines), [one.name for one in declared.pipelines.values() if one.retrain]
    ours = {
        "dag_id": "train_models",
        "dag_display_name": "Train models",
        "description": "Search, fit, measure and register every pipeline's model: weekly, and when measurements ask.",
        "schedule": weekly(timezone, retrained),
        "start_date": first_day(timezone),
        "max_active_runs": 1,
        "params": TRAINING,
        "tags": ["daybreak", "models"],
        "doc_md": doc_md,
    }

    @task_group
    def pipeline(pipeline: str) -> None:
        trained = train(due=due(pipeline=pipeline))
        challenge(trained=trained)

    with make_dag(ours, arguments) as dag:
        pipeline.expand(pipeline=choose(names))
    dag.doc_md = models_page(dag, declared, {"Trains": names})
    return dag


@task
@in_one_line
def choose(declared: list[str]) -> list[str]:
    """Say which pipelines are trained: those that were asked for, or all."""
    from daybreak.training.scheduled import chosen

    context = get_current_context()
    asked_for = _asked_for()
    names = chosen(declared, context["params"].get("pipelines") or (), asked_for)
    log.info("%s: %s.", "Trained" if asked_for is None else "Measurements asked for", ", ".join(names))
    return names


# What names a mapped task in the UI is read from its arguments by name, so they are given by name.
@task(map_index_template="{{ task.op_kwargs['pipeline'] }}")
@in_one_line
def due(*, pipeline: str) -> Reference:
    """Decide the last day that the training may see; skip what was trained within the cool-down."""
    from daybreak.training.scheduled import cutoff, held_back

    context = get_current_context()
    as_of, workspace = context["dag_run"].run_after, open_workspace()
    declared = workspace.pipeline(pipeline)
    if _asked_for() is not None and (why := held_back(workspace, declared, as_of)):
        raise AirflowSkipException(f"{pipeline} is not trained: {why}.")
    through = cutoff(workspace, declared, context["params"].get("through"), as_of)
    log.info("%s is trained through %s.", pipeline, through)
    return {"pipeline": pipeline, "through": through.isoformat()}


# One at a time: a search uses every core.
@task(map_index_template="{{ task.op_kwargs['due']['pipeline'] }}", max_active_tis_per_dagrun=1)
@in_one_line
def train(*, due: Reference) -> Reference:
    """Search the declared settings, fit the best, hold it against its baseline, and register it."""
    from daybreak.settings import share_cores
    from daybreak.training.scheduled import train_once

    share_cores()
    context, workspace = get_current_context(), open_workspace()
    run = context["dag_run"]
    versions = train_once(
        workspace,
        workspace.pipeline(due["pipeline"]),
        date.fromisoformat(due["through"]),
        origin=f"{run.dag_id}/{run.run_id}/{due['pipeline']}",
        search=bool(context["params"].get("search", True)),
        progress=lambda step: log.info("%s.", step),
    )
    for version in versions:
        log.info("%s version %s: %s", version.name, version.version, version.metrics)
    return {"pipeline": due["pipeline"], "versions": [version.version for version in versions]}


@task(map_index_template="{{ task.op_kwargs['trained']['pipeline'] }}")
@in_one_line
def challenge(*, trained: Reference) -> Reference:
    """Make the new version the challenger, or the champion where there is none."""
    from daybreak.training.train import challenge as point

    workspace, run = open_workspace(), get_current_context()["dag_run"]
    pipeline = workspace.pipeline(trained["pipeline"])
    aliases = point(workspace, pipeline, trained["versions"], first=True, decided_by=f"{run.dag_id}/{run.run_id}")
    for ref, version, alias in zip(pipeline.model_refs, trained["versions"], aliases, strict=True):
        log.info("%s version %s is the %s.", ref.name, version, alias)
    return {**trained, "aliases": aliases}


def _asked_for() -> list[str] | None:
    """Return the pipelines whose events started the run, or None where no event did."""
    from daybreak_airflow.assets import retrained

    context = get_current_context()
    if context["dag_run"].run_type.value != "asset_triggered":
        return None
    return [retrained(asset) for asset in context["triggering_asset_events"]]
