"""Watching a real ledger: what opens an incident, who is told of it how often, and what closes it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from collectors import Collector, collecting
from daybreak.monitoring.watching import Look, Watch
from daybreak.settings import Settings
from daybreak.workspace import Workspace
from fixture_pipelines import PARCEL_HOURS
from parcels import SHORT_DAY, Parcels

# Six in the morning in New York after the short day: it is due, and nothing ran.
DUE = datetime(2024, 3, 11, 10, tzinfo=UTC)
EARLY = DUE - timedelta(minutes=1)


class Watched:
    """A workspace whose pipeline declares when it is due, looked at at moments of our choice."""

    def __init__(self, workspace: Workspace, **changes: Any) -> None:
        self.pipeline = replace(PARCEL_HOURS, due=time(6), owner="depots", **changes)
        self.workspace = Workspace(workspace.settings)
        self.workspace.__dict__["declared"] = replace(
            workspace.declared, pipelines={self.pipeline.name: self.pipeline}, broken={}
        )
        self.parcels = Parcels(self.workspace, self.pipeline)

    def told_by(self, **settings: Any) -> "Watched":
        """Have channels."""
        values = {name: getattr(self.workspace.settings, name) for name in Settings.model_fields}
        alert = {name: SecretStr(url) for name, url in settings.pop("alert", {}).items()}
        self.workspace.settings = Settings(**{**values, "alert": alert, "alerts_storage_percent": 100, **settings})
        return self

    def look(self, now: datetime) -> Look:
        return Watch(self.workspace, "test").look(now)


@pytest.fixture
def watched(parcels: Parcels) -> Watched:
    return Watched(parcels.workspace).told_by()


def told(collector: Collector) -> list[dict[str, str]]:
    return [json.loads(body) for _, body in collector.bodies]


def address(collector: Collector) -> str:
    return collector.url.replace("http://", "json://")


def kinds(rows: Any) -> list[str]:
    return [row["kind"] for row in rows]


def test_a_partition_that_is_late_opens_one_incident_is_told_once_and_closes_when_it_is_there(watched: Watched) -> None:
    with collecting() as collector:
        watched.told_by(alert={"team": address(collector)}, airflow_url="https://airflow.example/air/")
        assert watched.look(EARLY).changed.opened == ()
        found = watched.look(DUE)
        assert (kinds(found.changed.opened), dict(found.sent)) == (["late"], {"team": 1})
        for minutes in (5, 10):
            again = watched.look(DUE + timedelta(minutes=minutes))
            assert (again.changed.opened, again.changed.closed, dict(again.sent)) == ((), (), {})
        watched.parcels.run(SHORT_DAY)
        over = watched.look(DUE + timedelta(minutes=15))
        assert kinds(over.changed.closed) == ["late"]
        assert watched.look(DUE + timedelta(minutes=20)).changed.closed == ()
        opened, closed = told(collector)
    assert opened["title"] == f"parcel_hours {SHORT_DAY}: late"
    assert opened["message"].splitlines() == [
        "It was due at 06:00, 0 minutes ago, and no run was made for it.",
        "Seen since 2024-03-11 06:00 (America/New_York).",
        "Next: see that the DAG is switched on and the scheduler runs; or run it.",
        f"Command: daybreak run parcel_hours --partition {SHORT_DAY}",
        f"Page: https://airflow.example/air/plugin/daybreak/daybreak/dags/parcel_hours/partitions/{SHORT_DAY}",
        "What to do about it: docs/watch.md#late (incident 1)",
    ]
    assert closed["title"] == f"Over: parcel_hours {SHORT_DAY}: late"
    assert closed["message"].startswith("It is not so any more.\n")
    row = watched.parcels.rows("SELECT kind, owner, severity, closed_by, closed_at - opened_at FROM ledger.incidents")
    assert row == [("late", "depots", "critical", "test", timedelta(minutes=15))]
