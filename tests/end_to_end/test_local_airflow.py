"""A real local Airflow: it starts, runs partitions, and leaves nothing behind however it ends."""

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa
import yaml

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.embedded.processes import Recorded, record, recorded
from daybreak.errors import ConfigurationError, TerminalError, TransientError
from daybreak.local.airflow import LocalAirflow
from daybreak.local.airflow_environment import USER, airflow_environment
from daybreak.local.airflow_http import AirflowHttp
from daybreak.local.airflow_status import airflow_status, end_airflow
from daybreak.local.keeper import COMPONENTS
from daybreak.settings import Settings
from homes import short_lived
from local_days import days
from ports import free_port
from waiting import LONG, until

# What `daybreak local up` comes down to, in a process that the tests may kill.
UP = """
import sys
from daybreak.local.airflow import LocalAirflow
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.settings import Settings

settings = Settings()
with LocalAirflow(settings, EmbeddedPostgres(settings.home), dags=["sleepy"]) as airflow:
    airflow.api.unpause("sleepy")
    for [run] in airflow.api.follow([airflow.api.trigger("sleepy", None)], timeout=900):
        if run.tasks["sleep"] == "running":
            print("a task runs", flush=True)
            airflow.watch()
"""


@pytest.fixture(scope="module")
def project() -> Iterator[Path]:
    with short_lived() as folder:
        yield folder


@pytest.fixture(scope="module")
def settings(project: Path) -> Settings:
    for folder in ("dags", "plugins"):
        (project / folder).mkdir()
    shutil.copy(Path(__file__).with_name("tiny_dags.py"), project / "dags")
    (project / "dags" / "broken.py").write_text(
        "from airflow.sdk import dag\n\nraise ValueError('a slip of the pen')\n"
    )
    # This project has no SQL of a promotions system, and none is to be started beside its Airflow.
    return Settings(home=project / "home", project=project, port=free_port(), promotions_system="")


@pytest.fixture(scope="module")
def postgres(settings: Settings) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(settings.home)
    yield server
    server.release()


@pytest.fixture(scope="module")
def messages() -> list[str]:
    return []


@pytest.fixture(scope="module")
def airflow(settings: Settings, postgres: EmbeddedPostgres, messages: list[str]) -> Iterator[LocalAirflow]:
    dags = ["partitioned", "at_six", "sleepy"]
    running = LocalAirflow(settings, postgres, dags=dags, schedules=False, progress=messages.append)
    running.launch()
    running.wait_until_healthy(timeout=LONG)
    with running:
        yield running


@pytest.fixture
def up(settings: Settings) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []

    def start() -> "subprocess.Popen[str]":
        variables = {"HOME": str(settings.home), "PROJECT": str(settings.project), "PORT": str(settings.port)}
        environment = {**os.environ, **{f"DAYBREAK_{name}": value for name, value in variables.items()}}
        process = subprocess.Popen(
            [sys.executable, "-c", UP],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_backfill_runs_each_partition_once(airflow: LocalAirflow, settings: Settings) -> None:
    airflow.api.unpause("partitioned")
    runs = airflow.api.backfill("partitioned", date(2026, 2, 1), date(2026, 2, 2), {"note": "again"})
    *_, last = airflow.api.follow(runs, timeout=LONG)

    assert [(run.partition, run.state, run.run_type, dict(run.tasks)) for run in last] == [
        ("2026-02-01", "success", "backfill", {"look": "success"}),
        ("2026-02-02", "success", "backfill", {"look": "success"}),
    ]
    assert sorted(run.partition or "" for run in airflow.api.runs("partitioned")) == ["2026-02-01", "2026-02-02"]
    assert json.loads((settings.project / "2026-02-01.json").read_text())["note"] == "again"


def test_a_second_backfill_leaves_finished_partitions_alone(airflow: LocalAirflow) -> None:
    before = airflow.api.runs("partitioned")
    runs = airflow.api.backfill("partitioned", date(2026, 2, 1), date(2026, 2, 2))
    assert {run.run_id for run in runs} == {run.run_id for run in before}
    assert airflow.api.runs("partitioned") == before


def test_a_task_has_the_settings_and_finds_the_libraries_imported(
    airflow: LocalAirflow, settings: Settings, postgres: EmbeddedPostgres
) -> None:
    airflow.api.unpause("partitioned")
    *_, [run] = airflow.api.follow([airflow.api.trigger("partitioned", "2026-02-05")], timeout=LONG)
    assert (run.partition, run.state, run.run_type) == ("2026-02-05", "success", "manual")

    seen = json.loads((settings.project / "2026-02-05.json").read_text())
    assert seen["imported"]
    assert seen["variables"]["DAYBREAK_HOME"] == str(settings.home)
    assert seen["variables"]["DAYBREAK_WAREHOUSE_URL"] == postgres.url("daybreak")
    assert seen["variables"]["DAYBREAK_REGISTRY_URL"] == postgres.url("mlflow")


def test_a_bad_partition_key_is_refused_in_airflows_words(airflow: LocalAirflow) -> None:
    with pytest.raises(TerminalError, match=r"Airflow refused .*yesterday"):
        airflow.api.trigger("partitioned", "yesterday")


def test_without_schedules_a_published_partition_still_starts_what_follows_and_the_clock_starts_nothing(
    airflow: LocalAirflow,
) -> None:
    airflow.wait_until_healthy("publishes", "follows", timeout=LONG)
    for dag_id in ("publishes", "follows"):
        airflow.api.unpause(dag_id)
    first, last = date(2026, 3, 5), date(2026, 3, 11)  # the clocks change on the 8th
    wanted = [day.isoformat() for day in days(first, last)]
    *_, _ = airflow.api.follow(airflow.api.backfill("publishes", first, last), timeout=LONG)
    started = [airflow.api.triggered("follows", key, known=(), timeout=LONG) for key in wanted]
    *_, ended = airflow.api.follow(started, timeout=LONG)
    assert [(run.partition, run.state) for run in ended] == [(key, "success") for key in wanted]
    assert len(airflow.api.runs("follows")) == 7
    assert {run.run_type for run in airflow.api.runs("publishes")} == {"backfill"}

    known = {run.run_id for run in ended}
    *_, _ = airflow.api.follow(airflow.api.backfill("publishes", last, last, reprocess="completed"), timeout=LONG)
    assert airflow.api.triggered("follows", wanted[-1], known, timeout=LONG).run_id not in known
    with pytest.raises(TransientError, match=r"started no run of 2026-04-01 after 1 s"):
        airflow.api.triggered("follows", "2026-04-01", known, timeout=1)


def test_runs_are_found_among_newer_ones(airflow: LocalAirflow) -> None:
    runs = airflow.api.runs("publishes")
    assert len(runs) > 5
    for old in (runs[-1:], runs[-3:]):
        *_, found = airflow.api.follow(old, timeout=LONG)
        assert [run.run_id for run in found] == [run.run_id for run in old]
        assert {tuple(run.tasks.items()) for run in found} == {(("publish", "success"),)}


def test_a_run_that_is_deleted_while_it_is_followed_is_named(airflow: LocalAirflow) -> None:
    run = airflow.api.trigger("at_six", None)  # it waits: the DAG is paused
    following = airflow.api.follow([run], timeout=LONG)
    assert [now.state for now in next(following)] == ["queued"]
    http = AirflowHttp(airflow.api.url, USER, airflow.password)
    http.send("DELETE", f"/api/v2/dags/at_six/dagRuns/{run.run_id}")
    http.close()
    with pytest.raises(TerminalError, match=f"The run {re.escape(run.run_id)} was deleted"):
        next(following)


def test_a_day_that_airflow_leaves_out_is_named(airflow: LocalAirflow) -> None:
    with pytest.raises(TerminalError, match=r"no run for 2026-02-03\..*at midnight"):
        airflow.api.backfill("at_six", date(2026, 2, 1), date(2026, 2, 3))


def test_a_dag_file_that_cannot_be_imported_is_named_with_its_error(airflow: LocalAirflow) -> None:
    with pytest.raises(ConfigurationError, match=r"broken\.py cannot be imported: ValueError: a slip of the pen"):
        airflow.wait_until_healthy("broken", timeout=LONG)


def test_the_start_tells_what_it_waits_for(airflow: LocalAirflow, messages: list[str]) -> None:
    assert messages[0] == "Waiting for Airflow's tables to be created."
    assert "Waiting for the api-server." in messages
    assert "Airflow is healthy." in messages


def test_another_shell_sees_what_runs(airflow: LocalAirflow, settings: Settings) -> None:
    found = {component.name: component for component in airflow_status(settings)}
    assert set(found) == {"up", *COMPONENTS}
    assert all(component.healthy for component in found.values())
    assert found["up"].pid == os.getpid()
    assert "scheduler" in " ".join(psutil.Process(found["scheduler"].pid).cmdline())


def test_a_second_airflow_of_the_same_home_is_refused(
    airflow: LocalAirflow, settings: Settings, postgres: EmbeddedPostgres
) -> None:
    with pytest.raises(ConfigurationError, match="runs already"), LocalAirflow(settings, postgres):
        pass
    assert all(component.healthy for component in airflow_status(settings))


def test_a_port_in_use_is_refused_before_anything_starts(airflow: LocalAirflow, tmp_path: Path) -> None:
    taken = Settings(home=tmp_path, project=tmp_path, port=int(airflow.url.rpartition(":")[2]))
    with pytest.raises(ConfigurationError, match=r"Port \d+ is in use.*DAYBREAK_PORT"):
        LocalAirflow(taken, EmbeddedPostgres(tmp_path)).launch()
    assert not (tmp_path / "postgres").exists()
    assert recorded(tmp_path / "airflow" / "run") == {}


def test_airflow_knows_every_option_that_is_set(
    airflow: LocalAirflow, settings: Settings, postgres: EmbeddedPostgres
) -> None:
    package = importlib.util.find_spec("airflow")
    assert package is not None
    assert package.origin is not None
    known = yaml.safe_load((Path(package.origin).parent / "config_templates" / "config.yml").read_text())
    given = airflow_environment(settings, postgres) | airflow_environment(settings, postgres, schedules=False)
    names = [name for name in given if name.startswith("AIRFLOW__")]
    assert len(names) > 20
    for name in names:
        _, section, option = name.lower().split("__", 2)
        assert option in known[section]["options"], name


def test_an_airflow_configured_around_us_has_no_part_in_ours(
    airflow: LocalAirflow, settings: Settings, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL", "redis://elsewhere")
    monkeypatch.setenv("AIRFLOW_CONN_PROMOTIONS", "http://promotions")
    ours = airflow_environment(settings, postgres)
    assert ours["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert "AIRFLOW__CELERY__BROKER_URL" not in ours
    assert ours["AIRFLOW_CONN_PROMOTIONS"] == "http://promotions"


def test_secrets_are_made_up_once_and_private(
    airflow: LocalAirflow, settings: Settings, postgres: EmbeddedPostgres
) -> None:
    for name in ("secrets.json", "passwords.json"):
        assert stat.S_IMODE((airflow.folder / name).stat().st_mode) == 0o600
    first, second = (airflow_environment(settings, postgres) for _ in range(2))
    assert first == second
    assert (
        len({first[f"AIRFLOW__{key}"] for key in ("API__SECRET_KEY", "API_AUTH__JWT_SECRET", "CORE__FERNET_KEY")}) == 3
    )


# From here on the shared Airflow is stopped; its home, with tables made, serves the tests of how an Airflow ends.


def test_stopping_leaves_no_process(airflow: LocalAirflow, settings: Settings) -> None:
    started = _components(settings)
    assert set(started) == set(COMPONENTS)
    airflow.stop()
    assert _left(started) == []
    assert {component.pid for component in airflow_status(settings)} == {None}
    with socket.socket() as caller:
        assert caller.connect_ex(("127.0.0.1", settings.port)) != 0


def test_a_component_that_dies_while_starting_is_reported_with_its_log(
    airflow: LocalAirflow, settings: Settings, postgres: EmbeddedPostgres
) -> None:
    airflow.stop()
    ours = LocalAirflow(settings, postgres)
    ours.launch()
    started = until(lambda: _all_components(settings), "every component to start")
    started["scheduler"].signal(signal.SIGKILL)
    with pytest.raises(TerminalError, match=r"scheduler ended by itself.*Next: read .*scheduler\.log"):
        ours.wait_until_healthy(timeout=LONG)
    ours.stop()
    assert _left(started) == []


def test_ctrl_c_while_starting_leaves_no_process(
    airflow: LocalAirflow, settings: Settings, postgres: EmbeddedPostgres, up: Callable[[], "subprocess.Popen[str]"]
) -> None:
    airflow.stop()
    postgres.release()
    process = up()
    started = until(lambda: _all_components(settings), "every component to start")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole foreground group
    process.wait(LONG)
    assert _left(started) == []
    assert not EmbeddedPostgres(settings.home).running()


def test_another_shell_ends_it(
    airflow: LocalAirflow, settings: Settings, postgres: EmbeddedPostgres, up: Callable[[], "subprocess.Popen[str]"]
) -> None:
    airflow.stop()
    postgres.release()
    process = up()
    started = until(lambda: _all_components(settings), "every component to start")
    assert end_airflow(settings)
    assert process.wait(LONG) == 128 + signal.SIGTERM
    assert _left(started) == []
    assert not EmbeddedPostgres(settings.home).running()
    assert not end_airflow(settings)


def test_a_killed_parent_leaves_neither_components_nor_tasks(
    airflow: LocalAirflow, settings: Settings, postgres: EmbeddedPostgres, up: Callable[[], "subprocess.Popen[str]"]
) -> None:
    airflow.stop()
    postgres.release()
    process = up()
    assert process.stdout is not None
    assert process.stdout.readline() == "a task runs\n"
    started = _components(settings)
    task = [member for member in _left(started) if os.getpgid(member.pid) not in [one.pid for one in started.values()]]
    assert task, "a task runs in a process group of its own"

    process.kill()
    until(lambda: _left(started) == [], "components and tasks to end")
    until(lambda: not EmbeddedPostgres(settings.home).running(), "PostgreSQL to end")
    until(lambda: recorded(settings.home / "airflow" / "run") == {}, "the records to go")


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 0), (signal.SIGTERM, 128 + signal.SIGTERM), (None, 128 + signal.SIGTERM)],
    ids=["ctrl-c", "term", "down in another shell"],
)
def test_just_the_database_is_kept_up_for_any_package_of_pipelines(
    airflow: LocalAirflow, settings: Settings, postgres: EmbeddedPostgres, number: signal.Signals | None, code: int
) -> None:
    airflow.stop()
    postgres.release()
    around = {"HOME": str(settings.home), "PROJECT": str(settings.project), "PIPELINES": "fixture_pipelines"}
    process = subprocess.Popen(
        [Path(sys.executable).with_name("daybreak"), "local", "up", "--no-airflow"],
        env={
            **os.environ,
            **{f"DAYBREAK_{name}": value for name, value in around.items()},
            "PYTHONPATH": str(Path(__file__).parents[1]),
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline() for _ in range(2)]
        assert lines[0].startswith("Warehouse: postgresql")
        assert lines[1] == "Ctrl-C stops everything.\n"
        with sa.create_engine(EmbeddedPostgres(settings.home).url()).connect() as connection:
            assert connection.scalar(sa.text("SELECT to_regnamespace('retail')")) is None
        if number:
            process.send_signal(number)
        else:
            assert end_airflow(settings)
        assert process.wait(LONG) == code
    finally:
        process.kill()
    assert not end_airflow(settings)
    assert not EmbeddedPostgres(settings.home).running()


def test_what_a_killed_keeper_left_is_ended_by_the_next_start(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        ours = LocalAirflow(
            Settings(home=tmp_path, project=tmp_path, port=listener.getsockname()[1]), EmbeddedPostgres(tmp_path)
        )
        with subprocess.Popen(["sleep", "600"], start_new_session=True) as left:
            record(ours.folder / "run", "scheduler", left.pid)
            with pytest.raises(ConfigurationError, match="in use"):
                ours.launch()
            assert left.wait(LONG) < 0


def _components(settings: Settings) -> dict[str, Recorded]:
    started = recorded(settings.home / "airflow" / "run")
    return {name: process for name, process in started.items() if name in COMPONENTS and process.alive()}


def _all_components(settings: Settings) -> dict[str, Recorded]:
    found = _components(settings)
    return found if len(found) == len(COMPONENTS) else {}


def _left(started: dict[str, Recorded]) -> list[psutil.Process]:
    return [member for process in started.values() for member in process.session()]
