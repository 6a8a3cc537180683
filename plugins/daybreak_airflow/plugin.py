"""What Airflow has to know of Daybreak by name: the timetable that its scheduler and its API make again."""

from airflow.plugins_manager import AirflowPlugin

from daybreak_airflow.partition_timetable import PartitionTimetable


class DaybreakPlugin(AirflowPlugin):
    """Register the timetable, so that a DAG that was written to the database can be read again."""

    name = "daybreak"
    timetables = (PartitionTimetable,)
