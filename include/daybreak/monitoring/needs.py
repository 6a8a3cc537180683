"""Needs: what of the pipelines' standing needs a person, in words, each with what to do next as a command."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from daybreak import errors
from daybreak.errors import ConfigurationError, TransientError
from daybreak.monitoring.clocks import ago, clock
from daybreak.monitoring.need_kinds import KINDS, Kind, Severity
from daybreak.monitoring.partition_standing import PartitionStanding
from daybreak.monitoring.pipeline_standing import Open, PipelineStanding

_COMMAND = re.compile(r"`(daybreak [^`]*)`")
# A quarantine is far above the usual when it is so many times that, and at least so many rows of a hundred more.
_TIMES, _AT_LEAST = 3.0, 0.01
# So long Airflow tries a transient fault again.
_TRIED_AGAIN = timedelta(minutes=20)


@dataclass(frozen=True)
class Need:
    """Something that a person has to see to: what it is, what to do, and the command that does it or tells more.

    ``since`` is since when it is so, ``settles_at`` when it is to be told of if it has not gone by itself; ``about``
    tells apart what has the same kind and pipeline. ``incident`` is the number of the incident that is open of it.
    """

    kind: Kind
    pipeline: str
    partition: str | None
    problem: str
    next_step: str
    command: str | None = None
    since: datetime | None = None
    settles_at: datetime | None = None
    about: str | None = None
    incident: int | None = None

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return KINDS[self.kind].severity

    @property
    def cause(self) -> str:
        """What it is known by as long as it lasts, however often it is seen."""
        own = self.partition if KINDS[self.kind].by_partition else None
        return "/".join(part for part in (self.kind, self.pipeline, own, self.about) if part)

    def urgency(self) -> tuple[int, str, str]:
        """Sort what keeps predictions away before what is worth a look; the newest partition first."""
        newest_first = "".join(chr(0x10FFFF - ord(letter)) for letter in self.partition or "")
        return list(KINDS).index(self.kind), newest_first, self.pipeline


def broken_needs(broken: Mapping[str, ConfigurationError]) -> list[Need]:
    """Return a need for each declaration that cannot be used."""
    return [Need("broken", reference, None, error.problem, error.next_step) for reference, error in broken.items()]


def needs_of(
    pipeline: PipelineStanding, others: Mapping[str, PipelineStanding], now: datetime, owed: int
) -> Iterator[Need]:
    """Yield what one pipeline's last ``owed`` partitions need; of what waits for another pipeline, only that one's."""
    opened = {one.partition: one for one in pipeline.open}
    owing = [one for one in pipeline.partitions[-owed:] if one.there or not _upstream_lacks(pipeline, one, others)]
    if never_ran := [one for one in owing if one.state == "late"]:
        yield _never_ran(pipeline, never_ran, now)
    for partition in owing:
        yield from _of_partition(pipeline, partition, opened.get(partition.key), now)
    if outdated := [one for one in owing if one.outdated]:
        yield _outdated(pipeline, outdated, now)


def _of_partition(
    pipeline: PipelineStanding, partition: PartitionStanding, opened: Open | None, now: datetime
) -> Iterator[Need]:
    name, key = pipeline.name, partition.key
    again = _run(partition)
    if partition.state == "failed" or partition.failed_since:
        yield _failed(partition, opened, again)
    elif partition.state == "waiting" and partition.late_since:
        problem = f"It {_was_due(pipeline, partition, now)}, and its source has not landed: {partition.waits_for}"
        next_step = "see to the source; the run goes on by itself when it has landed."
        yield Need("late", name, key, problem, next_step, since=partition.late_since)
    elif partition.state == "running" and partition.late_since:
        problem = f"It {_was_due(pipeline, partition, now)}, and run {partition.last_run} is still at work."
        command = f"daybreak show {name} {key}"
        yield Need("late", name, key, problem, "read its log in Airflow.", command, since=partition.late_since)
    elif partition.state == "not pushed" and partition.late_since:
        problem = f"It was not pushed: {(partition.note or 'nothing is known of why').removeprefix('not pushed: ')}."
        next_step, command = "send it, if it is still wanted.", f"daybreak push {name} {key}"
        yield Need("not pushed", name, key, problem, next_step, command, since=partition.late_since)
    if opened and not (partition.state == "failed" or partition.failed_since):
        yield _open(pipeline, opened)
    if partition is pipeline.expected and (told := _quarantine(pipeline, partition)):
        yield told
    if partition.stale:
        problem = f"It was made from predictions of {partition.upstream} that are not the current ones any more."
        yield Need("stale", name, key, problem, "make it anew.", again)


def _never_ran(pipeline: PipelineStanding, late: list[PartitionStanding], now: datetime) -> Need:
    first, last = late[0], late[-1]
    next_step = "see that the DAG is switched on and the scheduler runs; or run it."
    if len(late) == 1:
        problem = f"It {_was_due(pipeline, last, now)}, and no run was made for it."
        return Need("late", pipeline.name, last.key, problem, next_step, _run(last), since=last.late_since)
    problem = (
        f"No run was made for {len(late)} partitions from {first.key} on; the last {_was_due(pipeline, last, now)}."
    )
    command = f"daybreak backfill {pipeline.name} {first.key} {last.key}"
    return Need("late", pipeline.name, last.key, problem, next_step, command, since=first.late_since)


def _outdated(pipeline: PipelineStanding, outdated: list[PartitionStanding], now: datetime) -> Need:
    first, last = outdated[0].key, outdated[-1].key
    many = f"{first} was" if len(outdated) == 1 else f"{len(outdated)} partitions, {first} to {last}, were"
    looked_at = clock(outdated[-1].source_looked_at or now, pipeline.timezone, now)
    problem = f"The source has changed since {many} made from it. It was looked at {looked_at}."
    command = f"daybreak backfill {pipeline.name} {first} {last} --outdated"
    return Need("outdated", pipeline.name, last, problem, "make it anew, if the change matters.", command)


def _run(partition: PartitionStanding) -> str:
    return f"daybreak run {partition.pipeline} --partition {partition.key}"


def _upstream_lacks(
    pipeline: PipelineStanding, partition: PartitionStanding, others: Mapping[str, PipelineStanding]
) -> bool:
    upstream = others.get(pipeline.upstream or "")
    return upstream is not None and any(
        one.key == partition.key and not one.there and one.state not in ("before", "closed")
        for one in upstream.partitions
    )


def _failed(partition: PartitionStanding, opened: Open | None, again: str) -> Need:
    problem = partition.problem or "Its run failed."
    if partition.there:
        stays = "what was sent before stays" if partition.state == "pushed" else "what was published before stays"
        problem = f"Run {partition.last_run} failed; {stays}, of run {partition.current_run}. {problem}"
    if opened:
        # In front: of what a run ends with, a message leaves out the end, where values of rows may stand.
        problem = f"{_chunks(opened)}. {problem}"
        again = f"daybreak push {partition.pipeline} {partition.key} --resume"
    next_step = partition.next_step or "read why, then run it again."
    named = _COMMAND.search(next_step)
    command = named[1] if named and partition.pipeline in named[1] else again
    kind: Kind = "expectation" if partition.error_type == errors.ExpectationsFailed.__name__ else "failed"
    since = partition.last_finished
    settles_at = since + _TRIED_AGAIN if since and _is_transient(partition.error_type) else None
    return Need(kind, partition.pipeline, partition.key, problem, next_step, command, since, settles_at)


def _is_transient(error_type: str | None) -> bool:
    return issubclass(getattr(errors, error_type or "", Exception), TransientError)


def _open(pipeline: PipelineStanding, opened: Open) -> Need:
    command = f"daybreak push {pipeline.name} {opened.partition} --resume"
    next_step = "see that the receiver is well, then send what is open."
    told = f"{_chunks(opened)}."
    return Need("open", pipeline.name, opened.partition, told, next_step, command, since=opened.opened_at)


def _chunks(opened: Open) -> str:
    chunks = "1 chunk" if opened.chunks == 1 else f"{opened.chunks:,} chunks"
    many = opened.chunks != 1
    return f"{chunks} of {opened.items:,} offers {'are' if many else 'is'} not known to have arrived"


def _quarantine(pipeline: PipelineStanding, partition: PartitionStanding) -> Need | None:
    share, usual = partition.quarantined_share, pipeline.usual_quarantined_share
    if share is None or usual is None or share <= max(_TIMES * usual, usual + _AT_LEAST):
        return None
    # What is far from the usual of all days may be what this weekday is like.
    if any(one.what == "quarantined" and one.band and not one.unusual for one in pipeline.measured):
        return None
    problem = (
        f"{partition.rows_quarantined:,} of {partition.rows_in:,} rows are in quarantine: {share:.1%}, "
        f"and {usual:.1%} is usual."
    )
    next_step = "see which expectations were not met, mend the source, then replay."
    command = f"daybreak show {pipeline.name} {partition.key}"
    return Need("quarantine", pipeline.name, partition.key, problem, next_step, command)


def _was_due(pipeline: PipelineStanding, partition: PartitionStanding, now: datetime) -> str:
    since = partition.late_since or now
    return f"was due at {clock(since, pipeline.timezone, now)}, {ago(since, now)} ago"
