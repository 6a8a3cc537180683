"""Metrics: the numbers that the platform's tools are given, declared once; all are gauges of facts.

A task's process lives for seconds, so counters of its own would say little; what the ledger has recorded is the same
whoever asks, and whenever. A further number is a ``Metric`` here, and a function in ``metric_queries`` that gives its
samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass

OUTCOMES = ("quarantined", "failed", "scored")
STATES = ("running", "published", "superseded", "checked", "failed", "pushed", "not pushed")


@dataclass(frozen=True)
class Metric:
    """A number by labels. ``unit`` is OpenTelemetry's: ``s``, ``By``, or what is counted, in braces."""

    name: str
    help: str
    labels: tuple[str, ...]
    unit: str


@dataclass(frozen=True)
class Sample:
    """One number of a metric, with the value of each label."""

    metric: Metric
    labels: Mapping[str, str]
    value: float


_PIPELINE = ("pipeline",)

RUN_ROWS = Metric(
    "daybreak_run_rows",
    "Rows of the last run that was published or pushed, by what became of them.",
    ("pipeline", "outcome"),
    "{row}",
)
STAGE_SECONDS = Metric(
    "daybreak_run_stage_seconds",
    "How long each stage of the last run that was published or pushed took; the command line's is all.",
    ("pipeline", "stage"),
    "s",
)
EXPECTATIONS_FAILED = Metric(
    "daybreak_expectations_failed",
    "Expectations that the last run that was published or pushed did not meet.",
    ("pipeline", "severity"),
    "{expectation}",
)
RUNS = Metric("daybreak_runs", "Runs that the ledger knows, by state.", ("pipeline", "state"), "{run}")
RUN_FINISHED = Metric(
    "daybreak_run_finished_timestamp_seconds",
    "When the last run of a state finished, in seconds since 1970.",
    ("pipeline", "state"),
    "s",
)
RUNNING_SINCE = Metric(
    "daybreak_run_running_since_timestamp_seconds",
    "When the oldest of the runs that are open began, in seconds since 1970; absent where none is.",
    _PIPELINE,
    "s",
)
NEWEST_PARTITION = Metric(
    "daybreak_partition_newest_end_timestamp_seconds",
    "Where the newest partition that was published or pushed ends, in seconds since 1970.",
    _PIPELINE,
    "s",
)
PARTITIONS_LATE = Metric(
    "daybreak_partitions_late",
    "Of the last partitions, those that are due and not there; of pipelines that declare by when.",
    _PIPELINE,
    "{partition}",
)
LATENESS = Metric(
    "daybreak_lateness_seconds",
    "How long the partition that has been due longest is overdue; 0 where none is.",
    _PIPELINE,
    "s",
)
COLUMNS_DRIFTED = Metric(
    "daybreak_columns_drifted",
    "Columns whose distribution was too far from that of the training when drift was measured last.",
    _PIPELINE,
    "{column}",
)
DELIVERIES_OPEN = Metric(
    "daybreak_deliveries_open",
    "Chunks that were to be delivered and that the receiver has not acknowledged.",
    _PIPELINE,
    "{chunk}",
)
DELIVERIES_OPEN_SINCE = Metric(
    "daybreak_deliveries_open_since_timestamp_seconds",
    "When the oldest of them was taken up, in seconds since 1970; absent where none is open.",
    _PIPELINE,
    "s",
)
TABLE_BYTES = Metric(
    "daybreak_table_bytes",
    "Size of a table of predictions or of the ledger, with its indexes.",
    ("schema", "table"),
    "By",
)
SNAPSHOT_BYTES = Metric(
    "daybreak_snapshot_bytes",
    "Size of a pipeline's snapshots, where they are kept in a folder; a bucket's size is told by its own service.",
    _PIPELINE,
    "By",
)

METRICS = (
    RUN_ROWS,
    STAGE_SECONDS,
    EXPECTATIONS_FAILED,
    RUNS,
    RUN_FINISHED,
    RUNNING_SINCE,
    NEWEST_PARTITION,
    PARTITIONS_LATE,
    LATENESS,
    COLUMNS_DRIFTED,
    DELIVERIES_OPEN,
    DELIVERIES_OPEN_SINCE,
    TABLE_BYTES,
    SNAPSHOT_BYTES,
)
