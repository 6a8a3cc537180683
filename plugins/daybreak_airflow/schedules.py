"""Schedules: one run for each partition, in the pipeline's own time zone, or for each that another publishes.

Each kind is imported where it is used: most DAG files want one, and they are parsed over and over.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowRuntimeError

from daybreak.declaration.partition import Calendar
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError, TerminalError, TransientError
from daybreak_airflow.assets import predictions, retraining

if TYPE_CHECKING:
    from airflow.sdk import AssetOrTimeSchedule, PartitionedAssetTimetable

    from daybreak_airflow.partition_timetable import PartitionTimetable


def daily(timezone: str) -> "PartitionTimetable":
    """Run when a local day is over, for that day; its key is YYYY-MM-DD."""
    return by_calendar(Calendar(timezone))


def by_calendar(calendar: Calendar, ready_after: timedelta = timedelta(0)) -> "PartitionTimetable":
    """Run for each partition of a calendar when it is over and ``ready_after`` has passed."""
    from daybreak_airflow.partition_timetable import PartitionTimetable

    return PartitionTimetable(calendar, ready_after)


def after(upstream: str, group: str = "predictions") -> "PartitionedAssetTimetable":
    """Run whenever the upstream pipeline publishes a partition, with the same key, backfilled and run again too.

    One upstream only: with two, Airflow may start a run when it has heard of one of them. ``group`` is that of the
    upstream's asset: of two DAGs that differ about it, Airflow believes the one that it has read last.
    """
    from airflow.sdk import PartitionedAssetTimetable

    return PartitionedAssetTimetable(assets=predictions(upstream, group))


def first_day(timezone: str) -> datetime:
    """Return the midnight from which on Airflow makes runs; it backfills no partition before it."""
    try:
        return datetime(2017, 1, 1, tzinfo=ZoneInfo(timezone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"There is no time zone '{timezone}'.", next_step="write one as it is called, such as America/New_York."
        ) from error


def scoring(pipeline: Pipeline) -> "PartitionTimetable | PartitionedAssetTimetable":
    """Run when the pipeline's partitions are due: by its calendar, or with those of its upstream."""
    if pipeline.upstream:
        return after(pipeline.upstream, pipeline.group)
    return by_calendar(pipeline.calendar, pipeline.ready_after)


def weekly(timezone: str, pipelines: Sequence[str]) -> "AssetOrTimeSchedule":
    """Run on Monday morning, when Sunday is complete, and whenever measurements ask for one of the pipelines.

    Events with a partition's key start no such run: whoever asks does so in a run that has none.
    """
    from airflow.sdk import AssetAny, AssetOrTimeSchedule, CronTriggerTimetable

    return AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 7 * * 1", timezone=timezone),
        assets=AssetAny(*(retraining(pipeline) for pipeline in pipelines)),
    )


# Transient faults are waited out for about a quarter of an hour; a terminal one fails at once, and so does one that
# nobody has foreseen: five more tries would hide it.
RETRIES: dict[str, Any] = {
    "retries": 5,
    "retry_delay": timedelta(seconds=15),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=5),
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(TerminalError, action=RetryAction.FAIL, reason="The same input would fail again."),
            RetryRule([TransientError, ConnectionError, TimeoutError, AirflowRuntimeError], action=RetryAction.DEFAULT),
            RetryRule(Exception, action=RetryAction.FAIL, reason="Nobody has foreseen it: it is not tried again."),
        ]
    ),
}
