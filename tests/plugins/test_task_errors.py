"""What leaves a task is an error of ours that names its pipeline, and its partition where there is one."""

import gc
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from structlog.contextvars import get_contextvars

from daybreak.errors import SourceRefused, UnexpectedError
from daybreak.garbage import collect_seldom
from daybreak.telemetry.run_context import working_on
from daybreak_airflow.task_errors import in_one_line


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAYBREAK_HOME", str(tmp_path))
    return tmp_path


def test_a_body_that_raises_what_nobody_has_foreseen_is_told_by_place_and_traceback(home: Path) -> None:
    @in_one_line
    def train(*, due: dict[str, Any]) -> None:
        raise KeyError("colour")

    @in_one_line
    def validate(plan: dict[str, Any], snapshot: dict[str, Any]) -> None:
        raise KeyError("colour")

    @in_one_line
    def measure(pipeline: str) -> None:
        raise KeyError("colour")

    for call, place in (
        (lambda: train(due={"pipeline": "orders", "through": "2024-03-09"}), "orders: "),
        (lambda: validate({"pipeline": "orders", "partition": "2024-03-09"}, {"rows": 1}), "orders 2024-03-09: "),
        (lambda: measure("orders"), "orders: "),
    ):
        with pytest.raises(UnexpectedError, match=rf"^{place}KeyError in test_task_errors\.py, line \d+") as told:
            call()
        assert str(home / "tracebacks") in told.value.next_step
        assert isinstance(told.value.__cause__, KeyError)


def test_what_is_ours_and_what_airflow_means_go_through() -> None:
    @in_one_line
    def refuse(pipeline: str) -> None:
        raise SourceRefused("Empty.", next_step="load it.")

    @in_one_line
    def skip(pipeline: str) -> None:
        raise AirflowSkipException("Nothing to do.")

    with pytest.raises(SourceRefused, match=r"^orders: Empty\. Next: load it\.$"):
        refuse("orders")
    with pytest.raises(AirflowSkipException):
        skip("orders")


def test_lines_of_a_task_and_of_what_airflow_says_after_it_belong_to_its_run() -> None:
    seen: list[dict[str, Any]] = []

    @in_one_line
    def score(plan: dict[str, Any], validated: dict[str, Any]) -> None:
        with working_on(7, "orders", "2024-03-09", "model"):
            seen.append(get_contextvars())
        raise SourceRefused("Empty.", next_step="load it.")

    where = {"run": 7, "pipeline": "orders", "partition": "2024-03-09", "stage": "score"}
    with pytest.raises(SourceRefused):
        score({"pipeline": "orders", "partition": "2024-03-09", "run_id": 7}, {"rows": 1})
    assert seen[0].items() >= (where | {"stage": "model"}).items()
    assert get_contextvars().items() >= where.items()

    with pytest.raises(UnexpectedError):
        in_one_line(lambda pipeline: pipeline.absent)("sales")
    assert "run" not in get_contextvars()


def test_a_body_runs_where_garbage_is_looked_for_seldom_as_in_a_command() -> None:
    collect_seldom()
    as_in_a_command = gc.get_threshold()
    try:
        gc.set_threshold(700, 10, 10)
        assert in_one_line(lambda pipeline: gc.get_threshold())("sales") == as_in_a_command
    finally:
        gc.set_threshold(*as_in_a_command)


def test_every_task_of_ours_is_guarded() -> None:
    import re

    for file in Path(in_one_line.__code__.co_filename).parent.glob("*.py"):
        text = file.read_text()
        bodies = re.findall(r"@task(?:\([^@]*?\))?\n\s*(@\w+|def \w+)", text)
        assert set(bodies) <= {"@in_one_line"}, file.name
