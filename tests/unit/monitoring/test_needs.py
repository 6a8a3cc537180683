"""Needs: how a partition stands by the calendar and the ledger, and what of it needs a person."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from daybreak.declaration.due import promised
from daybreak.declaration.partition import Calendar
from daybreak.monitoring.clocks import ago, clock
from daybreak.monitoring.needs import Need, needs_of
from daybreak.monitoring.partition_standing import PartitionStanding, standing_of
from daybreak.monitoring.pipeline_standing import Open, PipelineStanding

ZONE = "America/New_York"
NOON = datetime(2026, 1, 16, 17, tzinfo=UTC)
DUE = datetime(2026, 1, 16, 11, tzinfo=UTC)
KEY = "2026-01-15"
LEDGER = (
    ("current_run", "there_since", "current_state", "model_version", "trained_through", "stale", "upstream"),
    ("outdated", "source_looked_at"),
    ("rows_extracted", "rows_quarantined", "rows_failed", "rows_published"),
    ("last_run", "last_state", "error", "note", "error_type", "waiting", "started_at", "finished_at"),
)
UNKNOWN: dict[str, Any] = dict.fromkeys(name for names in LEDGER for name in names)
THERE = {
    "current_run": 7,
    "last_run": 7,
    "current_state": "published",
    "last_state": "published",
    "there_since": DUE - timedelta(hours=5),
    "rows_extracted": 100,
    "rows_quarantined": 1,
    "rows_failed": 0,
    "rows_published": 99,
    "model_version": 3,
    "trained_through": date(2026, 1, 1),
}


def stands(now: datetime = NOON, *, before: bool = False, due: Any = time(6), **known: Any) -> PartitionStanding:
    [found] = promised(Calendar(ZONE), due, now, 1)
    return standing_of("sales", found, UNKNOWN | known, now, before=before)


def pipeline(*partitions: PartitionStanding, name: str = "sales", **changes: Any) -> PipelineStanding:
    plain = PipelineStanding(
        name, name, ZONE, "day", False, None, partitions, None, None, None, (), (), "2026-01-16", NOON, None
    )
    return replace(plain, **changes)


def needs(one: PipelineStanding, *others: PipelineStanding) -> list[Need]:
    return list(needs_of(one, {other.name: other for other in (one, *others)}, NOON, 7))


@pytest.mark.parametrize(
    ("known", "state", "late"),
    [
        ({}, "late", True),
        (THERE, "published", False),
        (THERE | {"current_state": "pushed"}, "pushed", False),
        ({"last_run": 8, "last_state": "failed", "error": f"sales {KEY}: It broke. Next: mend it."}, "failed", True),
        ({"last_run": 8, "last_state": "running", "started_at": DUE}, "running", True),
        ({"last_run": 8, "last_state": "running", "waiting": {"for": "The rows."}}, "waiting", True),
        ({"last_run": 8, "last_state": "not pushed", "note": "not pushed: backfill"}, "not pushed", True),
        (THERE | {"last_run": 8, "last_state": "failed", "error": "It broke."}, "published", False),
    ],
)
def test_what_is_not_there_when_it_is_due_is_late(known: dict[str, Any], state: str, late: bool) -> None:
    found = stands(**known)
    assert (found.state, found.late_since) == (state, DUE if late else None)
    assert found.key == KEY


def test_before_it_is_due_nothing_is_late() -> None:
    early = DUE - timedelta(seconds=1)
    assert (stands(early).state, stands(early).late_since) == ("not due", None)
    assert stands(due=None).state == "missing"


def test_what_was_before_the_first_run_is_owed_by_nobody() -> None:
    assert (stands(before=True).state, stands(before=True).late_since) == ("before", None)


def test_what_is_there_needs_nobody() -> None:
    assert needs(pipeline(stands(**THERE))) == []


def test_what_was_made_from_an_older_source_is_told_with_when_that_was_seen() -> None:
    outdated = stands(**THERE, outdated=True, source_looked_at=NOON - timedelta(minutes=4))
    assert (outdated.shown_as, outdated.state) == ("outdated", "published")
    [found] = needs(pipeline(outdated))
    assert (found.kind, found.partition) == ("outdated", KEY)
    assert found.problem == f"The source has changed since {KEY} was made from it. It was looked at 11:56."
    assert found.command == f"daybreak backfill sales {KEY} {KEY} --outdated"
    assert replace(outdated, stale=True).shown_as == "stale"


def test_a_run_that_was_never_made_is_told_with_the_command_that_makes_it() -> None:
    [need] = needs(pipeline(stands()))
    assert (need.kind, need.problem) == ("late", "It was due at 06:00, 6 hours ago, and no run was made for it.")
    assert need.command == f"daybreak run sales --partition {KEY}"


def test_days_that_never_ran_are_one_need_with_the_command_that_makes_them_all() -> None:
    calendar = Calendar(ZONE)
    days = [standing_of("sales", found, UNKNOWN, NOON, before=False) for found in promised(calendar, time(6), NOON, 3)]
    [need] = needs(pipeline(*days))
    assert need.problem.startswith(
        "No run was made for 3 partitions from 2026-01-13 on; the last was due at 06:00, 6 ho"
    )
    assert (need.partition, need.command) == (KEY, f"daybreak backfill sales 2026-01-13 {KEY}")


def test_a_failure_is_told_in_its_own_words() -> None:
    error = f"sales {KEY}: The source ended. Next: load it, then `daybreak run sales --partition {KEY}`."
    [need] = needs(pipeline(stands(last_run=8, last_state="failed", error=error)))
    assert (need.problem, need.command) == ("The source ended.", f"daybreak run sales --partition {KEY}")
    assert need.next_step == f"load it, then `daybreak run sales --partition {KEY}`."


def test_a_failure_after_a_publication_says_what_is_still_shown() -> None:
    [need] = needs(pipeline(stands(**THERE | {"last_run": 8, "last_state": "failed", "error": "It broke."})))
    assert need.problem == "Run 8 failed; what was published before stays, of run 7. It broke."


def test_a_receiver_that_is_down_is_one_need_with_the_command_that_resumes() -> None:
    opened = (Open(KEY, 2, 200, 5, DUE),)
    failed = stands(last_run=8, last_state="failed", error=f"sales {KEY}: No answer. Next: wait.")
    for partition in (failed, stands(**THERE | {"current_state": "pushed"})):
        [need] = needs(pipeline(partition, open=opened))
        assert "2 chunks of 200 offers are not known to have arrived" in need.problem
        assert need.command == f"daybreak push sales {KEY} --resume"


@pytest.mark.parametrize(
    ("usual", "quarantined", "told"),
    [(0.01, 5, True), (0.01, 2, False), (0.0, 1, False), (0.0, 2, True), (None, 99, False)],
)
def test_a_quarantine_far_above_its_usual_is_told(usual: float | None, quarantined: int, told: bool) -> None:
    one = pipeline(stands(**THERE | {"rows_quarantined": quarantined}), usual_quarantined_share=usual)
    assert [need.kind for need in needs(one)] == (["quarantine"] if told else [])


def test_what_waits_for_another_pipeline_needs_nobody_but_that_one() -> None:
    upstream = pipeline(stands(), name="first")
    late = pipeline(stands(), upstream="first")
    assert needs(late, upstream) == []
    assert len(needs(late, pipeline(stands(**THERE), name="first"))) == 1


def test_what_keeps_predictions_away_comes_first() -> None:
    kinds = [Need("stale", "a", KEY, "", ""), Need("failed", "b", KEY, "", ""), Need("broken", "c", None, "", "")]
    newest = [Need("late", "a", "2026-01-14", "", ""), Need("late", "b", "2026-01-15", "", "")]
    found = sorted([*kinds, *newest], key=Need.urgency)
    assert [(need.kind, need.partition) for need in found] == [
        ("broken", None),
        ("late", "2026-01-15"),
        ("late", "2026-01-14"),
        ("failed", KEY),
        ("stale", KEY),
    ]


def test_clocks_are_those_of_the_pipelines_zone() -> None:
    assert clock(DUE, ZONE, NOON) == "06:00"
    assert clock(DUE - timedelta(days=1), ZONE, NOON) == "yesterday 06:00"
    assert clock(DUE + timedelta(days=1), ZONE, NOON) == "tomorrow 06:00"
    assert clock(DUE + timedelta(days=9), ZONE, NOON) == "2026-01-25 06:00"
    assert [ago(NOON - timedelta(minutes=minutes), NOON) for minutes in (0, 1, 119, 120, 2879, 2880)] == [
        "0 minutes",
        "1 minute",
        "119 minutes",
        "2 hours",
        "47 hours",
        "2 days",
    ]
