"""Partition standing: whether one partition is there, since when or how late, and what came of its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from daybreak.declaration.due import Promised

# missing: nothing is there, and by when it was to be is not declared. before: of the time before the pipeline's first
# run, which nobody promised.
State = Literal[
    "published",
    "pushed",
    "late",
    "failed",
    "running",
    "waiting",
    "not pushed",
    "not due",
    "missing",
    "closed",
    "before",
]


@dataclass(frozen=True)
class PartitionStanding:
    """One partition as it is at a moment; times are in UTC.

    ``late_since`` is filled while it is not there and due. Counts are of the run that is current: the rows read, set
    aside, failed, and published or sent. ``problem``, ``next_step`` and ``error_type`` are those of the last run, where
    that failed; ``note`` is what it says of itself otherwise. ``stale`` says that it was made from an upstream's
    publication which is not the current one any more; ``outdated`` that its source had changed since, when it was
    looked at last, which is ``source_looked_at``.
    """

    pipeline: str
    key: str
    start: datetime
    end: datetime
    due: datetime | None
    is_open: bool
    state: State
    since: datetime | None = None
    late_since: datetime | None = None
    current_run: int | None = None
    last_run: int | None = None
    last_state: str | None = None
    problem: str | None = None
    next_step: str | None = None
    note: str | None = None
    waits_for: str | None = None
    rows_in: int | None = None
    rows_quarantined: int | None = None
    rows_failed: int | None = None
    rows_published: int | None = None
    model_version: int | None = None
    trained_through: date | None = None
    stale: bool = False
    upstream: str | None = None
    outdated: bool = False
    source_looked_at: datetime | None = None
    error_type: str | None = None
    last_finished: datetime | None = None

    @property
    def there(self) -> bool:
        """Whether it is published or pushed."""
        return self.state in ("published", "pushed")

    @property
    def shown_as(self) -> str:
        """The one word for it: its state, or why what is there ought to be made anew."""
        return "stale" if self.stale else "outdated" if self.outdated else self.state

    @property
    def failed_since(self) -> bool:
        """Whether a later run than the current one has failed."""
        return self.there and self.last_state == "failed"

    @property
    def quarantined_share(self) -> float | None:
        """The share of its rows in quarantine."""
        return self.rows_quarantined / self.rows_in if self.rows_in and self.rows_quarantined is not None else None


def standing_of(
    pipeline: str, promised: Promised, known: Mapping[str, Any], now: datetime, *, before: bool
) -> PartitionStanding:
    """Say how a partition stands, from the calendar and what the ledger knows of it.

    ``before`` says that it is of the time before the pipeline's first run.
    """
    partition = promised.partition
    there = known["current_run"] is not None
    late_since = None if there or before else promised.late_since(now)
    problem, next_step = told(known["error"], pipeline, partition.key)
    waiting = known["waiting"] or {}
    state = _state(promised, known, late_since, before=before)
    # Not every run that failed, waited or did less was for what is there now.
    since = known["there_since"] if there else late_since if state == "late" else known["finished_at"]
    return PartitionStanding(
        pipeline=pipeline,
        key=partition.key,
        start=partition.start,
        end=partition.end,
        due=promised.due,
        is_open=promised.is_open,
        state=state,
        since=known["started_at"] if state in ("running", "waiting") else since,
        late_since=late_since,
        current_run=known["current_run"],
        last_run=known["last_run"],
        last_state=known["last_state"],
        problem=problem,
        next_step=next_step,
        note=known["note"],
        waits_for=waiting.get("for"),
        rows_in=known["rows_extracted"],
        rows_quarantined=known["rows_quarantined"],
        rows_failed=known["rows_failed"],
        rows_published=known["rows_published"],
        model_version=known["model_version"],
        trained_through=known["trained_through"],
        stale=bool(known["stale"]),
        upstream=known["upstream"],
        outdated=bool(known["outdated"]),
        source_looked_at=known["source_looked_at"],
        error_type=known["error_type"],
        last_finished=known["finished_at"],
    )


def _state(promised: Promised, known: Mapping[str, Any], late_since: datetime | None, *, before: bool) -> State:
    last = known["last_state"]
    if known["current_run"] is not None:
        return "pushed" if known["current_state"] == "pushed" else "published"
    if last == "running":
        return "waiting" if known["waiting"] else "running"
    if last in ("failed", "not pushed"):
        return "failed" if last == "failed" else "not pushed"
    if not promised.is_open:
        return "closed"
    if before:
        return "before"
    if late_since is not None:
        return "late"
    return "missing" if promised.due is None else "not due"


def told(error: str | None, pipeline: str, key: str) -> tuple[str | None, str | None]:
    """Take the ledger's line of a failed run apart: what happened, and what to do next."""
    if not error:
        return None, None
    problem, _, next_step = error.partition(" Next: ")
    return problem.removeprefix(f"{pipeline} {key}: "), next_step or None
