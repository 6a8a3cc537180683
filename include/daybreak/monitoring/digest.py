"""Digest: yesterday in five lines, for who wants it each morning."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from daybreak.errors import ConfigurationError
from daybreak.ledger.incidents import Row
from daybreak.monitoring.need_kinds import KINDS
from daybreak.monitoring.partition_standing import PartitionStanding
from daybreak.monitoring.standing import Standing
from daybreak.settings import Settings

# So many names are told in one line.
_NAMED = 5


@dataclass(frozen=True)
class Morning:
    """The day that a digest is about, and from when to when it was."""

    day: date
    start: datetime
    end: datetime


def morning_of(settings: Settings, now: datetime) -> Morning | None:
    """Return yesterday if its digest is due by now; None before the hour of the settings."""
    try:
        zone = ZoneInfo(settings.alerts_timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            f"There is no time zone '{settings.alerts_timezone}'.",
            next_step="correct DAYBREAK_ALERTS_TIMEZONE, such as America/New_York.",
        ) from None
    local = now.astimezone(zone)
    if local.hour < settings.alerts_digest_hour:
        return None
    day = local.date() - timedelta(days=1)
    start, end = (datetime.combine(one, time(), zone) for one in (day, local.date()))
    return Morning(day, start, end)


def digest(standing: Standing, morning: Morning, incidents: Sequence[Row]) -> tuple[str, str]:
    """Write title and text: what is there, its rows, incidents, deliveries, models.

    ``incidents`` are those that are open, or were opened or closed yesterday.
    """
    pipelines = [one for one in standing.pipelines if one.used]
    expected = [one.expected for one in pipelines]
    lines = [
        _there(expected),
        _rows([one for one in expected if one.there]),
        _incidents(incidents, morning),
        _deliveries(sum(opened.chunks for one in pipelines for opened in one.open)),
        _models(standing),
    ]
    return f"Daybreak, {morning.day}: {lines[0].partition(';')[0].rstrip('.')}", "\n".join(lines)


def _there(expected: Sequence[PartitionStanding]) -> str:
    missing = [f"{one.pipeline} {one.key} is {one.state}" for one in expected if not one.there]
    there = f"{len(expected) - len(missing)} of {len(expected)} pipelines have their last partition"
    return f"{there}{f'; {_named(missing)}' if missing else ''}."


def _rows(there: Sequence[PartitionStanding]) -> str:
    came, aside, failed, out = (
        sum(getattr(one, name) or 0 for one in there)
        for name in ("rows_in", "rows_quarantined", "rows_failed", "rows_published")
    )
    return f"Rows: {came:,} in, {aside:,} in quarantine, {failed:,} failed, {out:,} published or sent."


def _incidents(incidents: Sequence[Row], morning: Morning) -> str:
    opened = sum(morning.start <= one["opened_at"] < morning.end for one in incidents)
    closed = sum(one["closed_at"] is not None and morning.start <= one["closed_at"] < morning.end for one in incidents)
    still = [f"{one['pipeline']} {KINDS[one['kind']].title}" for one in incidents if one["closed_at"] is None]
    return (
        f"Incidents: {opened} opened, {closed} closed, {len(still)} open now{f' ({_named(still)})' if still else ''}."
    )


def _deliveries(chunks: int) -> str:
    if not chunks:
        return "Deliveries: nothing is open."
    return f"Deliveries: {chunks:,} chunk{' is' if chunks == 1 else 's are'} not known to have arrived."


def _models(standing: Standing) -> str:
    waiting = [f"{a.model} version {a.version}" for one in standing.pipelines for a in one.approvals]
    crossed = [one.name for one in standing.pipelines if one.crossed]
    told = [f"an approval is wanted for {_named(waiting)}"] if waiting else []
    told += [f"error or drift of {_named(crossed)} is above what is declared"] if crossed else []
    return f"Models: {'; '.join(told) or 'nothing has crossed what is declared'}."


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
