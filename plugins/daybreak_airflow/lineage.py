"""Lineage: what Airflow's OpenLineage provider is told of a task besides what it knows by itself.

The provider's run ids are the same for each backfill of a partition, so the run of the ledger is in a facet. Its own
transport sends the events; one that does not answer holds no task's slot for longer than ``PATIENCE`` says.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context

if TYPE_CHECKING:
    from daybreak.run.plan import Plan
    from daybreak.run.runner import Runner

log = logging.getLogger("daybreak")


@contextmanager
def told_of(runner: "Runner", plan: "Plan", *datasets: str) -> Iterator[None]:
    """Tell at the end of the body, and also where it raises, of the run and its ``inputs`` or ``outputs``."""
    try:
        yield
    finally:
        if find_spec("airflow.providers.openlineage") is not None:
            _tell_in_time(runner, plan, datasets)


def _tell_in_time(runner: "Runner", plan: "Plan", datasets: tuple[str, ...]) -> None:
    from daybreak.monitoring.lineage_sending import PATIENCE
    from daybreak.telemetry.run_context import carried

    instance = get_current_context()["ti"]
    telling = carried(lambda: _tell(runner, plan, datasets, instance))
    thread = threading.Thread(target=telling, name="daybreak-lineage", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive():
        log.warning("Lineage was not sent within %g s. Next: check the transport of [openlineage].", PATIENCE)


def _tell(runner: "Runner", plan: "Plan", datasets: tuple[str, ...], instance: Any) -> None:
    from airflow.providers.openlineage.api import emit_dataset_lineage, is_openlineage_active

    if not is_openlineage_active():
        return
    try:
        from daybreak.monitoring.lineage_events import RunLineage

        lineage = RunLineage(runner.workspace, runner.pipeline, plan.run_id, getattr(runner, "receiver", None))
        emit_dataset_lineage(
            inputs=lineage.inputs() if "inputs" in datasets else [],
            outputs=lineage.outputs() if "outputs" in datasets else [],
            additional_run_facets=lineage.run_facets(),
            task_instance=instance,
        )
    except Exception as error:
        log.warning("Lineage was not sent: %s. Next: the run itself is not concerned.", type(error).__name__)
