"""A first start that was interrupted, at any moment and in any way, never breaks a home."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from daybreak.embedded.account import Account, account_of, let_in
from daybreak.embedded.cluster import make_whole
from daybreak.embedded.programs import programs, run
from daybreak.errors import ConfigurationError
from waiting import until

_FIRST_START = "import sys; from pathlib import Path; from daybreak.embedded.cluster import make_whole; \
from daybreak.embedded.account import account_of; f = Path(sys.argv[1]); make_whole(f, account_of(f.parent, f))"


def state(folder: Path, account: Account) -> str:
    told = run("pg_controldata", "-D", ".", folder=folder, account=account)
    return told.partition("cluster state:")[2].splitlines()[0].strip()


def databases(folder: Path) -> set[str]:
    return {path.name for path in (folder / "base").iterdir()}


def is_whole(home: Path) -> bool:
    folder = home / "postgres"

    def is_alone() -> bool:
        # What was killed may live for a moment, and write; the next start takes that away.
        make_whole(folder, account_of(home, folder))
        return [path.name for path in home.iterdir()] == ["postgres"]

    until(is_alone, "what was left beside it to go")
    assert databases(folder) == {"1", "4", "5"}
    assert "# Daybreak" in (folder / "postgresql.conf").read_text()
    return state(folder, account_of(home, folder)) == "shut down"


def interrupted_initdb(folder: Path, seen: Callable[[], bool]) -> None:
    """Leave what a first start of before has left: ``initdb`` in its final place, killed with all of its own."""
    folder.mkdir()
    account = account_of(folder.parent, folder)
    account.take(folder)
    let_in(account, folder)
    command = [str(programs(account) / "initdb"), "-D", ".", "-U", "postgres", "--no-sync"]
    with subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **account.of_process,
    ) as process:
        until(seen, "initdb to get so far")
        os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("made_last", ["global", "base/4"])
def test_a_home_that_was_left_half_made_is_made_anew(tmp_path: Path, made_last: str) -> None:
    folder = tmp_path / "postgres"
    interrupted_initdb(folder, (folder / made_last).exists)
    assert is_whole(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_who_interrupts_a_first_start_finds_nothing_or_everything(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "postgres"
    started = subprocess.Popen(
        [sys.executable, "-c", _FIRST_START, folder], stderr=subprocess.DEVNULL, start_new_session=True
    )
    until(lambda: any(tmp_path.glob("postgres.new-*/base/1")), "initdb to be in the middle")
    os.killpg(started.pid, number)
    assert started.wait() != 0
    assert not folder.exists()
    assert is_whole(tmp_path)


def test_files_that_somebody_had_a_database_in_are_never_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    (folder / "base" / "16384").mkdir(parents=True)  # damaged, but not by an interrupted start
    (folder / "postgresql.conf").write_text("")
    make_whole(folder, account_of(tmp_path, folder))
    assert databases(folder) == {"16384"}


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    folder.mkdir()
    (folder / "diary.txt").write_text("dear diary")
    with pytest.raises(ConfigurationError, match=r"holds diary\.txt.* Next: move what is in .*postgres elsewhere"):
        make_whole(folder, account_of(tmp_path, folder))
    assert (folder / "diary.txt").read_text() == "dear diary"


def test_what_initdb_complains_of_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "xx_XX.NOPE")
    with pytest.raises(ConfigurationError, match=r"cannot be made in .*invalid locale.* Next: "):
        make_whole(tmp_path / "postgres", account_of(tmp_path, tmp_path / "postgres"))
    assert not list(tmp_path.iterdir())
