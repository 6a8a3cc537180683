"""Killed with SIGKILL at any line and run again: the same rows once, no more, no fewer."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from daybreak.ledger.runs import lock
from parcels import DAY, ROWS, Parcels
from processes import FORKS, IMPORTED, Death, Line, ended, environment, kill, run_tasks, start, start_tasks
from waiting import LONG, until

from .conftest import break_weights

TESTS = Path(__file__).parents[1]
RUN = ("run", "parcel_hours", "--partition", str(DAY))
KILLED = -signal.SIGKILL
ABANDONED = "The process that worked on it ended without closing it. Next: run the partition again."
WAITING = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = "
    "(SELECT oid FROM pg_database WHERE datname = current_database())"
)
# Where most can go wrong; half of the lines are drawn from these.
CRITICAL = ("publish.py", "ledger/runs.py", "runner.py", "quarantine.py", "planning.py", "snapshot.py")


def drawn(file: Path, many: int, seed: int) -> list[Line]:
    lines = [(path, number) for path, number in json.loads(file.read_text())]
    critical = [line for line in lines if line[0].endswith(CRITICAL)]
    draw = random.Random(seed)
    return draw.sample(critical, many // 2) + draw.sample([line for line in lines if line not in critical], many // 2)


def close_killed(parcels: Parcels) -> None:
    """Close runs whose process is gone as if they had been planned a while ago."""
    parcels.execute("UPDATE ledger.runs SET started_at = started_at - interval '1 minute' WHERE state = 'running'")
    parcels.workspace.ledger.sweep()
    assert parcels.value("SELECT count(*) FROM ledger.runs WHERE state = 'running'") == 0


def test_a_process_to_be_killed_finds_there_what_it_would_import(tmp_path: Path) -> None:
    """Python passes over what it cannot find: each process would import it anew, and be killed at a line of that."""
    found = tmp_path / "found"
    told = f"import sys; open({str(found)!r}, 'w').write(' '.join(sys.modules))"
    process = FORKS.Process(target=exec, args=(told,), daemon=True)
    process.start()
    assert ended(process) == 0
    assert set(IMPORTED) - set(found.read_text().split()) == set()


def test_a_run_killed_at_any_line_leaves_nothing_half_done(parcels: Parcels, tmp_path: Path) -> None:
    settings = parcels.workspace.settings
    break_weights(parcels, 12)
    assert ended(start(settings, *RUN, lines=tmp_path / "lines")) == 0
    expected = parcels.forecasts()
    assert len(expected) == 388
    killed = 0
    for path, number in drawn(tmp_path / "lines", 16, seed=20240309):
        before = parcels.current()
        killed += ended(start(settings, *RUN, death=Death(line=(path, number)))) == KILLED
        assert parcels.forecasts() == expected, f"killed at {path}:{number}"
        assert parcels.current() in (before, [parcels.last_run()["run_id"]])
    # Lines that only a first run comes to are not met again.
    assert killed >= 13
    close_killed(parcels)
    assert ended(start(settings, *RUN)) == 0
    assert parcels.forecasts() == expected
    assert parcels.current() == [parcels.last_run()["run_id"]]
    reasons = "SELECT DISTINCT error FROM ledger.runs WHERE state = 'failed'"
    assert parcels.rows(reasons) == [(ABANDONED,)]


def test_tasks_killed_at_any_line_and_tried_again_are_one_run(parcels: Parcels, tmp_path: Path) -> None:
    settings, day = parcels.workspace.settings, str(DAY)
    break_weights(parcels, 12)
    assert ended(start_tasks(settings, tmp_path / "first", day, lines=tmp_path / "lines")) == 0
    expected, killed = parcels.forecasts(), 0
    for nth, line in enumerate(drawn(tmp_path / "lines", 10, seed=20240310)):
        folder, where = tmp_path / f"run-{nth}", f"killed at {line[0]}:{line[1]}"
        killed += ended(start_tasks(settings, folder, day, death=Death(line=line))) == KILLED
        assert parcels.forecasts() == expected, where
        run_tasks(parcels.workspace, folder, day)
        assert parcels.forecasts() == expected, where
        runs = parcels.rows("SELECT run_id, state FROM ledger.runs WHERE origin = %s", f"parcel_hours/run-{nth}")
        assert runs == [(parcels.current()[0], "published")], where
        run_id = runs[0][0]
        kept = [f"SELECT count(*) FROM ledger.{table} WHERE run_id = %s" for table in ("quarantine", "publications")]
        assert [parcels.value(query, run_id) for query in kept] == [12, 1], where
        assert parcels.stored(run_id) == 388, where
    assert killed >= 8


MOMENTS = {
    "before the ledger knows of it": ("Ledger.open", 1, False),
    "while the model is resolved": ("Registry.verify", 1, False),
    "between the rows and the end of the snapshot": ("SnapshotWriter.close", 1, False),
    "while rows are set aside": ("_Aside.add", 2, False),
    "before quarantined rows are written": ("Quarantine._replace", 2, False),
    "in the middle of the COPY": ("Publisher.rows", 3, False),
    "between the COPY and the flip": ("Publisher.flip", 1, False),
    "within the flip": ("Publisher._point_to", 1, False),
    "before the flip is committed": ("Publisher._publication", 1, False),
    "after the flip": ("Ledger.took", 1, True),
}


@pytest.mark.parametrize(("function", "call", "published"), MOMENTS.values(), ids=MOMENTS)
def test_a_run_killed_at_the_worst_moments(parcels: Parcels, function: str, call: int, *, published: bool) -> None:
    settings = parcels.workspace.settings
    broken = break_weights(parcels, 12)
    before = parcels.forecasts()
    after = {key: value for key, value in before.items() if key not in broken}
    assert ended(start(settings, *RUN, death=Death(function=function, call=call))) == KILLED
    assert parcels.forecasts() == (after if published else before)
    assert ended(start(settings, *RUN)) == 0
    assert parcels.forecasts() == after
    assert parcels.current() == [parcels.last_run()["run_id"]]
    close_killed(parcels)


@contextmanager
def stopped_at_the_copy(
    parcels: Parcels, table: str = "predictions.parcel_hours_runs", row: str = "NEW.parcel_id = 8200"
) -> Iterator[Callable[[int], None]]:
    """Let processes stop in the middle of the COPY, or at what else they write, at a lock.

    Gives a function that waits until so many have stopped there, or wait for one that has.
    """
    parcels.execute(
        "CREATE FUNCTION parcels.wait() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
        "PERFORM pg_advisory_xact_lock_shared(4711); RETURN NEW; END$$",
        f"CREATE TRIGGER wait BEFORE INSERT ON {table} FOR EACH ROW WHEN ({row}) EXECUTE FUNCTION parcels.wait()",
    )

    with parcels.workspace.warehouse.engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_advisory_lock(4711)")
        yield lambda processes: until(lambda: parcels.value(WAITING) == processes, "the COPY")
        connection.invalidate()


def test_the_executable_killed_during_the_copy_and_run_again(parcels: Parcels) -> None:
    settings = parcels.workspace.settings
    daybreak = Path(sys.executable).parent / "daybreak"
    before = parcels.shown()
    with stopped_at_the_copy(parcels) as wait_until_stopped:
        process = subprocess.Popen([daybreak, *RUN], env=environment(settings) | {"PYTHONPATH": str(TESTS)})
        wait_until_stopped(1)
        process.kill()
        assert process.wait(LONG) == KILLED
    assert parcels.shown() == before
    assert ended(start(settings, *RUN)) == 0
    assert parcels.stored(2) == 0
    assert len(parcels.forecasts()) == ROWS
    assert parcels.current() == [3]


def test_a_run_that_somebody_works_on_is_not_closed_as_abandoned(parcels: Parcels) -> None:
    sweep = parcels.workspace.ledger.sweep
    with stopped_at_the_copy(parcels) as wait_until_stopped:
        process = start(parcels.workspace.settings, *RUN)
        wait_until_stopped(1)
        parcels.execute("UPDATE ledger.runs SET started_at = started_at - interval '1 day'")
        assert sweep() == 0
        kill(process)
    until(lambda: sweep() == 1, "the killed process to be noticed")
    assert parcels.last_run()["error"] == ABANDONED


def test_two_processes_on_one_partition_publish_its_rows_once(parcels: Parcels) -> None:
    before = parcels.forecasts()
    with stopped_at_the_copy(parcels) as wait_until_stopped:
        both = [start(parcels.workspace.settings, *RUN) for _ in range(2)]
        wait_until_stopped(2)
    assert [ended(process) for process in both] == [0, 0]
    assert parcels.forecasts() == before
    assert parcels.current() == [3]
    states = parcels.rows("SELECT state FROM ledger.runs WHERE run_id > 1 ORDER BY run_id")
    assert states in ([("published",), ("published",)], [("superseded",), ("published",)])


WRITTEN = {
    "plan": ("ledger.run_segments", "NEW.rows_extracted IS NULL"),
    "validate, its rows": ("ledger.quarantine", "NEW.row_number >= 0"),
    "validate, what the expectations said": ("ledger.expectation_results", "NEW.position = 1"),
    "score": ("predictions.parcel_hours_runs", "NEW.parcel_id = 8200"),
    "score, its segments": ("ledger.run_segments", "NEW.rows_extracted IS NOT NULL"),
}


@pytest.mark.parametrize(("table", "row"), WRITTEN.values(), ids=WRITTEN)
def test_two_tries_of_one_task_at_once_publish_its_rows_once(
    parcels: Parcels, tmp_path: Path, table: str, row: str
) -> None:
    broken = break_weights(parcels, 12)
    after = {key: value for key, value in parcels.forecasts().items() if key not in broken}
    with stopped_at_the_copy(parcels, table, row) as wait_until_stopped:
        both = [start_tasks(parcels.workspace.settings, tmp_path / "run", str(DAY)) for _ in range(2)]
        # One is in the middle of what it writes and the other one waits for it, because both work on the same run.
        wait_until_stopped(2)
    assert 0 in [ended(process) for process in both]
    assert parcels.forecasts() == after
    assert parcels.stored(2) == ROWS - 12
    assert parcels.rows("SELECT run_id, state FROM ledger.runs ORDER BY run_id") == [(1, "published"), (2, "published")]
    assert len(parcels.publications()) == 2
    assert parcels.value("SELECT count(*) FROM ledger.quarantine WHERE run_id = 2") == 12


def test_a_try_that_ends_while_the_next_one_is_at_work_does_not_close_the_run_for_it(parcels: Parcels) -> None:
    runner, plan = parcels.runner, parcels.plan(origin="parcel_hours/a")
    snapshot = runner.extract(plan)
    runner.validate(plan, snapshot)
    with ThreadPoolExecutor() as pool:
        with parcels.workspace.warehouse.begin() as earlier:
            lock(earlier, f"run/{plan.run_id}")  # as the earlier try does that is in its COPY
            counts = pool.submit(runner.score, plan, snapshot)
            until(lambda: parcels.value(WAITING) == 1, "the next try to wait for it")
            parcels.workspace.ledger.fail(plan.run_id, "It was interrupted (SystemExit).")
        publication = runner.publish(plan, counts.result())
    assert publication.run_id == plan.run_id
    run = parcels.workspace.ledger.get(plan.run_id)
    assert (run["state"], run["error"]) == ("published", None)


def test_runs_killed_after_any_time_leave_nothing_half_done(parcels: Parcels) -> None:
    expected, chance = parcels.forecasts(), random.Random(7)
    started = time.monotonic()
    assert ended(start(parcels.workspace.settings, *RUN)) == 0
    seconds = time.monotonic() - started
    for _ in range(6):
        process = start(parcels.workspace.settings, *RUN)
        time.sleep(chance.uniform(0.3, 1) * seconds)
        kill(process)
        assert parcels.forecasts() == expected
    assert ended(start(parcels.workspace.settings, *RUN)) == 0
    assert parcels.forecasts() == expected
    close_killed(parcels)
