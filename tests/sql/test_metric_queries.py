"""The numbers of the metrics are what happened: runs that failed and are open, what is late, open and drifted."""

from datetime import UTC, datetime

import pytest

from daybreak.monitoring import metrics
from daybreak.monitoring.metric_queries import read_samples
from daybreak.monitoring.metrics import METRICS, Metric
from parcels import DAY, SHORT_DAY, Parcels


def numbers(parcels: Parcels, metric: Metric) -> dict[tuple[str, ...], float]:
    found = [sample for sample in read_samples(parcels.workspace) if sample.metric == metric]
    assert all(tuple(sample.labels) == metric.labels for sample in found)
    return {tuple(sample.labels.values()): sample.value for sample in found}


def test_rows_seconds_and_expectations_are_those_of_the_last_run_that_was_published(parcels: Parcels) -> None:
    parcels.execute("UPDATE parcels.handed_in SET weight_kg = -1 WHERE parcel_id % 100 = 0")
    parcels.run(SHORT_DAY)
    parcels.execute("UPDATE parcels.handed_in SET weight_kg = -1")
    with pytest.raises(Exception, match="critical expectation"):
        parcels.run(SHORT_DAY)
    rows = numbers(parcels, metrics.RUN_ROWS)
    assert rows == {
        ("parcel_hours", "quarantined"): 4,
        ("parcel_hours", "failed"): 0,
        ("parcel_hours", "scored"): 396,
    }
    assert set(numbers(parcels, metrics.STAGE_SECONDS)) == {("parcel_hours", "all")}
    failed = numbers(parcels, metrics.EXPECTATIONS_FAILED)
    assert failed == {("parcel_hours", "critical"): 1, ("parcel_hours", "warning"): 0}
    assert numbers(parcels, metrics.RUNS) == {("parcel_hours", "published"): 2, ("parcel_hours", "failed"): 1}
    finished = numbers(parcels, metrics.RUN_FINISHED)
    assert finished["parcel_hours", "failed"] > finished["parcel_hours", "published"]


def test_a_run_that_is_open_says_since_when(parcels: Parcels) -> None:
    assert numbers(parcels, metrics.RUNNING_SINCE) == {}
    parcels.plan(SHORT_DAY)
    since = numbers(parcels, metrics.RUNNING_SINCE)["parcel_hours",]
    assert since == pytest.approx(datetime.now(UTC).timestamp(), abs=600)
    newest = numbers(parcels, metrics.NEWEST_PARTITION)["parcel_hours",]
    assert newest == parcels.plan(DAY).partition.end.timestamp()


def test_sizes_are_of_the_tables_and_of_the_snapshots_folder(parcels: Parcels) -> None:
    parcels.run(SHORT_DAY)
    tables = numbers(parcels, metrics.TABLE_BYTES)
    assert tables["predictions", "parcel_hours_runs"] > 0
    assert tables["ledger", "runs"] > 0
    assert not {table for schema, table in tables if schema not in ("predictions", "ledger")}
    assert numbers(parcels, metrics.SNAPSHOT_BYTES)["parcel_hours",] > 1_000


def test_open_deliveries_and_drifted_columns_are_counted(parcels: Parcels) -> None:
    run = parcels.last_run()["run_id"]
    parcels.execute(
        "INSERT INTO ledger.drift (run_id, pipeline, partition_key, partition_date, segment, column_name, "
        "model_version, divergence, threshold, drifted, rows, measured_at) "
        f"SELECT {run}, 'parcel_hours', '{DAY}', '{DAY}', '', name, 1, 0.5, 0.2, name <> 'c', 400, now() "
        "FROM unnest(ARRAY['a', 'b', 'c']) AS columns (name)"
    )
    assert numbers(parcels, metrics.COLUMNS_DRIFTED) == {("parcel_hours",): 2}
    assert numbers(parcels, metrics.DELIVERIES_OPEN) == {}


def test_every_sample_is_of_a_declared_metric(parcels: Parcels) -> None:
    assert {sample.metric for sample in read_samples(parcels.workspace)} <= set(METRICS)
