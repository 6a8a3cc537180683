"""Metric queries: the samples of each metric, from one consistent state of the ledger."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from daybreak.ledger.tables import deliveries, drift, expectation_results, runs
from daybreak.monitoring import metrics
from daybreak.monitoring.metrics import Metric, Sample
from daybreak.monitoring.reading import reading
from daybreak.monitoring.standing import read_standing
from daybreak.tables.names import SCHEMA
from daybreak.workspace import Workspace

_DONE = ("published", "pushed")
# Their own sizes, not those of the indexes and TOAST tables that belong to them.
_SIZES = sa.text(
    "SELECT schemaname, tablename, "
    "pg_total_relation_size(format('%I.%I', schemaname, tablename)::regclass) "
    "FROM pg_tables WHERE schemaname IN ('ledger', :predictions) ORDER BY 1, 2"
)


def read_samples(workspace: Workspace) -> list[Sample]:
    """Read all metrics, within seconds; raise TransientError where the warehouse is away."""
    with reading(workspace.warehouse) as connection:
        found = [*_of_last_runs(connection), *_of_all_runs(connection), *_of_deliveries(connection)]
        found += _of_drift(connection)
        found += [
            Sample(metrics.TABLE_BYTES, {"schema": schema, "table": table}, size)
            for schema, table, size in connection.execute(_SIZES, {"predictions": SCHEMA}).tuples()
        ]
    return [*found, *_of_lateness(workspace), *_of_snapshots(workspace.settings.batches)]


def _of_last_runs(connection: Connection) -> Iterator[Sample]:
    columns = (runs.c.run_id, runs.c.pipeline, runs.c.seconds)
    counts = [runs.c[f"rows_{outcome}"] for outcome in metrics.OUTCOMES]
    last = (
        sa.select(*columns, *counts)
        .distinct(runs.c.pipeline)
        .where(runs.c.state.in_(_DONE))
        .order_by(runs.c.pipeline, runs.c.run_id.desc())
    )
    of_run: dict[int, str] = {}
    for run in connection.execute(last).mappings():
        of_run[run["run_id"]] = pipeline = run["pipeline"]
        for outcome in metrics.OUTCOMES:
            yield Sample(
                metrics.RUN_ROWS, {"pipeline": pipeline, "outcome": outcome}, float(run[f"rows_{outcome}"] or 0)
            )
        for stage, seconds in sorted((run["seconds"] or {}).items()):
            yield Sample(metrics.STAGE_SECONDS, {"pipeline": pipeline, "stage": stage}, float(seconds))
    said = (
        sa.select(expectation_results.c.run_id, expectation_results.c.severity)
        .add_columns(sa.func.count().filter(expectation_results.c.success.is_(False)))
        .where(expectation_results.c.run_id.in_(of_run))
        .group_by(expectation_results.c.run_id, expectation_results.c.severity)
        .order_by(expectation_results.c.run_id, expectation_results.c.severity)
    )
    for run_id, severity, failed in connection.execute(said).tuples():
        yield Sample(metrics.EXPECTATIONS_FAILED, {"pipeline": of_run[run_id], "severity": severity}, failed)


def _of_all_runs(connection: Connection) -> Iterator[Sample]:
    done = runs.c.state.in_(_DONE)
    by_state = (
        sa.select(runs.c.pipeline, runs.c.state, sa.func.count(), sa.func.max(runs.c.finished_at))
        .group_by(runs.c.pipeline, runs.c.state)
        .order_by(runs.c.pipeline, runs.c.state)
    )
    for pipeline, state, count, finished in connection.execute(by_state).tuples():
        labels = {"pipeline": pipeline, "state": state}
        yield Sample(metrics.RUNS, labels, count)
        if state != "running":
            yield from _at(metrics.RUN_FINISHED, finished, labels)
    times = (
        sa.select(runs.c.pipeline)
        .add_columns(sa.func.min(runs.c.started_at).filter(runs.c.state == "running"))
        .add_columns(sa.func.max(runs.c.window_end).filter(done))
        .group_by(runs.c.pipeline)
        .order_by(runs.c.pipeline)
    )
    for pipeline, since, newest in connection.execute(times).tuples():
        yield from _at(metrics.RUNNING_SINCE, since, {"pipeline": pipeline})
        yield from _at(metrics.NEWEST_PARTITION, newest, {"pipeline": pipeline})


def _of_deliveries(connection: Connection) -> Iterator[Sample]:
    is_open = deliveries.c.state == "open"
    wanted = (
        sa.select(deliveries.c.pipeline)
        .add_columns(sa.func.count().filter(is_open), sa.func.min(deliveries.c.opened_at).filter(is_open))
        .group_by(deliveries.c.pipeline)
        .order_by(deliveries.c.pipeline)
    )
    for pipeline, count, since in connection.execute(wanted).tuples():
        yield Sample(metrics.DELIVERIES_OPEN, {"pipeline": pipeline}, count)
        yield from _at(metrics.DELIVERIES_OPEN_SINCE, since, {"pipeline": pipeline})


def _of_lateness(workspace: Workspace) -> Iterator[Sample]:
    declared, now = [one for one in workspace.pipelines.values() if one.due], datetime.now(UTC)
    for standing in read_standing(workspace.warehouse, declared, now).pipelines:
        since = [one.late_since for one in standing.partitions if one.late_since is not None]
        longest = (now - min(since)).total_seconds() if since else 0.0
        yield Sample(metrics.PARTITIONS_LATE, {"pipeline": standing.name}, len(since))
        yield Sample(metrics.LATENESS, {"pipeline": standing.name}, longest)


def _of_drift(connection: Connection) -> Iterator[Sample]:
    last = sa.select(sa.func.max(drift.c.run_id)).group_by(drift.c.pipeline)
    drifted = sa.func.count(sa.distinct(drift.c.column_name)).filter(drift.c.drifted)
    wanted = sa.select(drift.c.pipeline, drifted).where(drift.c.run_id.in_(last))
    for pipeline, count in connection.execute(wanted.group_by(drift.c.pipeline).order_by(drift.c.pipeline)).tuples():
        yield Sample(metrics.COLUMNS_DRIFTED, {"pipeline": pipeline}, count)


def _of_snapshots(uri: str) -> Iterator[Sample]:
    address = urlsplit(uri)
    if address.scheme not in ("", "file"):
        return
    folder = Path(unquote(address.path))
    for pipeline in sorted(folder.iterdir()) if folder.is_dir() else ():
        yield Sample(metrics.SNAPSHOT_BYTES, {"pipeline": pipeline.name}, sum(_sizes(pipeline)))


def _sizes(folder: Path) -> Iterator[int]:
    for file in folder.rglob("*"):
        try:
            yield file.stat().st_size if file.is_file() else 0
        except OSError:
            continue  # a run that ended in between has removed it


def _at(metric: Metric, at: datetime | None, labels: dict[str, str]) -> Iterator[Sample]:
    if at is not None:
        yield Sample(metric, labels, at.timestamp())
