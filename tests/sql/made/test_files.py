"""The files of a pipeline made by `daybreak new`: the first, those after it, and what becomes of the model."""

import importlib
import re
import signal
import sys
from datetime import date
from pathlib import Path

import pytest

from command_line import Daybreak
from csv_files import members, telco, write
from daybreak.declaration.loading import load_pipelines
from daybreak.errors import DaybreakError
from daybreak.settings import Settings
from daybreak.workspace import Workspace
from processes import Death, start
from waiting import LONG

from .conftest import CUSTOMERS, FIRST, SECOND, Made, new


def test_a_newer_file_is_read_from_its_day_on_and_earlier_days_stay(
    trained: Made, daybreak: Daybreak, tmp_path: Path
) -> None:
    newer = telco(tmp_path / "newer.csv", CUSTOMERS + 20)
    code, out, err = daybreak("load-csv", "churn", newer, "--as-of", SECOND)
    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == [
        f"sources.churn has {CUSTOMERS} rows as of {FIRST}. Of their keys 0 are not in the file, 20 come, 0 change.",
        f"sources.churn: {CUSTOMERS + 20} rows as of {SECOND}.",
    ]
    assert trained.run(SECOND).counts.rows_scored == CUSTOMERS + 20
    assert trained.run(date(2026, 3, 3)).counts.rows_scored == CUSTOMERS
    # What was loaded of the later day is later knowledge: its model does not score the days before.
    version, _ = trained.train()
    assert version.trained_through == SECOND
    with pytest.raises(DaybreakError, match="has seen days through 2026-03-04"):
        trained.run(date(2026, 3, 3), model_version=version.version)


def test_a_dry_run_and_a_refusal_write_and_load_nothing(daybreak: Daybreak, settings: Settings, tmp_path: Path) -> None:
    path = telco(tmp_path / "telco.csv", 100)
    before = sorted(settings.project.rglob("*"))
    code, out, _ = daybreak(*new(path, "customerID", "Churn", "--dry-run"))
    assert code == 0
    assert "Would write:\n  include/telephony/churn.py" in out
    for key, target, further in (
        ("customer", "Churn", ()),
        ("gender", "Churn", ()),
        ("customerID", "gone", ()),
        ("customerID", "Contract", ("--positive", "One year")),
        ("customerID", "Contract", ("--measures", "amounts")),
        ("customerID", "Churn", ("--timezone", "Mars/Olympus")),
        ("customerID", "Churn", ("--delimiter", ";")),
    ):
        code, out, err = daybreak(*new(path, key, target, *further))
        assert (code, out) == (1, "")
        assert err.startswith("error ")
        assert "Next: " in err
        assert err.count("\n") == 1
    code, _, err = daybreak(
        "new", "churn", "--from-csv", path, "--key", "customerID", "--target", "Churn", "--as-of", "2999-01-01"
    )
    assert (code, "The day is not over" in err) == (1, True)
    assert sorted(settings.project.rglob("*")) == before
    workspace = Workspace(settings)
    with workspace.warehouse.begin() as connection:
        assert connection.exec_driver_sql("SELECT to_regnamespace('sources')").scalar_one() is None
    workspace.close()


@pytest.mark.parametrize("at", ["load_rows", "_compared", "Scaffold.place", "Scaffold._rewrite"])
def test_killed_on_the_way_nothing_is_half_there_and_the_next_try_succeeds(
    at: str, daybreak: Daybreak, settings: Settings, tmp_path: Path
) -> None:
    command = new(telco(tmp_path / "telco.csv", CUSTOMERS), "customerID", "Churn")
    process = start(settings, *map(str, command), death=Death(function=at))
    process.join(LONG)
    assert process.exitcode == -signal.SIGKILL, (tmp_path / "output").read_text()
    assert load_pipelines("telephony") == {}
    assert not list((settings.project / "dags").iterdir())
    code, _, err = daybreak(*command)
    assert (code, err) == (0, "")
    for module in [name for name in sys.modules if name.split(".")[0] == "telephony"]:
        del sys.modules[module]
    importlib.invalidate_caches()
    made = Made(settings)
    assert made.ask("SELECT count(*) FROM sources.churn") == [(CUSTOMERS,)]
    assert not list(settings.project.glob(".daybreak-new*"))
    made.workspace.close()


def test_a_table_of_other_columns_is_not_overwritten(daybreak: Daybreak, settings: Settings, tmp_path: Path) -> None:
    workspace = Workspace(settings)
    with workspace.warehouse.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA sources")
        connection.exec_driver_sql("CREATE TABLE sources.churn (mine text, as_of date)")
        connection.exec_driver_sql("INSERT INTO sources.churn VALUES ('kept', '2026-03-02')")
    code, _, err = daybreak(*new(telco(tmp_path / "telco.csv", 50), "customerID", "Churn"))
    assert code == 1
    assert "compared with table sources.churn. Next: " in err
    assert not (settings.project / "sql" / "churn").exists()
    with workspace.warehouse.begin() as connection:
        assert connection.exec_driver_sql("SELECT mine FROM sources.churn").scalar_one() == "kept"
    workspace.close()


COMMENTS = (
    "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute "
    "WHERE attrelid = '{}'::regclass AND attnum > 0 ORDER BY attnum"
)


def test_each_column_says_which_one_of_the_file_it_is_in_the_view_too(
    daybreak: Daybreak, settings: Settings, tmp_path: Path
) -> None:
    key = "it's {a} %s; \\ \tkey"
    path = write(tmp_path / "named.csv", f'"{key}",t,"a ""b""\nc"', (f"{n},{n % 2},{n % 2 + n % 5}" for n in range(99)))
    code, _, err = daybreak(*new(path, key, "t"))
    assert (code, err) == (0, "")
    made = Made(settings)
    said = "Column it's {a} %s; \\ key of the file."
    assert dict(made.ask(COMMENTS.replace("{}", "sources.churn"))) == {
        "it_s_a_s_key": said,
        "t": "Column t of the file.",
        "a_b_c": 'Column a "b" c of the file.',
        "as_of": "The day at whose end it was so, as far as the file tells.",
    }
    assert made.ask("SELECT obj_description('sources.churn'::regclass)") == [
        ("One row per it_s_a_s_key and day that a file told of.",)
    ]
    made.train()
    made.run()
    shown = dict(made.ask(COMMENTS.replace("{}", "predictions.churn")))
    assert (shown["it_s_a_s_key"], shown["t_probability"]) == (
        said,
        "How likely t is 1 for each it_s_a_s_key. From 0 to 1.",
    )
    made.workspace.close()


def test_a_table_that_is_missing_is_made_by_the_next_file(
    daybreak: Daybreak, settings: Settings, tmp_path: Path
) -> None:
    path = telco(tmp_path / "telco.csv", 100)
    code, out, _ = daybreak(*new(path, "customerID", "Churn", "--no-load"))
    assert (code, "Nothing loaded." in out) == (0, True)
    code, out, err = daybreak("load-csv", "churn", path, "--as-of", FIRST)
    assert (code, out.splitlines()[-1], err) == (0, f"sources.churn: 100 rows as of {FIRST}.", "")
    made = Made(settings)
    assert ("total_charges", "Column TotalCharges of the file.") in made.ask(COMMENTS.replace("{}", "sources.churn"))
    assert made.ask("SELECT count(*), min(as_of) FROM sources.churn") == [(100, FIRST)]
    made.workspace.close()


@pytest.mark.parametrize(
    "reads",
    [
        "",
        '    reads=StateTable(table="crm.churn"),\n',
        '    reads=StateTable(table="sources.churn", as_of="told_on"),\n',
        '    reads=EventTable(table="sources.churn", day="as_of"),\n',
    ],
)
def test_what_does_not_read_a_table_of_files_is_not_loaded(
    reads: str, daybreak: Daybreak, settings: Settings, tmp_path: Path
) -> None:
    path = telco(tmp_path / "telco.csv", 100)
    daybreak(*new(path, "customerID", "Churn", "--no-load"))
    module = settings.project / "include" / "telephony" / "churn.py"
    text = module.read_text()
    declared = '    reads=StateTable(table="sources.churn"),\n'
    assert declared in text
    module.write_text(text.replace(declared, reads).replace("import ModelRef", "import EventTable, ModelRef"))
    code, out, err = daybreak("load-csv", "churn", path, "--as-of", FIRST)
    assert (code, out) == (1, "")
    assert "churn does not read from a CSV file. Next: " in err
    workspace = Workspace(settings)
    with workspace.warehouse.begin() as connection:
        assert connection.exec_driver_sql("SELECT to_regnamespace('sources')").scalar_one() is None
    workspace.close()


@pytest.mark.parametrize(
    ("header", "row", "problem"),
    [
        ("customerID,gender", "1,Male", "other.csv lacks senior_citizen"),
        ("customer,gender", "1,Male", "no column 'customer_id'"),
    ],
)
def test_a_newer_file_of_another_form_is_refused(
    header: str, row: str, problem: str, churn: Made, daybreak: Daybreak, tmp_path: Path
) -> None:
    code, _, err = daybreak("load-csv", "churn", write(tmp_path / "other.csv", header, [row]), "--as-of", SECOND)
    assert (code, problem in err) == (1, True)
    assert churn.ask("SELECT DISTINCT as_of FROM sources.churn") == [(FIRST,)]


def test_a_made_pipeline_lives(daybreak: Daybreak, settings: Settings, tmp_path: Path) -> None:
    """New rows are scored, what came of them is measured and learned from, and a better model takes over."""

    def done(*arguments: object) -> str:
        code, out, err = daybreak(*arguments)
        assert (code, err.replace("\r", "")) == (0, err), f"{arguments}\n{out}\n{err}"
        return out

    third = date(2026, 3, 6)
    done(*new(members(tmp_path / "first.csv", range(160)), "member", "left_us"))
    # Of the new ones nobody knows yet: there is nothing to be learned from them, and they are those to be scored.
    done("load-csv", "churn", members(tmp_path / "new.csv", range(160, 1_400), known=False), "--as-of", SECOND)
    assert "trained through 2026-03-02" in done("train", "churn")
    assert "1,240" in done("run", "churn", "--partition", SECOND)
    assert "no actuals yet" in done("measure", "churn")

    told = done("load-csv", "churn", members(tmp_path / "told.csv", range(160, 1_400)), "--as-of", third)
    assert "Of their keys 0 are not in the file, 0 come, 1,240 change." in told
    measured = done("measure", "churn")
    assert "log loss, champion" in measured
    assert "1,240   1,240" in measured
    assert "trained through 2026-03-06" in done("train", "churn")
    assert "Version 2 is the champion now" in done("promote", "churn")
    made = Made(settings)
    [(reasons,)] = made.ask("SELECT reasons FROM ledger.alias_history WHERE version = 2 AND from_version = 1")
    [told] = [reason["says"] for reason in reasons if reason["check"] == "better on held-out rows"]
    # The fifth of all members that is held out of every training.
    assert re.search(r"^log loss 0\.\d+ against 0\.\d+, .* on 2\d\d keys that neither was fitted on$", told)
    made.workspace.close()
