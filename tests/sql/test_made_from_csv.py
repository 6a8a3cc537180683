"""A pipeline made by `daybreak new`: loaded, trained and run on a real warehouse, hostile files included."""

import csv
import importlib
import io
import re
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from csv_files import NOT_BILLED, members, telco, write
from daybreak.cli.app import main
from daybreak.declaration.loading import load_pipelines
from daybreak.declaration.source_tables import StateTable
from daybreak.errors import DaybreakError, SourceRefused
from daybreak.run.planning import Request, plan_run
from daybreak.run.runner import Outcome, Runner
from daybreak.settings import Settings
from daybreak.training import Classification
from daybreak.training.train import train
from daybreak.workspace import Workspace
from parcels import NewDatabase, make_project
from processes import Death, environment, start
from waiting import LONG

Daybreak = Callable[..., tuple[int, str, str]]
CUSTOMERS = 600
FIRST, SECOND = date(2026, 3, 2), date(2026, 3, 4)


@pytest.fixture
def settings(new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Lay out a project without pipelines, and name it in the environment."""
    project = make_project(tmp_path / "project")
    write(project / "include" / "telephony" / "__init__.py", '"""Telephony."""\n\nPIPELINES = ()', [])
    (project / "dags").mkdir()
    url = new_database()
    made = Settings(home=tmp_path, project=project, pipelines="telephony", warehouse_url=url, registry_url=url)
    for name, value in environment(made).items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(project / "include"))
    yield made
    for module in [name for name in sys.modules if name.split(".")[0] == "telephony"]:
        del sys.modules[module]


@pytest.fixture
def daybreak(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Daybreak:
    """Return a function that runs a command in this process."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["daybreak", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as left:
            code = int(left.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


@pytest.fixture
def churn(daybreak: Daybreak, settings: Settings, tmp_path: Path) -> Iterator["Made"]:
    """Make the pipeline from a small table of Telco's shape."""
    path = telco(tmp_path / "telco.csv", CUSTOMERS)
    code, _, err = daybreak(*new(path, "customerID", "Churn"))
    assert (code, err) == (0, "")
    made = Made(settings)
    yield made
    made.workspace.close()


def new(path: Path, key: str, target: str, *further: object) -> tuple[object, ...]:
    return ("new", "churn", "--from-csv", path, "--key", key, "--target", target, "--as-of", FIRST, *further)


class Made:
    """The pipeline that was made, and its warehouse."""

    def __init__(self, settings: Settings) -> None:
        self.workspace = Workspace(settings)
        self.pipeline = load_pipelines("telephony")["churn"]

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self.workspace.warehouse.begin() as connection:
            result = connection.exec_driver_sql(statement)
            return [tuple(row) for row in result] if result.returns_rows else []

    def train(self, **options: Any) -> Any:
        [(version, trained)] = train(self.workspace, self.pipeline, **options)
        return version, trained

    def run(self, day: date = FIRST, **request: Any) -> Outcome:
        plan = plan_run(self.workspace, self.pipeline, Request(day.isoformat(), **request))
        return Runner(self.workspace, self.pipeline).run(plan)


def test_a_made_pipeline_is_trained_run_and_published(churn: Made) -> None:
    assert churn.ask("SELECT count(*), count(total_charges), min(as_of) FROM sources.churn") == [
        (CUSTOMERS, CUSTOMERS - NOT_BILLED, FIRST)
    ]
    version, trained = churn.train()
    assert version.trained_through == FIRST
    assert trained.metrics["f1"] == max(candidate.metrics["f1"] for candidate in trained.candidates)
    outcome = churn.run()
    assert (outcome.counts.rows_scored, outcome.counts.rows_quarantined) == (CUSTOMERS, 0)
    [(rows, low, high)] = churn.ask(
        "SELECT count(*), min(churn_probability), max(churn_probability) FROM predictions.churn"
    )
    assert rows == CUSTOMERS
    assert 0 <= low < 0.2 < 0.8 < high <= 1


def test_who_churned_gets_the_higher_probabilities(churn: Made) -> None:
    churn.train()
    churn.run()
    means = dict(
        churn.ask(
            "SELECT source.churn, avg(churn_probability) FROM predictions.churn INNER JOIN sources.churn AS source "
            "USING (customer_id) GROUP BY 1"
        )
    )
    assert means["Yes"] > means["No"] + 0.3


def test_the_three_candidates_are_runs_below_the_registered_one(churn: Made) -> None:
    version, trained = churn.train()
    client = churn.workspace.registry._client
    runs = client.search_runs([client.get_experiment_by_name("churn").experiment_id])
    parent = client.get_model_version("churn", str(version.version)).run_id
    below = {run.info.run_name: run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent}
    assert set(below) == {"logistic regression", "random forest", "gradient boosting", "share of positives"}
    [chosen] = [name for name, run in below.items() if run.data.tags["chosen"] == "true"]
    assert trained.parameters["model"] == chosen
    assert below[chosen].data.metrics["f1"] == pytest.approx(version.metrics["f1"])
    assert {"accuracy", "precision", "recall", "f1"} <= set(below["random forest"].data.metrics)


def test_pictures_and_importances_lie_beside_the_chosen_model(churn: Made) -> None:
    version, _ = churn.train()
    beside = UPath(version.uri).parent
    assert sorted(path.name for path in (beside / "pictures").iterdir()) == ["calibration.png", "importances.png"]
    lines = list(csv.DictReader(io.StringIO((beside / "importances.csv").read_text())))
    assert {line["feature"] for line in lines} == set(version.signature.names)
    assert float(lines[0]["importance"]) > 0


def test_training_twice_gives_the_same_model(churn: Made) -> None:
    (_, first), (_, second) = churn.train(), churn.train()
    assert first.candidates == second.candidates
    assert (first.model.predict_proba(first.sample) == second.model.predict_proba(second.sample)).all()


def test_days_before_the_file_are_refused_and_days_after_it_read_it(churn: Made) -> None:
    churn.train()
    with pytest.raises(DaybreakError, match="The source begins on 2026-03-02"):
        churn.run(date(2026, 3, 1))
    assert churn.run(SECOND).counts.rows_scored == CUSTOMERS


def test_a_newer_file_is_read_from_its_day_on_and_earlier_days_stay(
    churn: Made, daybreak: Daybreak, tmp_path: Path
) -> None:
    churn.train()
    newer = telco(tmp_path / "newer.csv", CUSTOMERS + 20)
    code, out, err = daybreak("load-csv", "churn", newer, "--as-of", SECOND)
    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == [
        f"sources.churn has {CUSTOMERS} rows as of {FIRST}. Of their keys 0 are not in the file, 20 come, 0 change.",
        f"sources.churn: {CUSTOMERS + 20} rows as of {SECOND}.",
    ]
    assert churn.run(SECOND).counts.rows_scored == CUSTOMERS + 20
    assert churn.run(date(2026, 3, 3)).counts.rows_scored == CUSTOMERS
    # What was loaded of the later day is later knowledge: its model does not score the days before.
    version, _ = churn.train()
    assert version.trained_through == SECOND
    with pytest.raises(DaybreakError, match="has seen days through 2026-03-04"):
        churn.run(date(2026, 3, 3), model_version=version.version)


def test_training_as_of_a_day_sees_nothing_later(churn: Made, daybreak: Daybreak, tmp_path: Path) -> None:
    _, first = churn.train()
    daybreak("load-csv", "churn", telco(tmp_path / "newer.csv", CUSTOMERS + 20), "--as-of", SECOND)
    _, again = churn.train(through=date(2026, 3, 3))
    assert (again.trained_through, again.candidates) == (FIRST, first.candidates)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("DELETE FROM sources.churn", "The source holds no data."),
        ("DROP TABLE sources.churn", "The source holds no data."),
        ("UPDATE sources.churn SET churn = NULL", "no row with a known churn"),
        ("UPDATE sources.churn SET churn = 'No'", "churn is 'Yes' in 0 of the"),
        ("UPDATE sources.churn SET churn = 'Yes'", "both classes are needed"),
        ("DELETE FROM sources.churn WHERE customer_id > '0001'", "both classes are needed"),
        ("ALTER TABLE sources.churn ALTER gender TYPE boolean USING gender = 'Male'", "gender is neither a number nor"),
    ],
    ids=lambda value: value[:45],
)
def test_what_nothing_can_be_learned_from_is_refused_and_nothing_registered(
    change: str, problem: str, churn: Made
) -> None:
    churn.ask(change)
    with pytest.raises(SourceRefused) as refused:
        churn.train()
    assert problem in str(refused.value)
    assert "Next: " in str(refused.value)
    assert churn.workspace.registry.versions("churn") == []


@pytest.mark.parametrize(
    ("declared", "missing"),
    [({"target": "gone"}, "gone"), ({"as_of": "told_on"}, "told_on"), ({"target": "a", "as_of": "b"}, "a, b")],
)
def test_columns_that_training_sql_lacks_are_named(declared: dict[str, str], missing: str, churn: Made) -> None:
    churn.pipeline = replace(churn.pipeline, training=Classification(positive="Yes", **declared))
    with pytest.raises(SourceRefused, match=f"training.sql gives no column {missing}. Next: "):
        churn.train()


def test_a_training_may_have_a_target_of_its_own(churn: Made) -> None:
    churn.ask("ALTER TABLE sources.churn RENAME as_of TO told_on")
    churn.ask("ALTER TABLE sources.churn ADD COLUMN as_of date DEFAULT '2026-03-01'")
    query = churn.workspace.sql(churn.pipeline, "extract")
    query.write_text(query.read_text().replace("as_of", "told_on"))
    (query.parent / "training.sql").write_text(
        "-- One row per customer.\nSELECT customer_id, tenure, monthly_charges, contract, churn AS left_us, told_on\n"
        "FROM sources.churn\n"
    )
    states = StateTable(table="sources.churn", as_of="told_on")
    churn.pipeline = replace(churn.pipeline, reads=states, training=Classification(positive="Yes", target="left_us"))
    version, _ = churn.train()
    assert (version.trained_through, "left_us" in version.signature.names) == (FIRST, False)


def test_a_value_never_seen_is_quarantined_and_the_others_scored(churn: Made) -> None:
    churn.train()
    churn.ask("UPDATE sources.churn SET contract = 'Weekly' WHERE customer_id < '0004'")
    churn.ask("UPDATE sources.churn SET tenure = NULL WHERE customer_id = '0100-MADE'")
    counts = churn.run().counts
    assert (counts.rows_quarantined, counts.rows_scored, counts.rows_failed) == (5, CUSTOMERS - 5, 0)


def test_empty_cells_that_training_never_saw_are_scored(churn: Made) -> None:
    churn.train()
    churn.ask("UPDATE sources.churn SET total_charges = NULL WHERE customer_id < '0300'")
    assert churn.run().counts.rows_scored == CUSTOMERS


@pytest.mark.parametrize(
    ("header", "rows", "key", "target"),
    [
        (
            '\ufeff"select","a ""b""; --",Größe,"x\ny","%s {} :bind",run_id,churn_probability,Yes\'no',
            [
                f'k{n},"it\'s {n % 3}\nnew line",{n % 7}.5,{n % 2},-{n},{n % 9},{n % 4 / 4},{"ny"[n % 2]}'
                for n in range(99)
            ],
            "select",
            "Yes'no",
        ),
        ("id,flag,zip,n", [f"{n:05d},{n % 2 == 0},{n % 5:05d},{n % 2 + n % 3 / 9}" for n in range(99)], "id", "flag"),
        (
            "churn_probability,churn,n",
            [f"{n},{n % 2},{n % 2 + n % 3 / 9}" for n in range(99)],
            "churn_probability",
            "churn",
        ),
    ],
    ids=["hostile", "codes", "taken"],
)
def test_hostile_files_become_pipelines_that_run(
    header: str, rows: list[str], key: str, target: str, daybreak: Daybreak, settings: Settings, tmp_path: Path
) -> None:
    code, out, err = daybreak(*new(write(tmp_path / "hostile.csv", header, rows), key, target))
    assert (code, err) == (0, "")
    assert "Loaded: sources.churn, as of 2026-03-02" in out
    made = Made(settings)
    made.train()
    assert made.run().counts.rows_scored == 99
    made.workspace.close()


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
        ("customerID", "Contract", ()),
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
