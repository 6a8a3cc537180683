"""In words: how a pipeline stands, as the terminal and the pages say it."""

from datetime import datetime

from daybreak.monitoring.clocks import ago, clock
from daybreak.monitoring.partition_standing import PartitionStanding
from daybreak.monitoring.pipeline_standing import PipelineStanding
from daybreak.monitoring.standing import Standing

COLUMNS = (
    "pipeline",
    "partition",
    "is it there?",
    "rows in",
    "quarantined",
    "failed",
    "out",
    "model",
    "error (training)",
    "drift",
    "open",
    "next",
)


def needs_in_words(found: Standing) -> list[str]:
    """Return one block of lines for each thing that needs a person, or one line that says that nothing does."""
    if found.quiet:
        return ["Nothing needs a person.\n"]
    lines = [f"{len(found.needs)} {'thing needs' if len(found.needs) == 1 else 'things need'} a person:\n"]
    for need in found.needs:
        place = " ".join(part for part in (need.pipeline, need.partition) if part)
        incident = f" (incident {need.incident})" if need.incident else ""
        lines.append(f"  {place}: {need.problem}{incident}\n    Next: {need.next_step}")
        if need.command and need.command not in need.next_step:
            lines.append(f"    $ {need.command}")
        lines.append("")
    return lines


def row_in_words(one: PipelineStanding, now: datetime) -> list[object]:
    """Return one pipeline's line."""
    expected = one.expected
    return [
        one.name,
        expected.key,
        state_in_words(one, expected, now),
        expected.rows_in,
        expected.rows_quarantined,
        expected.rows_failed,
        expected.rows_published,
        model_in_words(expected, now),
        error_in_words(one),
        "-" if one.drift is None else f"{one.drift.drifted} of {one.drift.columns}",
        open_in_words(one),
        next_in_words(one, now),
    ]


def state_in_words(one: PipelineStanding, partition: PartitionStanding, now: datetime) -> str:
    """Say whether a partition is there, since when or how late, by the clock of the pipeline's zone."""
    if not one.used:
        return "not used yet: no model, no run"
    since = clock(partition.since, one.timezone, now) if partition.since else ""
    now_is = ", stale" if partition.stale else ", outdated" if partition.outdated else ""
    late = f", {ago(partition.late_since, now)} late" if partition.late_since else ""
    words = {
        "published": f"there since {since}{now_is}",
        "pushed": f"sent at {since}{now_is}",
        "late": f"LATE since {since}, " + (f"follows {one.upstream}" if one.upstream else "no run"),
        "failed": f"FAILED at {since}{late}",
        "running": f"running since {since}{late}",
        "waiting": f"waits for its source since {since}{late}",
        "not pushed": f"not pushed{late}",
        "not due": f"not due until {clock(partition.due, one.timezone, now)}" if partition.due else "not due",
        "missing": "not there",
        "before": "before the first run",
        "closed": "closed",
    }
    return words.get(partition.state, partition.state)


def model_in_words(partition: PartitionStanding, now: datetime) -> str:
    """Say which version scored the partition, and how old what it has seen is."""
    if partition.trained_through is None:
        return "-"
    version = f"version {partition.model_version}" if partition.model_version else "per segment"
    days = (now.date() - partition.trained_through).days
    return f"{version}, {days} day{'' if days == 1 else 's'} old"


def error_in_words(one: PipelineStanding) -> str:
    """Say what was measured last, beside what training measured."""
    found = one.last_error
    if found is None:
        return "-"
    trained = "" if found.trained is None else f" ({found.trained:.3f})"
    return f"{found.metric.replace('_', ' ')} {found.value:.3f}{trained}"


def open_in_words(one: PipelineStanding) -> str:
    """Say what is open: chunks that have not arrived, versions that wait to be judged."""
    chunks = sum(opened.chunks for opened in one.open)
    parts = [f"{chunks:,} chunk{'' if chunks == 1 else 's'}"] if chunks else []
    parts += [f"challenger {challenger.version}" for challenger in one.challengers]
    return ", ".join(parts) or "-"


def next_in_words(one: PipelineStanding, now: datetime) -> str:
    """Say by when the next partition is due, or where that is not declared when its run starts."""
    if one.next_due is None:
        return f"runs {clock(one.next_run, one.timezone, now)}"
    return f"due {clock(one.next_due, one.timezone, now)}"
