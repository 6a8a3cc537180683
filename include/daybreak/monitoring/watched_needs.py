"""Watched needs: what needs a person and is in no pipeline's standing: channels that fail, and disks that fill."""

import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from daybreak.ledger.messages import Outbox
from daybreak.monitoring.channels import Channel
from daybreak.monitoring.needs import Need
from daybreak.settings import Settings
from daybreak.workspace import Workspace


def further_needs(
    workspace: Workspace, channels: Sequence[Channel], outbox: Outbox, now: datetime
) -> tuple[list[Need], set[str]]:
    """Return what else needs a person, and the causes of which it could not be found out."""
    found = [*_failing_channels(channels, outbox, now), *filling_disks(workspace.settings)]
    return found, set()


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
