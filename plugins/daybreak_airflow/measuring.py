"""Measuring as an Airflow task: a pipeline's name in, one call into the engine, counts out."""

import logging
from collections.abc import Iterable
from typing import Any

from airflow.sdk import (
    DAG,
    CronTriggerTimetable,
    TaskGroup,
    TriggerRule,
    chain,
    get_current_context,
    task,
)
from airflow.sdk.exceptions import AirflowSkipException

from daybreak_airflow.assets import retraining
from daybreak_airflow.dag_arguments import make_dag
from daybreak_airflow.declared import declared_in
from daybreak_airflow.models_page import models_page
from daybreak_airflow.schedules import first_day
from daybreak_airflow.sources import open_workspace
from daybreak_airflow.task_errors import in_one_line

log = logging.getLogger("daybreak")


def measuring_dag(module: str | None = None, *, timezone: str, doc_md: str | None = None, **arguments: Any) -> DAG:
    """Make the DAG that measures the predictions of the module's pipelines, as that of the file which calls.

    They are those of ``DAYBREAK_PIPELINES``, which the tasks know, where no module is named.
    Any argument of Airflow's ``DAG`` can be given, and wins as in ``scoring_dag``.
    """
    declared = declared_in(module)
    pipelines = declared.pipelines.values()
    ours = {
        "dag_id": "measure_predictions",
        "dag_display_name": "Measure predictions",
        "description": "What was predicted against what really happened, for every pipeline that measures something.",
        # When the day after the newest partition is over, and its actuals have landed.
        "schedule": CronTriggerTimetable("0 6 * * *", timezone=timezone),
        "start_date": first_day(timezone),
        "max_active_runs": 1,
        "tags": ["daybreak", "measure"],
        "doc_md": doc_md,
    }
    measures = [pipeline.name for pipeline in pipelines if pipeline.measures]
    retrained = [pipeline.name for pipeline in pipelines if pipeline.retrain]
    with make_dag(ours, arguments) as dag:
        watch_each(retrained, measure.expand(pipeline=measures))
    dag.doc_md = models_page(dag, declared, {"Measures": measures, "Watches": retrained})
    return dag


@task(
    map_index_template="{{ task.op_kwargs['pipeline'] }}",
    doc="Hold a pipeline's predictions against the actuals that are known by now.",  # mapped tasks lose the docstring
)
@in_one_line
def measure(pipeline: str) -> dict[str, Any]:
    """Hold a pipeline's predictions against the actuals that are known by now."""
    from daybreak.monitoring.measure import measure as measure_pipeline

    workspace = open_workspace()
    found = measure_pipeline(workspace, workspace.pipeline(pipeline))
    for one in found:
        log.info("%s: %s", one.partition, one.problem or f"{one.rows:,} of {one.predictions:,} rows, {one.metrics}")
    return {
        "measured": sum(one.problem is None for one in found),
        "waiting": sum(one.problem is not None for one in found),
    }


def watch_each(pipelines: Iterable[str], measured: Any) -> None:
    """Hold what was measured of each pipeline against its thresholds; one that is crossed asks for a training."""
    with TaskGroup("watch") as group:
        for pipeline in pipelines:
            _watch(pipeline)
    chain(measured, group)


def _watch(pipeline: str) -> Any:
    asset = retraining(pipeline)

    # One pipeline that could not be measured keeps no other one from being watched.
    @task(
        task_id=pipeline,
        outlets=[asset],
        trigger_rule=TriggerRule.ALL_DONE,
        doc="Ask for a training where error or drift has crossed what the pipeline declares.",
    )
    @in_one_line
    def watch_pipeline() -> dict[str, Any]:
        from daybreak.monitoring.retraining import watch_newest

        workspace = open_workspace()
        watched = watch_newest(workspace, workspace.pipeline(pipeline))
        if watched is None or not watched.asked:
            # A task that is skipped sends no event.
            reasons = "; ".join(watched.reasons) if watched else ""
            held_back = f": {reasons}, but {watched.held_back}" if watched and watched.held_back else ""
            raise AirflowSkipException(f"No training of {pipeline} is asked for{held_back}.")
        for reason in watched.reasons:
            log.warning("%s %s: %s.", pipeline, watched.partition, reason)
        told = {"partition": watched.partition, "reasons": list(watched.reasons)}
        get_current_context()["outlet_events"][asset].extra.update(told)
        return told

    return watch_pipeline()
