"""Healthy days of the demonstration: what its runs were really like opens no incident, and what is unlike them does.

The counts are those of `tests/benchmarks/healthy_counts.py`: 28 days to learn from, and 30 that are watched. All that a
run does on such days is watched by `tests/benchmarks/healthy_days.py`.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from daybreak.monitoring.watching import Watch
from daybreak.settings import PROJECT, Settings
from daybreak.workspace import Workspace
from parcels import NewDatabase

COUNTED = [
    json.loads(line)
    for line in gzip.decompress((Path(__file__).parents[1] / "healthy_days.jsonl.gz").read_bytes()).splitlines()
]
# The days that the sales are of, with their weekdays and their Christmas.
LAST, HEALTHY, LEARNED = date(2017, 12, 31), 30, 28
PIPELINES = sorted({run["pipeline"] for run in COUNTED})
THERE = sa.text(
    "WITH made AS (INSERT INTO ledger.runs (pipeline, partition_key, partition_date, attempt, window_start, "
    "window_end, timezone, trigger, state, model_name, model_version, model_digest, trained_through, query_digest, "
    "snapshot_uri, snapshot_digest, expectations_digest, code_digest, libraries, rows_extracted, rows_quarantined, "
    "rows_failed, rows_scored, nulls, started_at, finished_at) VALUES (:pipeline, CAST(:day AS text), :day, 1, :day, "
    "CAST(:day AS date) + 1, 'America/New_York', 'scheduled', :state, :pipeline, 1, 'm', :day, 'q', "
    "'file:///nowhere', 's', 'e', 'c', '{}', :rows_extracted, :rows_quarantined, 0, "
    ":rows_extracted - :rows_quarantined, CAST(:nulls AS jsonb), :moment, :moment) RETURNING *) "
    "INSERT INTO ledger.publications (pipeline, partition_key, partition_date, run_id, reason, published_at) "
    "SELECT pipeline, partition_key, partition_date, run_id, 'run', :moment FROM made WHERE state = 'published'"
)


@pytest.fixture
def workspace(new_database: NewDatabase, tmp_path: Path) -> Iterator[Workspace]:
    settings = Settings(
        home=tmp_path,
        project=PROJECT,
        pipelines="retail",
        warehouse_url=new_database(),
        batches_uri=tmp_path.as_uri(),
        models_uri=tmp_path.as_uri(),
        alerts_storage_percent=100,
    )
    opened = Workspace(settings)
    pipelines = {name: opened.pipeline(name) for name in PIPELINES}
    opened.__dict__["declared"] = replace(opened.declared, pipelines=pipelines, broken={})
    opened.see_to_ledger()
    yield opened
    opened.close()


def have(workspace: Workspace, back: int, **changes: Any) -> None:
    """Have the runs of a day be there, as they were or with something changed."""
    day, moment = LAST - timedelta(days=back), morning(back) - timedelta(hours=5)
    with workspace.warehouse.begin() as connection:
        for run in COUNTED:
            if run["back"] == back:
                state = "pushed" if workspace.pipeline(run["pipeline"]).push else "published"
                values = {**run, **changes, "day": day, "moment": moment, "state": state}
                connection.execute(THERE, {**values, "nulls": json.dumps(values["nulls"])})


def morning(back: int) -> datetime:
    """Return the moment at which a day is looked at: seven in the morning after it, where the stores are."""
    return datetime.combine(LAST - timedelta(days=back - 1), time(12), UTC)


def test_in_thirty_healthy_days_no_incident_opens(workspace: Workspace) -> None:
    assert {run["back"] for run in COUNTED} == set(range(LEARNED + HEALTHY))
    for back in range(LEARNED + HEALTHY - 1, -1, -1):
        have(workspace, back)
        if back < HEALTHY:
            found = Watch(workspace, "test").look(morning(back))
            assert (back, found.needs, found.changed.opened) == (back, (), ())


@pytest.mark.parametrize("change", ["rows", "nulls", "quarantined"])
def test_a_day_unlike_those_does(workspace: Workspace, change: str) -> None:
    for back in range(LEARNED + HEALTHY - 1, 0, -1):
        have(workspace, back)
    run = next(run for run in COUNTED if run["back"] == 0)
    rows = run["rows_extracted"]
    changes, kind = {
        "rows": ({"rows_extracted": rows // 2, "rows_quarantined": 0}, "rows"),
        "nulls": ({"nulls": {**run["nulls"], "average_price_28d": rows // 2}}, "nulls"),
        "quarantined": ({"rows_quarantined": rows // 20}, "quarantine"),
    }[change]
    have(workspace, 0, **changes)
    opened = Watch(workspace, "test").look(morning(0)).changed.opened
    assert (kind, run["pipeline"]) in {(row["kind"], row["pipeline"]) for row in opened}
