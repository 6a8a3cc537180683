"""The DAGs as Airflow's dag-processor reads them."""

from typing import TYPE_CHECKING

import pytest

from airflow_home import prepare_airflow
from daybreak.settings import PROJECT

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

prepare_airflow()


@pytest.fixture(scope="session")
def bag() -> "DagBag":
    """Parse dags/ once."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(PROJECT / "dags"))
