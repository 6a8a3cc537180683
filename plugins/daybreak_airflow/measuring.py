"""Measuring as an Airflow task: a pipeline's name in, one call into the engine, counts out."""

import logging
from typing import Any

from airflow.sdk import task

log = logging.getLogger("daybreak")


@task(
    map_index_template="{{ task.op_kwargs['pipeline'] }}",
    doc="Hold a pipeline's predictions against the actuals that are known by now.",  # mapped tasks lose the docstring
)
def measure(pipeline: str) -> dict[str, Any]:
    """Hold a pipeline's predictions against the actuals that are known by now."""
    from daybreak.measure import measure as measure_pipeline
    from daybreak.settings import Settings
    from daybreak.workspace import Workspace

    workspace = Workspace(Settings())
    found = measure_pipeline(workspace, workspace.pipeline(pipeline))
    for one in found:
        log.info("%s: %s", one.day, one.problem or f"{one.rows:,} of {one.predictions:,} rows, {one.metrics}")
    return {
        "measured": sum(one.problem is None for one in found),
        "waiting": sum(one.problem is not None for one in found),
    }
