"""Questions of `daybreak new` on a terminal: what is proposed, what is typed, and that nothing is left behind."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from csv_files import fraud, telco, write
from daybreak.settings import Settings
from parcels import make_project
from processes import environment
from waiting import until

ENTER, END, INTERRUPT = "\n", "\x04", "\x03"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    found = make_project(tmp_path / "project")
    write(found / "include" / "telephony" / "__init__.py", '"""Telephony."""\n\nPIPELINES = ()', [])
    (found / "dags").mkdir()
    return found


def typed(project: Path, answers: list[str], *arguments: object) -> tuple[int, str]:
    """Run `daybreak new made` on a pseudo-terminal, and answer each question; return exit code and what it showed."""
    main, terminal = pty.openpty()
    settings = Settings(home=project.parent, project=project, pipelines="telephony")
    process = subprocess.Popen(
        [Path(sys.executable).parent / "daybreak", "new", "made", *map(str, arguments), "--no-load"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=os.environ | environment(settings) | {"COLUMNS": "200"},
        start_new_session=True,
        preexec_fn=_controlled,
    )
    os.close(terminal)
    shown, asked = "", 0
    try:
        while True:
            try:
                shown += os.read(main, 65_536).decode(errors="replace")
            except OSError:
                break  # everybody has closed the terminal
            prompts = len(re.findall(r"^--\w+(?: \[.*\])?: $|^--\w+(?: \[.*\])?: ", shown.replace("\r", ""), re.M))
            while asked < min(prompts, len(answers)):
                # Between a question and its answer's being read, Python keeps Ctrl-C for later: nobody types so fast.
                child = psutil.Process(process.pid)
                until(lambda child=child: child.status() == psutil.STATUS_SLEEPING, "the answer to be awaited")
                os.write(main, answers[asked].encode())
                asked += 1
        return process.wait(60), shown.replace("\r", "")
    finally:
        process.kill()
        process.wait()
        os.close(main)


def _controlled() -> None:
    """Make the terminal the one whose Ctrl-C counts."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_enter_takes_what_is_proposed_with_its_reason(project: Path, tmp_path: Path) -> None:
    path = telco(tmp_path / "telco.csv", 60)
    code, shown = typed(project, [ENTER, ENTER], "--from-csv", path)
    assert code == 0, shown
    assert "Which columns tell the rows of telco.csv apart?" in shown
    assert "Proposed is customerID: filled and different in every row." in shown
    assert "Proposed is Churn: its two values are No and Yes." in shown
    assert 'entity_key=("customer_id",)' in (project / "include" / "telephony" / "made.py").read_text()


def test_what_is_none_of_the_columns_is_asked_for_again_and_several_are_typed_with_commas(
    project: Path, tmp_path: Path
) -> None:
    rows = [f"{n % 9},{n // 9},{n % 2},{n % 5}" for n in range(81)]
    path = write(tmp_path / "sales.csv", "Store,The SKU,sold,n", rows)
    code, shown = typed(project, ["shop\n", "store, the sku\n", "SOLD\n"], "--from-csv", path)
    assert code == 0, shown
    assert "'shop' is none of them." in shown
    assert "Proposed is Store, The SKU: together they are different in every row." in shown
    assert 'entity_key=("store", "the_sku")' in (project / "include" / "telephony" / "made.py").read_text()


@pytest.mark.parametrize("ends", [END, INTERRUPT], ids=["ctrl-d", "ctrl-c"])
def test_who_ends_it_leaves_nothing_behind(ends: str, project: Path, tmp_path: Path) -> None:
    before = sorted(project.rglob("*"))
    code, shown = typed(project, [ENTER, ends], "--from-csv", telco(tmp_path / "telco.csv", 60))
    assert code == 130, shown
    assert "Interrupted." in shown
    assert "Traceback" not in shown
    assert sorted(project.rglob("*")) == before


def test_without_a_terminal_the_option_is_named_and_yes_takes_what_is_proposed(project: Path, tmp_path: Path) -> None:
    fraud(tmp_path / "old.csv", range(100))
    fraud(tmp_path / "new.csv", range(100, 130), known=False)
    settings = Settings(home=project.parent, project=project, pipelines="telephony")

    def run(*further: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [
                *(Path(sys.executable).parent / "daybreak", "new", "made", "--from-csv", tmp_path / "new.csv"),
                *("--history", tmp_path / "old.csv", "--no-load", *further),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=os.environ | environment(settings),
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    code, out, err = run()
    assert (code, out) == (1, "")
    assert "Nothing says which columns tell the rows apart. Next: name it as `--key`, or take what is proposed" in err
    code, out, err = run("--yes")
    assert (code, err) == (0, "")
    assert "Which columns tell the rows of old.csv apart? claim_id: filled and different in every row." in out
    assert "fraud: the new rows do not have it, and its two values are no and yes." in out
