"""An empty home for Airflow: it writes its files where AIRFLOW_HOME says at the moment it is imported."""

import atexit
import os
import shutil
import tempfile
from functools import cache

from daybreak.settings import PROJECT


@cache
def prepare_airflow() -> None:
    """Point Airflow to a folder of this process's own and to this project's plugins, before its first import.

    What the environment says is somebody's own Airflow, or that of the process that has started this one.
    """
    home = tempfile.mkdtemp(prefix="airflow-home-")
    os.environ["AIRFLOW_HOME"] = home
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(PROJECT / "dags")
    os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(PROJECT / "plugins")
