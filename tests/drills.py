"""Drills: something goes wrong with the parcels, it is looked at, it is mended, and all that was told is there."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from pydantic import SecretStr

from collectors import Collector, collecting
from daybreak.ledger.incidents import list_incidents
from daybreak.monitoring.need_kinds import KINDS
from daybreak.monitoring.standing import read_standing
from daybreak.monitoring.watching import Look, Watch
from daybreak.settings import Settings
from daybreak.workspace import Workspace
from fixture_pipelines import PARCEL_HOURS
from parcels import Parcels
from receivers import receiving_mail

# Six in the morning in New York after the short day: it is due, and nothing ran.
DUE = datetime(2024, 3, 11, 10, tzinfo=UTC)


class Watched:
    """A workspace whose pipeline declares when it is due, looked at at moments of our choice."""

    def __init__(self, workspace: Workspace, **changes: Any) -> None:
        self.pipeline = replace(PARCEL_HOURS, **{"due": time(6), "owner": "depots", **changes})
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
        """Look once."""
        return Watch(self.workspace, "test").look(now)


def told(collector: Collector) -> list[dict[str, str]]:
    """Return what was posted."""
    return [json.loads(body) for _, body in collector.bodies]


def address(collector: Collector) -> str:
    """Return a collector's address as Apprise writes it."""
    return collector.url.replace("http://", "json://")


def kinds(rows: Any) -> list[str]:
    """Return the kind of each incident."""
    return [row["kind"] for row in rows]


class Drill:
    """One thing goes wrong: one incident of a kind opens, is told once, and closes by itself when it is mended.

    ``beside`` are the kinds that come of the same fault, each with an incident of its own. ``settings`` hold while it
    lasts.
    """

    def __init__(
        self, watched: Watched, kind: str, now: datetime, *, beside: tuple[str, ...] = (), **settings: Any
    ) -> None:
        self.watched, self.kind, self.now, self.beside, self.settings = watched, kind, now, beside, settings

    def incidents(self) -> list[tuple[str, str | None]]:
        """Return kind and who closed it of the incidents that are no mere company."""
        rows = list_incidents(self.watched.workspace.warehouse, closed=9)
        return [(row["kind"], row["closed_by"]) for row in rows if row["kind"] not in self.beside]

    def run(self, mend: Callable[[], object], later: timedelta = timedelta(minutes=20)) -> str:
        """Look four times, the last time when a reminder is due, mend it, and look twice; return what was told."""
        with collecting() as collector, receiving_mail() as mailbox:
            channels = {"alert": {"team": address(collector), "mail": mailbox.url}, "alerts_remind_hours": 0.25}
            self.watched.told_by(**channels, **self.settings)
            for minutes in (0, 5, 10):
                self.watched.look(self.now + timedelta(minutes=minutes))
            assert self.incidents() == [(self.kind, None)]
            [opened] = self._told(collector)
            self._refuse_unshown()
            self.watched.look(self.now + timedelta(minutes=15))
            mend()
            self.watched.told_by(**channels)
            for minutes in (0, 5):
                self.watched.look(self.now + later + timedelta(minutes=minutes))
            assert self.incidents() == [(self.kind, "test")]
            titles = [one["title"] for one in self._told(collector)]
            assert titles == [opened["title"], f"Still: {opened['title']}", f"Over: {opened['title']}"]
            assert [title for title, _ in mailbox.mails] == [one["title"] for one in told(collector)]
        return opened["message"]

    def _told(self, collector: Collector) -> list[dict[str, str]]:
        company = tuple(f": {KINDS[kind].title}" for kind in self.beside)  # type: ignore[index]
        return [one for one in told(collector) if not (company and one["title"].endswith(company))]

    def _refuse_unshown(self) -> None:
        """Hold that Today shows it with its number."""
        shown = read_standing(self.watched.workspace.warehouse, [self.watched.pipeline], self.now)
        found = [(need.kind, need.incident) for need in shown.needs if need.kind not in self.beside]
        [incident] = [
            row["incident_id"] for row in list_incidents(self.watched.workspace.warehouse) if row["kind"] == self.kind
        ]
        assert found == [(self.kind, incident)]
