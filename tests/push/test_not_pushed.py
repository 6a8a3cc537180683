"""When nothing is to be sent, nothing is: not one request reaches the receiver, and the run says why."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from daybreak.errors import ExpectationsFailed, ModelRefused, PartitionRefused

from .conftest import Daybreak
from .receiver import Receiver
from .shelves import DAY, PRODUCTS, TRAINED_THROUGH, Shelves, classifier, failed, register


@pytest.fixture(autouse=True)
def _no_request(receiver: Receiver) -> Iterator[None]:
    """Hold that no request was made, by the receiver's own log."""
    before = receiver.requests()
    yield
    assert receiver.requests() == before
    assert not receiver.faults.seen


def test_a_backfill_of_a_week_is_seven_runs_that_say_that_they_did_not_push(
    shelves: Shelves, daybreak: Daybreak
) -> None:
    code, said = daybreak("backfill", "shelf_offers", DAY - timedelta(days=6), DAY)
    assert code == 0, said
    assert said.count("not pushed: backfill") == 7
    rows = shelves.rows("SELECT state, note, rows_scored, trigger FROM ledger.runs ORDER BY run_id")
    assert rows == [("not pushed", "not pushed: backfill", PRODUCTS, "backfill")] * 7
    assert shelves.rows("SELECT count(*) FROM ledger.deliveries") == [(0,)]


def test_a_dry_run_does_everything_but_send_and_prints_the_counts(
    shelves: Shelves, daybreak: Daybreak, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("URL", "TOKEN", "SIGNING_KEY"):  # a receiver is not even needed
        monkeypatch.delenv(f"DAYBREAK_PUSH_{name}")
    shelves.correct("price = 0.25", [1, 2, 3])
    shelves.correct("price = NULL", [4])
    code, said = daybreak("run", "shelf_offers", "--partition", DAY, "--dry-run")
    assert code == 0, said
    assert "400 3 1 396" in said
    assert "not pushed: dry run" in said
    run = shelves.last_run()
    assert (run["state"], run["rows_extracted"], run["rows_scored"]) == ("not pushed", 400, 396)
    assert shelves.rows("SELECT count(*) FROM ledger.deliveries") == [(0,)]


def test_a_dry_run_of_an_old_day_is_no_harm(shelves: Shelves, daybreak: Daybreak) -> None:
    code, said = daybreak("run", "shelf_offers", "--partition", DAY - timedelta(days=5), "--dry-run")
    assert (code, "not pushed: dry run" in said) == (0, True)


@pytest.mark.parametrize("command", [("run", "shelf_offers", "--partition"), ("push", "shelf_offers")])
def test_a_partition_that_is_too_old_is_refused(shelves: Shelves, daybreak: Daybreak, command: tuple[str, ...]) -> None:
    code, said = daybreak(*command, DAY - timedelta(days=3))
    assert code == 1
    assert "hours ago; at most 36 may have passed." in said
    assert "nothing older is sent" in said
    assert shelves.last_run()["state"] == "failed"


def test_a_partition_that_has_become_too_old_since_it_was_planned_is_refused(shelves: Shelves) -> None:
    plan = shelves.plan()
    staged = shelves.stage(plan)
    hasty = shelves.declared(push_max_staleness=timedelta(minutes=0))
    with failed(shelves, PartitionRefused, "hours ago", "nothing older is sent"):
        hasty.runner().push(plan, staged)


def test_scores_that_are_spread_otherwise_than_on_held_out_days_stop_the_push(shelves: Shelves) -> None:
    shelves.correct("units = units / 4 + 30", range(1, PRODUCTS + 1))
    with failed(shelves, ExpectationsFailed, "not spread as on held-out days", "compare the day's inputs") as error:
        shelves.push()
    assert not any(character.isdigit() for character in error.value.problem)
    assert shelves.deliveries() == []
    observed = shelves.rows("SELECT observed::text FROM ledger.expectation_results WHERE observed IS NOT NULL")
    assert len(observed) == 1, "the mean of the units, and nothing of the scores"


@pytest.mark.parametrize(
    "profile",
    [None, {"bins": [0.5, 0.25, 0.75], "weights": [0.5, 0.5]}, {"bins": [0.0, 0.1], "weights": [1.0]}],
    ids=["missing", "senseless", "of other scores"],
)
def test_without_a_profile_that_fits_nothing_is_sent(shelves: Shelves, profile: dict[str, list[float]] | None) -> None:
    version = register(shelves.workspace, classifier(shelves.workspace, 1.0), score_profile=profile)
    shelves.promote(version.version)
    kind = ModelRefused if profile is None else ExpectationsFailed
    problem = "has no profile" if profile is None else "not spread as on held-out days"
    with failed(shelves, kind, problem, "train it again"):
        shelves.push()


def test_where_no_row_can_be_scored_nothing_is_sent(shelves: Shelves) -> None:
    # A column without any value would be refused before: these have values that the model breaks on.
    shelves.correct("price = 'Infinity'", range(1, PRODUCTS + 1))
    lenient = shelves.declared(max_failed_share=1)
    with failed(shelves, ExpectationsFailed, "not spread as on held-out days", "compare the day's inputs"):
        lenient.push()


def test_a_model_that_has_seen_later_days_is_refused(shelves: Shelves) -> None:
    version = register(shelves.workspace, classifier(shelves.workspace, 1.0), trained_through=DAY + timedelta(days=1))
    shelves.promote(version.version)
    with failed(shelves, ModelRefused, "has seen days through", "--model-version"):
        shelves.push()
    assert TRAINED_THROUGH < DAY


@pytest.mark.parametrize("command", ["replay", "reproduce"])
def test_what_needs_kept_predictions_says_that_there_are_none(
    shelves: Shelves, daybreak: Daybreak, command: str
) -> None:
    code, said = daybreak(command, "shelf_offers", DAY)
    assert code == 1
    assert (
        f"It pushes, and keeps no predictions. Next: run it again: `daybreak run shelf_offers --partition {DAY}`"
        in said
    )
