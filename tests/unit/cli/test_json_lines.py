"""A command that is asked for JSON writes nothing else to standard error, and each line of a run says which."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from command_line import Daybreak
from daybreak.cli.display import err
from parcels import SHORT_DAY, Parcels


@pytest.fixture
def as_json(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DAYBREAK_LOG_JSON", "true")
    root, level = logging.getLogger(), logging.getLogger("daybreak").level
    before = root.handlers[:]
    yield
    root.handlers[:] = before
    logging.getLogger("daybreak").setLevel(level)
    logging.captureWarnings(False)
    err.quiet = False


def read(written: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.splitlines()]


@pytest.mark.usefixtures("as_json")
def test_every_line_of_a_run_says_its_run_and_stage(daybreak: Daybreak, parcels: Parcels) -> None:
    code, out, written = daybreak("run", "parcel_hours", "--partition", SHORT_DAY)
    assert (code, "published" in out) == (0, True)
    lines = read(written)
    where = {"run": parcels.last_run()["run_id"], "pipeline": "parcel_hours", "partition": str(SHORT_DAY)}
    assert lines
    assert all(line.items() >= where.items() for line in lines)
    assert {line["stage"] for line in lines} == {"plan", "all"}


@pytest.mark.usefixtures("as_json")
def test_a_refusal_is_a_line_that_says_its_run(daybreak: Daybreak, parcels: Parcels) -> None:
    parcels.execute("DELETE FROM parcels.handed_in")
    code, _, written = daybreak("run", "parcel_hours", "--partition", SHORT_DAY)
    assert code == 1
    refusal = read(written)[-1]
    run = parcels.last_run()
    assert refusal["level"] == "error"
    assert refusal["message"] == run["error"]
    assert {refusal["run"], refusal["pipeline"], refusal["stage"]} == {run["run_id"], "parcel_hours", "plan"}


@pytest.mark.usefixtures("as_json")
def test_refusals_of_a_backfill_say_their_runs(daybreak: Daybreak, parcels: Parcels) -> None:
    parcels.execute("DELETE FROM parcels.handed_in")
    code, _, written = daybreak("backfill", "parcel_hours", SHORT_DAY, SHORT_DAY)
    assert code == 1
    assert read(written)[-1]["run"] == parcels.last_run()["run_id"]


def test_without_being_asked_errors_are_text(daybreak: Daybreak) -> None:
    code, _, written = daybreak("run", "absent")
    assert code == 1
    assert written.startswith("error ")


def test_a_setting_that_says_neither_yes_nor_no_is_refused(daybreak: Daybreak, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBREAK_LOG_JSON", "xml")
    code, _, written = daybreak("runs")
    assert (code, "DAYBREAK_LOG_JSON" in written) == (1, True)
