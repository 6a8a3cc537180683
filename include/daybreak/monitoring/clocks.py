"""Clocks: instants as a person in the pipeline's zone reads them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def clock(instant: datetime, timezone: str, now: datetime) -> str:
    """Write an instant as a clock in the zone shows it, with the day where that is not today's."""
    local, today = instant.astimezone(ZoneInfo(timezone)), now.astimezone(ZoneInfo(timezone)).date()
    near = {0: "", 1: "tomorrow ", -1: "yesterday "}
    return f"{near.get((local.date() - today).days, f'{local:%Y-%m-%d} ')}{local:%H:%M}"


def ago(since: datetime, now: datetime) -> str:
    """Write how long ago something was, in the largest unit that says enough."""
    minutes = int((now.astimezone(UTC) - since.astimezone(UTC)).total_seconds() // 60)
    for unit, size in (("day", 24 * 60), ("hour", 60)):
        if minutes >= 2 * size:
            return f"{minutes // size} {unit}s"
    return "1 minute" if minutes == 1 else f"{max(minutes, 0)} minutes"
