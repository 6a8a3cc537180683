"""An empty home for Airflow: it writes its files where AIRFLOW_HOME says at the moment it is imported."""

import os
import tempfile

from daybreak.settings import PROJECT


def prepare_airflow() -> None:
    """Point Airflow to a folder of its own and to this project's plugins, before its first import."""
    if "AIRFLOW_HOME" not in os.environ:
        os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(PROJECT / "dags")
    os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(PROJECT / "plugins")
