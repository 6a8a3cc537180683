"""Watched needs: what is in no pipeline's standing, channels that fail and disks that fill; and a look at sources."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from daybreak.declaration.due import promised
from daybreak.errors import DaybreakError
from daybreak.ledger.known import known_of
from daybreak.ledger.messages import Outbox
from daybreak.monitoring.channels import Channel
from daybreak.monitoring.needs import Need
from daybreak.monitoring.standing import OWED
from daybreak.run.source_state import see_outdated
from daybreak.settings import Settings
from daybreak.sources.queries import CHANGED
from daybreak.workspace import Workspace


def further_needs(settings: Settings, channels: Sequence[Channel], outbox: Outbox, now: datetime) -> list[Need]:
    """Return what else needs a person."""
    return [*_failing_channels(channels, outbox, now), *filling_disks(settings)]


def look_at_sources(workspace: Workspace, now: datetime) -> None:
    """Ask the sources that can tell whether they have changed; the standing has what was found."""
    for pipeline in workspace.pipelines.values():
        if not workspace.sql(pipeline, CHANGED).exists():
            continue
        partitions = [one.partition for one in promised(pipeline.calendar, pipeline.due, now, OWED)[-OWED:]]
        known = [one for one in known_of(workspace.ledger, pipeline.name, partitions) if not one.missing]
        # A source that cannot be asked is told of by the runs that read it; what was found before stands.
        with suppress(DaybreakError):
            see_outdated(workspace, pipeline, known)


def filling_disks(settings: Settings) -> Iterator[Need]:
    """Yield a need for each local disk that is fuller than the settings allow."""
    told: set[int] = set()
    for what, folder in _folders(settings):
        there = next((path for path in (folder, *folder.parents) if path.exists()), None)
        if there is None or (device := there.stat().st_dev) in told:
            continue
        told.add(device)
        disk = shutil.disk_usage(there)
        # What is kept for the system's own is not ours to fill.
        share = disk.used / (disk.used + disk.free) * 100
        if share >= settings.alerts_storage_percent:
            problem = f"The disk of the {what} in {there} is {share:.0f} % full: {disk.free / 2**30:,.1f} GiB are left."
            next_step = (
                "free some space, or keep fewer snapshots; what failed runs left is removed by `daybreak sweep`."
            )
            yield Need("storage", what, None, problem, next_step, "daybreak sweep", about=str(there))


def _folders(settings: Settings) -> Iterator[tuple[str, Path]]:
    for what, uri in (("snapshots", settings.batches), ("models", settings.models)):
        parts = urlsplit(uri)
        if parts.scheme in ("", "file"):
            yield what, Path(unquote(parts.path))
    if settings.warehouse_url is None:
        yield "embedded PostgreSQL", settings.home


def _failing_channels(channels: Sequence[Channel], outbox: Outbox, now: datetime) -> Iterator[Need]:
    for row in outbox.failing([channel.name for channel in channels], now):
        count = row["messages"]
        many = "1 message has" if count == 1 else f"{count} messages have"
        problem = f"{many} not been told by the channel '{row['channel']}': {row['problem']}."
        next_step = (
            f"check DAYBREAK_ALERT_{row['channel'].upper()} and what answers there; they are tried again by themselves."
        )
        command = f"daybreak alerts test {row['channel']}"
        yield Need("channel", row["channel"], None, problem, next_step, command, since=row["since"])
