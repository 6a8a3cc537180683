"""What Airflow has to know of Daybreak by name: the timetable that its processes make again, and the pages it shows."""

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

# Airflow loads plugins before it forks a process for each DAG file and each task. What makes a DAG is imported here, so
# that each of those finds it and takes half of the time. It needs no more than Airflow itself requires.
from daybreak_airflow import measuring, promoting, replaying, scoring, training, watching  # noqa: F401
from daybreak_airflow.pages import Pages
from daybreak_airflow.partition_timetable import PartitionTimetable


class DaybreakPlugin(AirflowPlugin):
    """Register the timetable, so that a DAG that was written to the database can be read again, and the pages."""

    name = "daybreak"
    timetables = (PartitionTimetable,)
    fastapi_apps: ClassVar = [{"name": "daybreak", "app": Pages(), "url_prefix": "/daybreak"}]
    # Without a leading slash they are found under any base URL; what has a route is shown within Airflow.
    external_views: ClassVar = [
        {"name": "Daybreak", "href": "daybreak/today", "destination": "nav", "url_route": "daybreak"},
        {"name": "Daybreak", "href": "daybreak/dags/{DAG_ID}", "destination": "dag", "url_route": "daybreak-dag"},
        {
            "name": "Daybreak",
            "href": "daybreak/dags/{DAG_ID}/runs/{RUN_ID}",
            "destination": "dag_run",
            "url_route": "daybreak-run",
        },
    ]
