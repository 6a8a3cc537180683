"""The DAG of a pipeline, made from its declaration."""

from typing import Any

from airflow.sdk import DAG, chain

from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError
from daybreak_airflow import parameters, schedules, stages
from daybreak_airflow.assets import predictions
from daybreak_airflow.dag_arguments import make_dag
from daybreak_airflow.scoring_page import scoring_page


def scoring_dag(pipeline: Pipeline, *, doc_md: str | None = None, **arguments: Any) -> DAG:
    """Make the DAG of a pipeline, as that of the file which calls.

    Stages, schedule, parameters and all else follow from the declaration. ``doc_md`` is what is special about the
    pipeline, in Markdown; what the declaration says is put below it. Any argument of Airflow's ``DAG`` can be given,
    and wins: of ``params`` and ``default_args`` the keys that are given, ``on_failure_callback`` beside ours.
    """
    if not isinstance(pipeline, Pipeline):
        raise ConfigurationError(
            f"scoring_dag was given {pipeline!r:.50}, which is no Pipeline.",
            next_step="give it the pipeline's constant, as in `scoring_dag(DEMAND_FORECAST, doc_md=__doc__)`.",
        )
    declared = {
        "dag_id": pipeline.name,
        "dag_display_name": pipeline.display_name,
        "description": pipeline.description,
        "start_date": schedules.first_day(pipeline.timezone),
        "schedule": schedules.scoring(pipeline),
        "max_active_runs": 4,
        "default_args": schedules.RETRIES | ({"owner": pipeline.owner} if pipeline.owner else {}),
        "params": parameters.scoring(pipeline),
        "on_failure_callback": stages.close_run,
        "tags": ["daybreak", "push" if pipeline.push else "publish", *pipeline.tags],
        "doc_md": doc_md,
    }
    with make_dag(declared, arguments) as dag:
        _declare_stages(pipeline)
    dag.doc_md = scoring_page(pipeline, dag, own_schedule="schedule" in arguments)
    return dag


def _declare_stages(pipeline: Pipeline) -> None:
    plan = stages.plan(pipeline.name)
    snapshot = stages.extract(plan)
    validated = stages.validate(plan, snapshot)
    if pipeline.push:
        pushed = stages.push(plan, validated)
        # Setups are cleared with the task that needs them; a teardown runs whatever came of it, and hides no failure.
        chain(pushed, stages.discard(plan).as_teardown(setups=[plan, snapshot, validated]))
        return
    counts = stages.score(plan, validated)
    published = stages.publish(plan, counts, predictions(pipeline.name, pipeline.group))
    if pipeline.shadow:
        stages.shadow(plan, validated, published)
