"""DAGs that do next to nothing, for the local Airflow to run."""

import json
import os
import sys
import time
from pathlib import Path

import pendulum
from airflow.sdk import Asset, CronPartitionTimetable, Param, PartitionedAssetTimetable, dag, task

NEW_YORK = "America/New_York"
DAILY = CronPartitionTimetable("0 0 * * *", timezone=NEW_YORK, run_offset=-1, key_format="%Y-%m-%d")


@dag(
    schedule=DAILY,
    start_date=pendulum.datetime(2026, 1, 1, tz=NEW_YORK),
    catchup=False,
    params={"note": Param("none", type="string")},
)
def partitioned():
    @task
    def look(**context):
        seen = {
            "note": context["params"]["note"],
            "imported": "great_expectations" in sys.modules,
            "variables": {name: value for name, value in os.environ.items() if name.startswith("DAYBREAK_")},
        }
        Path(os.environ["DAYBREAK_PROJECT"], f"{context['partition_key']}.json").write_text(json.dumps(seen))

    look()


@dag(
    schedule=CronPartitionTimetable("0 6 * * *", timezone=NEW_YORK, run_offset=-1, key_format="%Y-%m-%d"),
    start_date=pendulum.datetime(2026, 1, 1, tz=NEW_YORK),
    catchup=False,
)
def at_six():
    @task
    def nothing():
        pass

    nothing()


published = Asset("published")


@dag(schedule=DAILY, start_date=pendulum.datetime(2026, 1, 1, tz=NEW_YORK), catchup=False)
def publishes():
    @task(outlets=[published])
    def publish(**context):
        context["outlet_events"][published].add_partitions(context["partition_key"])

    publish()


@dag(
    schedule=PartitionedAssetTimetable(assets=published),
    start_date=pendulum.datetime(2026, 1, 1, tz=NEW_YORK),
    catchup=False,
)
def follows():
    @task
    def nothing():
        pass

    nothing()


@dag(schedule=None)
def sleepy():
    @task
    def sleep():
        time.sleep(600)

    sleep()


partitioned()
at_six()
publishes()
follows()
sleepy()
