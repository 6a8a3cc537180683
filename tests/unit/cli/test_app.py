"""The command line as people meet it: help for every command, exit codes, errors in one line on standard error."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from command_line import Daybreak, commands
from daybreak.cli.app import app

ROOT = get_command(app)


def every_command(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """List every command below a group, with the words that lead to it."""
    if hasattr(group, "commands"):
        for name, command in group.commands.items():
            yield from every_command(command, (*path, name))
    else:
        yield path, group


COMMANDS = dict(every_command(ROOT))


@pytest.fixture
def daybreak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Daybreak]:
    """Return a function that runs a command in this process: exit code, standard output, standard error."""
    monkeypatch.setenv("DAYBREAK_HOME", str(tmp_path / "home"))

    yield commands(monkeypatch, capsys)
    assert not (tmp_path / "home" / "postgres").exists(), "a question of usage starts no database"


def test_a_command_looks_for_garbage_seldom(daybreak: Daybreak) -> None:
    gc.set_threshold(700, 10, 10)
    assert daybreak("--help")[0] == 0
    assert gc.get_threshold()[0] > 10 * 700


def test_every_command_is_there() -> None:
    names = {" ".join(path) for path in COMMANDS}
    assert names >= {
        *(
            "run",
            "backfill",
            "train",
            "runs",
            "show",
            "diff",
            "rollback",
            "replay",
            "reproduce",
            "models",
            "load-demo",
            "url",
        ),
        *("local up", "local down", "local status"),
    }


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_says_what_a_command_does_and_what_each_argument_is(path: tuple[str, ...], daybreak: Daybreak) -> None:
    code, out, err = daybreak(*path, "--help")
    assert (code, err) == (0, "")
    command = COMMANDS[path]
    assert command.help is not None
    assert command.help.split()[0] in out
    for parameter in command.params:
        if parameter.name == "help":
            continue
        text = getattr(parameter, "help", None)
        assert text, f"{' '.join(path)} {parameter.name} has no help"
        shown = parameter.opts[-1] if parameter.param_type_name == "option" else (parameter.metavar or "").strip("[]")
        assert shown in out


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_is_a_sentence(path: tuple[str, ...]) -> None:
    first = (COMMANDS[path].help or "").split("\n\n")[0]
    assert first[0].isupper()
    assert first.rstrip().endswith(".")


@pytest.mark.parametrize("arguments", [["--help"], [], ["local"]], ids=["help", "nothing", "local"])
def test_without_a_command_they_are_listed(arguments: list[str], daybreak: Daybreak) -> None:
    _, out, err = daybreak(*arguments)
    group = ROOT.commands["local"] if arguments == ["local"] else ROOT
    assert all(name in out + err for name in group.commands)


@pytest.mark.parametrize(
    "arguments",
    [
        ["unheard-of"],
        ["run"],
        ["run", "demand_forecast", "--unheard-of"],
        ["run", "demand_forecast", "--model-version", "zero"],
        ["run", "demand_forecast", "--model-version", "0"],
        ["runs", "--limit", "0"],
        ["backfill", "demand_forecast", "2026-10-15"],
        ["show", "demand_forecast"],
        ["replay", "demand_forecast", "2026-10-15", "--from", "nowhere"],
        ["local", "unheard-of"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_says_so_on_standard_error(arguments: list[str], daybreak: Daybreak) -> None:
    code, out, err = daybreak(*arguments)
    assert code == 2
    assert out == ""
    assert "Usage" in err


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PORT", "eighty", r"DAYBREAK_PORT: Input should be a valid integer"),
        ("WAREHOUSE_URL", "nonsense", "The warehouse's URL cannot be read."),
        ("WAREHOUSE_URL", "sqlite://", "The warehouse is PostgreSQL, not sqlite."),
        ("PIPELINES", "no_such_module", "No pipelines are declared in module 'no_such_module'"),
    ],
)
def test_a_wrong_setting_ends_with_1_and_one_line(
    variable: str, value: str, message: str, daybreak: Daybreak, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"DAYBREAK_{variable}", value)
    code, out, err = daybreak("runs", "demand_forecast")
    assert (code, out) == (1, "")
    assert err.startswith(f"error {message}")
    assert err.count("\n") == 1
    assert "Next:" in err


def test_an_unknown_pipeline_is_refused_with_those_there_are(daybreak: Daybreak) -> None:
    code, out, err = daybreak("run", "orders")
    assert (code, out) == (1, "")
    assert err.startswith("error There is no pipeline 'orders'. Next: choose from demand_forecast")


@pytest.mark.parametrize(("first", "last"), [("2026-10-16", "2026-10-15"), ("yesterday", "2026-10-15")])
def test_a_range_that_is_none_is_refused_before_anything_starts(first: str, last: str, daybreak: Daybreak) -> None:
    code, _, err = daybreak("backfill", "demand_forecast", first, last)
    assert code == 1
    assert err.count("\n") == 1


def test_a_server_that_does_not_answer_ends_with_1_and_one_line(
    daybreak: Daybreak, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYBREAK_WAREHOUSE_URL", "postgresql://nobody@127.0.0.1:1/none")
    demo = ["load-demo", "--into-named-warehouse"]
    for arguments in (["runs"], ["run", "demand_forecast"], demo, ["models"], ["train", "demand_forecast"]):
        code, out, err = daybreak(*arguments)
        last = err.splitlines()[-1]
        assert (code, out) == (1, ""), arguments
        assert last.startswith("error "), arguments
        assert "did not answer" in last


def test_the_installed_command_is_this_one(tmp_path: Path) -> None:
    script = Path(sys.executable).parent / "daybreak"
    done = subprocess.run(
        [script, "run", "orders"],
        env={**os.environ, "DAYBREAK_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error There is no pipeline 'orders'.")


def test_printing_help_imports_nothing_heavy() -> None:
    heavy = ["pandas", "sklearn", "great_expectations", "mlflow", "pyarrow", "airflow", "psycopg2"]
    script = (
        "import sys\nfrom daybreak.cli.app import main\nsys.argv = ['daybreak', '--help']\n"
        f"try:\n    main()\nexcept SystemExit:\n    print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_who_interrupts_a_command_is_told_so_and_it_ends_with_130(
    daybreak: Daybreak, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pressed_ctrl_c.py").write_text("raise KeyboardInterrupt\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("DAYBREAK_PIPELINES", "pressed_ctrl_c")
    code, _, err = daybreak("run", "parcels")
    assert code == 130
    assert err == ("error Interrupted. Nothing of the unfinished run is visible. Next: run the command again.\n")


def test_a_command_has_the_settings_of_its_own_start(daybreak: Daybreak, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in ("mysql", "oracle"):
        monkeypatch.setenv("DAYBREAK_WAREHOUSE_URL", f"{other}://localhost/sales")
        code, _, err = daybreak("runs", "demand_forecast")
        assert code == 1
        assert f"The warehouse is PostgreSQL, not {other}." in err
