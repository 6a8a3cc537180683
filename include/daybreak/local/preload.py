"""Import what tasks need once, before the scheduler forks the workers that fork the tasks.

LocalExecutor's workers are forks of the scheduler and tasks are forks of the workers, so what the scheduler imported
costs a task nothing. Great Expectations, scikit-learn and MLflow take a task four seconds otherwise, each time, and the
engine half a second. What parses DAG files forks a process for each of them, every minute, and imports what declares.

A pipeline is never imported ahead: whoever changes it finds the change in the next task.

Importing starts no thread of Python's. The threads that OpenBLAS and Arrow start when they are loaded are theirs to
mend after a fork, and they do; OpenMP starts its own in the task, at the first parallel loop.
"""

import gc
import importlib
import logging
import os
import sys
import warnings

from daybreak.garbage import collect_seldom

MODULES = (
    "skops.io",  # looks through all modules that are there, which are the fewest now
    "great_expectations",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.pipeline",
    "mlflow",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "pandas",
    "pyarrow.parquet",
    "adbc_driver_postgresql.dbapi",
)
# What a DAG file imports, and each task once more, besides what makes a DAG: that comes with the plugin.
DECLARING = ("daybreak.settings", "daybreak.declaration.loading")
ENGINE = (
    "daybreak.run.runner",
    "daybreak.run.judge",
    "daybreak.run.replay",
    "daybreak.push.client",
    "daybreak.push.resuming",
    "daybreak.push.runner",
    "daybreak.training.scheduled",
    "daybreak.promotion.promoting",
    "daybreak.monitoring.lineage_events",
    "daybreak.monitoring.measure",
    "daybreak.monitoring.retraining",
    "daybreak.monitoring.watching",
)
_OF_PROCESS = {"scheduler": (*MODULES, *DECLARING, *ENGINE), "dag-processor": DECLARING}


def before_the_first_fork() -> None:
    """Import the modules when this process is about to fork for the first time.

    Airflow's other processes read the same local settings and never fork, so they do not pay.
    """
    collect_seldom()
    if modules := _OF_PROCESS.get("".join(sys.argv[1:2])):
        os.register_at_fork(before=lambda: _import_once(modules))


def _import_once(modules: tuple[str, ...]) -> None:
    if not _done:
        _done.append(True)
        logging.disable(logging.INFO)  # Great Expectations writes 280 lines while it is imported
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what concerns a user is said again where the module is used
            for module in modules:
                try:
                    importlib.import_module(module)
                except ImportError as error:
                    logging.getLogger(__name__).warning("%s cannot be imported ahead of tasks: %s", module, error)
        logging.disable(logging.NOTSET)
        gc.freeze()  # the collector would otherwise touch, and so copy, these pages in every fork


_done: list[bool] = []
