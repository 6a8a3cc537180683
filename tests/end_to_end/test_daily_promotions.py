"""The daily promotions in a real Airflow: pushed once and listed, held back, undelivered, killed, and never written."""

import json
import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from collectors import collecting
from daybreak.local.airflow_api import AirflowRun
from homes import short_lived
from predictions import Search
from promotions import SIGNING_KEY, TOKEN
from promotions_stack import CHUNKS, DAG, LEAKY, RETRIES, TOP, Pushing, pushing
from retail.promotions_system.faults import Fault
from waiting import until

# One day for each story, so that none has to undo another's.
PUSHED, UNDELIVERED, KILLED, PLANTED = 0, 1, 2, 3
BACKFILLED = (6, 5, 4)
DONE = dict.fromkeys(["plan", "extract", "validate", "push", "discard"], "success")
NUMBER = re.compile(rb"\d\.\d{8,}(?:e-?\d+)?")


@pytest.fixture(scope="module")
def stack() -> Iterator[Pushing]:
    with (
        short_lived() as home,
        pytest.MonkeyPatch.context() as monkeypatch,
        collecting() as posted,
        pushing(home, monkeypatch, posted) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def pushed(stack: Pushing) -> AirflowRun:
    """Push a day."""
    return stack.run(PUSHED)


@pytest.fixture(scope="module")
def backfilled(stack: Pushing) -> list[AirflowRun]:
    """Backfill three days through Airflow, without a word about pushing."""
    stack.receiver.faults.forget()  # type: ignore[attr-defined]
    return stack.finished(*stack.airflow.api.backfill(DAG, stack.day(BACKFILLED[0]), stack.day(BACKFILLED[-1])))


@pytest.fixture(scope="module")
def told() -> list[tuple[str, str]]:
    """What was told while the promotions system was down."""
    return []


@pytest.fixture(scope="module")
def undelivered(stack: Pushing, told: list[tuple[str, str]]) -> Iterator[AirflowRun]:
    """Run a day while the promotions system is down; it is up again where the tests begin."""
    stack.receiver.kill()
    try:
        run = stack.run(UNDELIVERED)
        # A receiver that is away for a moment is told to nobody.
        told += stack.look()
        stack.let_it_be_ago(run, minutes=21)
        for _ in range(2):
            told += stack.look()
    finally:
        stack.receiver.start()
    return run


@pytest.fixture(scope="module")
def killed(stack: Pushing) -> AirflowRun:
    """SIGKILL the task between the answer to one chunk and that to the other, which arrives after its sender's end."""
    faults = stack.receiver.faults
    faults.forget()  # type: ignore[attr-defined]
    faults.plan(Fault(kind="none"), Fault(kind="delay", seconds=15))
    run = stack.airflow.api.trigger(DAG, str(stack.day(KILLED)))
    until(lambda: len(stack.offered(KILLED)) > 0 and not faults.coming(), "the first chunk")
    stack.kill_whoever_sends()
    return stack.finished(run)[0]


@pytest.fixture(scope="module")
def planted(stack: Pushing) -> AirflowRun:
    """Run the pipeline whose offers fail with an error that holds the predictions, in its text and in its frames."""
    return stack.run(PLANTED, LEAKY)


@pytest.fixture(scope="module")
def search(stack: Pushing) -> Search:
    """Look for every prediction of every day that was run."""
    days = (PUSHED, UNDELIVERED, KILLED, PLANTED, *BACKFILLED)
    return Search([score for back in days for score in stack.scores(back)], digits=10)


def test_a_day_is_pushed_and_listed(stack: Pushing, pushed: AirflowRun) -> None:
    assert (pushed.state, dict(pushed.tasks)) == ("success", DONE)
    [row] = stack.ledger(pushed)
    assert (row["state"], row["trigger"], row["partition_date"]) == ("pushed", "manual", stack.day(PUSHED))
    assert row["rows_extracted"] == row["rows_quarantined"] + row["rows_failed"] + row["rows_scored"] > 1_000
    assert set(row["seconds"]) == {"extract", "validate", "push"}
    offered = stack.offered(PUSHED)
    assert len(offered) == TOP
    assert {offer["model_version"] for offer in offered} == {row["model_version"]}
    # The best come first; the last digits of a score may hang on how many rows were scored at once.
    best = sorted(stack.scores(PUSHED, with_profile=True), reverse=True)[:TOP]
    assert [offer["probability"] for offer in offered] == pytest.approx(best, rel=1e-12)
    assert stack.deliveries(PUSHED) == [("acknowledged", 1)] * CHUNKS


def test_what_the_push_hands_on_are_counts(stack: Pushing, pushed: AirflowRun) -> None:
    [row] = stack.ledger(pushed)
    counts = {name: row[name] for name in ("rows_extracted", "rows_quarantined", "rows_failed", "rows_scored")}
    assert stack.reference(pushed, "push") == {
        "run_id": row["run_id"],
        **counts,
        "offers": TOP,
        "sent": TOP,
        "withdrawn": 0,
        "rejected": 0,
        "rows_kept": None,  # of a publication
        "superseded": None,
    }


def test_a_backfill_says_not_pushed_and_makes_no_request(stack: Pushing, backfilled: list[AirflowRun]) -> None:
    held = [(run.state, run.run_type, dict(run.tasks)) for run in backfilled]
    assert held == [("success", "backfill", {**DONE, "push": "skipped"})] * len(BACKFILLED)
    for run, back in zip(backfilled, BACKFILLED, strict=True):
        [row] = stack.ledger(run)
        assert (row["state"], row["note"], row["partition_date"]) == (
            "not pushed",
            "not pushed: backfill",
            stack.day(back),
        )
        assert "not pushed: backfill; " in stack.log(run, "push")
        assert stack.deliveries(back) == []
        assert stack.offered(back) == []
    assert stack.receiver.faults.seen == []


def test_a_backfill_pushes_where_its_parameter_says_so(stack: Pushing, backfilled: list[AirflowRun]) -> None:
    day = stack.day(BACKFILLED[0])
    asked = stack.airflow.api.backfill(DAG, day, day, {"push_backfill": True}, reprocess="completed")
    [run] = stack.finished(*asked)
    assert (run.state, dict(run.tasks)) == ("success", DONE)
    assert len(stack.offered(BACKFILLED[0])) == TOP


def test_a_dry_run_is_skipped_with_its_reason(stack: Pushing, backfilled: list[AirflowRun]) -> None:
    run = stack.run(BACKFILLED[1], dry_run=True)
    assert (run.state, run.tasks["push"]) == ("success", "skipped")
    assert "not pushed: dry run; " in stack.log(run, "push")
    assert stack.offered(BACKFILLED[1]) == []


def test_a_receiver_that_is_down_fails_the_run_after_retries_and_what_was_staged_is_removed(
    stack: Pushing, undelivered: AirflowRun
) -> None:
    assert undelivered.state == "failed", "the removal hides no failure"
    assert dict(undelivered.tasks) == {**DONE, "push": "failed"}
    assert stack.tries(undelivered) == {**dict.fromkeys(DONE, 1), "push": 1 + RETRIES}
    [row] = stack.ledger(undelivered)
    assert (row["state"], row["rows_scored"]) == ("failed", None)
    assert row["error"].startswith(f"{DAG} {stack.day(UNDELIVERED)}: The receiver at 127.0.0.1 ")
    assert "daybreak push --resume" in row["error"]
    assert stack.log(undelivered, "push").count(row["error"].split(" Next: ")[0][:60]) >= 1 + RETRIES


def test_what_was_not_delivered_is_listed_and_delivered_on_the_command_line(
    stack: Pushing, undelivered: AirflowRun
) -> None:
    assert [state for state, _ in stack.deliveries(UNDELIVERED)] == ["open"] * CHUNKS
    assert stack.offered(UNDELIVERED) == []
    listed = stack.command("deliveries", DAG, str(stack.day(UNDELIVERED)), "--open")
    assert (listed.returncode, listed.stdout.count(" open ")) == (0, CHUNKS), listed.stderr
    resumed = stack.command("push", DAG, str(stack.day(UNDELIVERED)), "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert f"{TOP} offers, {TOP} sent now, 0 withdrawn" in resumed.stdout
    assert len(stack.offered(UNDELIVERED)) == TOP
    assert [state for state, _ in stack.deliveries(UNDELIVERED)] == ["acknowledged"] * CHUNKS


def test_a_failed_push_that_is_cleared_runs_again_with_all_it_needs(stack: Pushing, undelivered: AirflowRun) -> None:
    """After the command line has delivered: nothing is left to send, and the failed run ends well."""
    stack.clear(undelivered, "push")
    [again] = stack.finished(undelivered)
    assert (again.state, dict(again.tasks)) == ("success", DONE)
    failed, cleared = stack.ledger(undelivered)
    assert (failed["state"], cleared["state"]) == ("failed", "pushed")
    assert stack.reference(undelivered, "push")["sent"] == 0
    assert len(stack.offered(UNDELIVERED)) == TOP


def test_a_receiver_that_is_down_is_one_incident_told_once_and_over_when_all_is_delivered(
    stack: Pushing, undelivered: AirflowRun, told: list[tuple[str, str]]
) -> None:
    """After all that the tests above have done: every offer is there."""
    title = f"{DAG} {stack.day(UNDELIVERED)}: run failed"
    [message] = [text for found, text in told if found == title]
    assert f"{CHUNKS} chunks of {TOP} offers are not known to have arrived." in message
    assert f"Command: daybreak push {DAG} {stack.day(UNDELIVERED)} --resume" in message
    over = [found for found, _ in stack.look() if found.endswith(title)]
    assert over == [f"Over: {title}"]


def test_a_task_killed_while_it_pushes_is_retried_and_each_offer_is_there_once(
    stack: Pushing, killed: AirflowRun
) -> None:
    assert (killed.state, dict(killed.tasks)) == ("success", DONE)
    assert stack.tries(killed)["push"] >= 2
    [row] = stack.ledger(killed)
    assert row["state"] == "pushed"
    offered = stack.offered(KILLED)
    assert len(offered) == TOP
    assert {offer["revision"] for offer in offered} == {1}, "each was written once, however often it was sent"
    keys = {seen.key for seen in stack.receiver.faults.seen}
    assert len(keys) == CHUNKS, "a repetition has the key of the first try"
    assert {state for state, _ in stack.deliveries(KILLED)} == {"acknowledged"}


def test_a_failure_planted_among_the_predictions_shows_where_and_not_what(stack: Pushing, planted: AirflowRun) -> None:
    assert (planted.state, dict(planted.tasks)) == ("failed", {**DONE, "push": "failed"})
    assert stack.tries(planted)["push"] == 1
    log = stack.log(planted, "push")
    assert "ValueError in pushing_pipelines.py, line " in log
    assert "its text is withheld" in log
    assert "cannot decide between" not in log
    assert [number for number in NUMBER.findall(log.encode()) if float(number) < 1 and b"e" not in number] == []


@pytest.mark.usefixtures("pushed", "backfilled", "undelivered", "killed", "planted")
class TestAfterAll:
    """What holds when all of the above has happened."""

    def test_no_prediction_was_written_anywhere(self, stack: Pushing, search: Search) -> None:
        looked_at = []
        for place, content in stack.written():
            looked_at.append(place)
            assert not search.found(content), f"{place} holds a prediction"
        assert len(search.predictions) > 200
        assert len(looked_at) > 100
        for part in (
            "daybreak.ledger.runs",
            "airflow.public.xcom",
            "airflow.public.task_instance",
            "logs/dag_id=",
            "scheduler.log",
        ):
            assert [place for place in looked_at if part in place], f"{part} was not looked at"

    def test_a_prediction_that_was_left_would_have_been_found(
        self, stack: Pushing, search: Search, pushed: AirflowRun
    ) -> None:
        score = search.predictions[len(search.predictions) // 2]
        # Nobody writes to the log of a task that has ended; what a component writes would fall on what is left here.
        (log,) = stack.logs(pushed, "push")
        before = log.read_bytes()
        engine = sa.create_engine(stack.workspace.warehouse.url.set(database="airflow"))
        left = sa.text(
            "UPDATE xcom SET value = CAST(:value AS json) "
            "WHERE run_id = :run AND task_id = 'push' AND key = 'return_value'"
        )
        try:
            log.write_bytes(before + json.dumps({"event": f"the best is {score}"}).encode())
            with engine.connect() as connection, connection.begin() as undone:
                changed = connection.execute(left, {"value": json.dumps({"best": score}), "run": pushed.run_id})
                assert changed.rowcount == 1
                rows = connection.exec_driver_sql("SELECT t::text FROM xcom AS t").scalars()
                assert search.found("\n".join(rows).encode())
                undone.rollback()
            found = [place for place, content in stack.written() if search.found(content)]
            assert found == [str(log.relative_to(stack.settings.home))]
        finally:
            log.write_bytes(before)
            engine.dispose()

    def test_no_secret_is_in_a_log(self, stack: Pushing) -> None:
        logs = list((stack.airflow.folder / "logs").rglob("*.log"))
        assert len(logs) > 40
        for file in logs:
            text = file.read_text()
            assert TOKEN not in text, file
            assert SIGNING_KEY not in text, file

    def test_nothing_is_staged_any_more(self, stack: Pushing) -> None:
        assert stack.staged() == []
