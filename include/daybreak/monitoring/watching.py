"""Watching: one look at all pipelines, which opens, keeps and closes incidents, and tells those who want to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from daybreak.ledger.incidents import Changed, IncidentChanges, Seen, incidents_since
from daybreak.ledger.messages import Message, Outbox
from daybreak.monitoring.channels import Channel, Sender, read_channels
from daybreak.monitoring.digest import digest, morning_of
from daybreak.monitoring.message_texts import body_of, page_of, title_of
from daybreak.monitoring.needs import Need
from daybreak.monitoring.standing import Standing, read_standing
from daybreak.monitoring.watched_needs import further_needs, look_at_sources
from daybreak.workspace import Workspace

# A look sends so many messages of a channel at the most: the next one goes on.
_MOST = 50


@dataclass(frozen=True)
class Look:
    """What a look has found and done: messages by channel that were sent, and channels with what went wrong."""

    needs: tuple[Need, ...]
    changed: Changed
    sent: Mapping[str, int]
    failed: Mapping[str, str]


class Watch:
    """Look at all pipelines of a workspace; ``by`` says who looks, which closed incidents keep."""

    def __init__(self, workspace: Workspace, by: str) -> None:
        self._workspace = workspace
        self._by = by
        self._settings = workspace.settings
        self._channels = read_channels(workspace.settings)
        self._outbox = Outbox(workspace.warehouse)
        self._sender = Sender()

    def needs(self, now: datetime) -> tuple[Need, ...]:
        """Return what needs a person; open, close and tell nothing."""
        return self._found(now)[1]

    def look(self, now: datetime | None = None) -> Look:
        """Look once. What is to be told is written down with what it tells of, and sent after that."""
        now = now or datetime.now(UTC)
        standing, needs, unknown = self._found(now)
        seen = {need.cause: self._seen(need) for need in needs}
        hours = self._settings.alerts_remind_hours
        with self._workspace.warehouse.begin() as connection:
            changes = IncidentChanges(connection, now, timedelta(hours=hours) if hours else None)
            changed = changes.bring(seen, unknown=unknown, by=self._by)
            for occasion, rows in (
                ("opened", changed.opened),
                ("reminder", changed.reminded),
                ("closed", changed.closed),
            ):
                for row in rows:
                    self._put(connection, occasion, row, now)
            self._put_digest(connection, standing, now)
        sent, failed = self.send(now)
        return Look(needs, changed, sent, failed)

    def send(self, now: datetime) -> tuple[dict[str, int], dict[str, str]]:
        """Send what is due; a channel that fails is left until the next look."""
        sent: dict[str, int] = {}
        failed: dict[str, str] = {}
        for channel in self._channels:
            for _ in range(_MOST):
                message = self._outbox.take(channel.name, now)
                if message is None:
                    break
                if problem := self._sender.send(channel, message["title"], message["body"]):
                    self._outbox.failed(message["message_id"], problem)
                    failed[channel.name] = problem
                    break
                self._outbox.sent(message["message_id"], now)
                sent[channel.name] = sent.get(channel.name, 0) + 1
        return sent, failed

    def _put_digest(self, connection: Connection, standing: Standing, now: datetime) -> None:
        wanting = [channel for channel in self._channels if channel.wants_digest]
        morning = morning_of(self._settings, now) if wanting else None
        if morning is None:
            return
        title, body = digest(standing, morning, incidents_since(connection, morning.start))
        for channel in wanting:
            self._outbox.put(connection, Message(channel.name, "digest", str(morning.day), title, body), now)

    def _found(self, now: datetime) -> tuple[Standing, tuple[Need, ...], set[str]]:
        workspace = self._workspace
        workspace.ledger.sweep()
        look_at_sources(workspace, now)
        standing = read_standing(
            workspace.warehouse,
            list(workspace.pipelines.values()),
            now,
            broken=workspace.declared.broken,
            only_seen=True,
        )
        needs = (*standing.needs, *further_needs(self._settings, self._channels, self._outbox, now))
        # The most urgent of what has one cause stands for all of it.
        first = {need.cause: need for need in reversed(needs)}
        needs = tuple(first[need.cause] for need in needs if first[need.cause] is need)
        return standing, needs, _under_way(standing)

    def _seen(self, need: Need) -> Seen:
        pipeline = self._workspace.pipelines.get(need.pipeline)
        return Seen(
            cause=need.cause,
            kind=need.kind,
            severity=need.severity,
            pipeline=need.pipeline,
            partition_key=need.partition,
            owner=pipeline.owner if pipeline else None,
            problem=need.problem,
            next_step=need.next_step,
            command=need.command,
            settles_at=need.settles_at,
        )

    def _put(self, connection: Connection, occasion: str, row: Mapping[str, Any], now: datetime) -> None:
        pipeline = self._workspace.pipelines.get(row["pipeline"])
        page = page_of(self._settings.airflow_url, row, is_pipeline=pipeline is not None)
        body = body_of(row, occasion, zone=pipeline.timezone if pipeline else "UTC", now=now, page=page)
        number = f"/{row['reminders']}" if occasion == "reminder" else ""
        for channel in _told(self._channels, row):
            subject = f"{row['incident_id']}{number}"
            message = Message(channel.name, occasion, subject, title_of(row, occasion), body, row["incident_id"])
            self._outbox.put(connection, message, now)


def _told(channels: Sequence[Channel], row: Mapping[str, Any]) -> list[Channel]:
    """Return the channels that are told: of a channel that fails, the others."""
    itself = row["pipeline"] if row["kind"] == "channel" else None
    return [one for one in channels if one.wants(row["severity"], row["owner"]) and one.name != itself]


def _under_way(standing: Standing) -> set[str]:
    """Return the causes of which nothing is known yet, because the partition is being run again."""
    return {
        Need(kind, one.pipeline, one.key, "", "").cause
        for pipeline in standing.pipelines
        for one in pipeline.partitions
        if one.last_state == "running" and not one.waits_for
        for kind in ("failed", "expectation")
    }
