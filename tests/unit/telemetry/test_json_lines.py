"""Lines as JSON: one object each, with the run that it belongs to, and nothing that a library hangs on its record."""

import json
import logging
import threading
from collections.abc import Iterator

import pytest

from daybreak.batch.overlap import ahead
from daybreak.errors import SourceRefused
from daybreak.telemetry.json_lines import JsonLines
from daybreak.telemetry.run_context import carried, current, working_on

WHERE = {"run": 7, "pipeline": "sales", "partition": "2026-01-02", "stage": "score"}
log = logging.getLogger("daybreak.test")


class Lines(logging.Handler):
    """Keep what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.written: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    handler = Lines()
    log.addHandler(handler)
    yield handler.written
    log.removeHandler(handler)


def written(lines: list[str]) -> dict[str, object]:
    [line] = lines
    assert "\n" not in line
    found: dict[str, object] = json.loads(line)
    return found


def test_a_line_says_when_how_grave_who_and_what(lines: list[str]) -> None:
    log.warning("%s rows", 3)
    found = written(lines)
    assert str(found.pop("time")).endswith("+00:00")
    assert found == {"level": "warning", "logger": "daybreak.test", "message": "3 rows"}


def test_a_line_belongs_to_the_run_that_is_worked_on(lines: list[str]) -> None:
    with working_on(**WHERE):
        log.warning("slow")
    assert written(lines).items() >= WHERE.items()
    assert current() is None


def test_threads_of_a_stage_belong_to_its_run(lines: list[str]) -> None:
    def items() -> Iterator[int]:
        log.warning("read")
        yield 1

    with working_on(**WHERE):
        with ahead(items()) as read, ahead(read) as taken:
            assert list(taken) == [1]
        told = carried(lambda: log.warning("counted"))
    thread = threading.Thread(target=told)
    thread.start()
    thread.join()
    assert [json.loads(line).items() >= WHERE.items() for line in lines] == [True, True]


def test_an_error_told_after_its_stage_still_says_its_run(lines: list[str]) -> None:
    error = SourceRefused("Empty.", next_step="wait.").located("sales", "2026-01-02")
    with pytest.raises(SourceRefused), working_on(**WHERE):
        raise error
    log.error("%s", error, exc_info=error)
    found = written(lines)
    assert found.items() >= WHERE.items()
    assert found["error"] == "SourceRefused"


def test_neither_tracebacks_nor_attributes_of_libraries_are_written(lines: list[str]) -> None:
    try:
        raise ValueError("prediction 41.5")
    except ValueError:
        log.exception("It failed.", extra={"payload": "prediction 41.5", "entity_key": 12})
    assert "41.5" not in lines[0]
    assert "12" not in str(written(lines)["message"])
    assert written(lines)["error"] == "ValueError"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:hush@host/db is away", "postgresql://me:***@host/db is away"),
        ("http://:hush@host:9/x?a=b@c", "http://:***@host:9/x?a=b@c"),
        ("postgresql+psycopg2://me:hu:s@h@host/db", "postgresql+psycopg2://me:***@host/db"),
        ("two\nlines \x00 é", "two lines \\x00 é"),
        ("half a pair \ud800", "half a pair \\ud800"),
        ("nothing: a@b, http://host/p", "nothing: a@b, http://host/p"),
    ],
    # What tells processes of tests apart has to be text, which half a pair is not.
    ids=["a password", "no user", "odd characters", "two lines", "half a pair", "nothing"],
)
def test_passwords_of_addresses_and_line_breaks_stay_out(text: str, shown: str) -> None:
    # Not logged: what pytest keeps of a log travels between its processes as text, too.
    line = JsonLines().format(logging.LogRecord("daybreak", logging.WARNING, __file__, 1, text, (), None))
    assert "\n" not in line
    assert json.loads(line)["message"] == shown


def test_arguments_that_do_not_fit_lose_no_line() -> None:
    record = logging.LogRecord("daybreak", logging.WARNING, __file__, 1, "%d rows", ("three",), None)
    assert json.loads(JsonLines().format(record))["message"] == "%d rows"
