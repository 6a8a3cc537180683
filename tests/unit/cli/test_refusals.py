"""Commands where something around them is broken: one line with the place and the next step, and no traceback."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from command_line import Daybreak
from daybreak.settings import Settings
from parcels import DAY, SHORT_DAY, TRAINED_THROUGH, Parcels

EARLIEST = TRAINED_THROUGH + timedelta(days=1)


@pytest.fixture
def one_broken(daybreak: Daybreak, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Register a pipeline that cannot be imported beside a sound one."""
    (tmp_path / "broken_parcels.py").write_text("raise OSError('no disk')\n")
    register = '("fixture_pipelines.parcel_hours:PARCEL_HOURS", "broken_parcels:BROKEN_PARCELS")'
    (tmp_path / "one_broken.py").write_text(f"PIPELINES = {register}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("DAYBREAK_PIPELINES", "one_broken")
    yield
    sys.modules.pop("one_broken", None)


@pytest.mark.usefixtures("one_broken")
def test_a_broken_pipeline_keeps_no_other_from_being_run(daybreak: Daybreak, parcels: Parcels) -> None:
    code, out, _ = daybreak("run", "parcel_hours", "--partition", SHORT_DAY)
    assert (code, "published" in out) == (0, True)
    assert len(parcels.forecasts(SHORT_DAY)) == 400


@pytest.mark.usefixtures("one_broken")
@pytest.mark.parametrize("command", [["models"], ["tables"], ["models", "--json"]], ids=" ".join)
def test_a_command_over_all_pipelines_names_the_broken_one_in_one_line(daybreak: Daybreak, command: list[str]) -> None:
    code, out, err = daybreak(*command)
    assert code == 0
    assert out
    assert err.count("\n") == 1
    assert "broken_parcels:BROKEN_PARCELS cannot be used: OSError: no disk" in err
    assert "Next: mend" in err


@pytest.mark.usefixtures("one_broken")
def test_who_runs_the_broken_pipeline_is_told_why_once(daybreak: Daybreak) -> None:
    code, _, err = daybreak("run", "broken_parcels")
    assert code == 1
    assert err.count("cannot be used: OSError: no disk") == 1
    assert "Traceback" not in err


@pytest.mark.parametrize("gone", ["parcel_hours_runs", "parcel_hours"])
@pytest.mark.parametrize(
    "command",
    [
        ("measure", "parcel_hours", "--from", DAY),
        ("reproduce", "parcel_hours", DAY),
        ("replay", "parcel_hours", DAY),
        ("rollback", "parcel_hours", DAY),
        ("run", "parcel_hours", "--partition", DAY),
        ("promote", "parcel_hours"),
        ("tables",),
    ],
    ids=lambda command: command[0],
)
def test_without_its_tables_a_command_ends_in_one_line_with_the_next_step(
    daybreak: Daybreak, parcels: Parcels, command: tuple[object, ...], gone: str
) -> None:
    parcels.execute(
        "DROP VIEW predictions.parcel_hours, predictions.parcel_hours_ever",
        *(["DROP TABLE predictions.parcel_hours_runs"] if gone == "parcel_hours_runs" else []),
    )
    code, _, err = daybreak(*command)
    if code:
        [line] = filter(None, err.splitlines())
        assert " Next: " in line
    if gone == "parcel_hours_runs" and command[0] in ("measure", "reproduce"):
        assert "There is no table predictions.parcel_hours_runs. Next: run a partition" in err


OWN = """
from dataclasses import replace
from fixture_pipelines import PARCEL_HOURS

def train(past, progress):
    raise KeyError("colour")

PIPELINES = (replace(PARCEL_HOURS, training="own_pipelines:train"),)
"""


def test_an_error_that_nobody_has_foreseen_is_one_line_and_a_file(
    daybreak: Daybreak, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_pipelines.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("DAYBREAK_PIPELINES", "own_pipelines")
    code, _, err = daybreak("train", "parcel_hours", "--through", "2024-03-11")
    [file] = settings.tracebacks.iterdir()
    told = err.splitlines()[-1]
    assert code == 1
    assert "Traceback" not in err
    assert told.startswith("error KeyError in own_pipelines.py, line 6 during `daybreak train parcel_hours --through ")
    assert f"read the traceback in {file}" in told


@pytest.mark.parametrize(
    ("query", "right", "wrong", "command"),
    [
        ("training", "handed_in.hours_taken", "handed_in.hour_taken", ["train", "--through", "2024-03-11"]),
        ("coverage", "min(handed_in_at)", "min(handed_at)", ["train"]),
        ("actuals", "hours_taken AS", "hour_taken AS", ["measure"]),
        ("features", "    remark", "    remarks", ["run", "--partition", str(DAY)]),
        ("coverage", "max(handed_in_at)", "max(handed_at)", ["run", "--partition", str(DAY)]),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_misspelt_column_is_told_with_file_and_line(
    daybreak: Daybreak, parcels: Parcels, query: str, right: str, wrong: str, command: list[str]
) -> None:
    parcels.rewrite(query, right, wrong)
    text = parcels.workspace.sql(parcels.pipeline, query).read_text()
    line = text[: text.index(wrong)].count("\n") + 1
    code, _, err = daybreak(command[0], "parcel_hours", *command[1:])
    told = err.splitlines()[-1]
    assert code == 1
    assert told.startswith("error parcel_hours")
    assert f"parcel_hours/{query}.sql:{line}: column " in told
    assert "does not exist" in told
