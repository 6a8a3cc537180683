"""The files of an embedded PostgreSQL: made aside and renamed, so that what is in their place is whole."""

import os
import shutil
import tempfile
from pathlib import Path

from daybreak.embedded.account import Account, let_in
from daybreak.embedded.programs import ProgramFailed, run
from daybreak.errors import ConfigurationError

# One machine runs everything: larger buffers, fewer checkpoints while data is loaded, no replication to write WAL for.
_CONFIGURATION = """
# Daybreak
shared_buffers = 256MB
max_connections = 200
max_wal_size = 4GB
wal_level = minimal
max_wal_senders = 0
maintenance_work_mem = 256MB
work_mem = 32MB
timezone = 'UTC'
"""
_OF_POSTGRESQL = ("PG_VERSION", "base", "global", "postgresql.", "pg_", "postmaster.", "log", ".s.PGSQL", ".handle")
_OF_THE_SERVER = ("1", "4", "5")
# Databases that somebody made are numbered from here on.
_FIRST_OWN = 16384
_ASIDE, _UNFINISHED = "postgres.new-", "postgres.unfinished-"


def make_whole(folder: Path, account: Account) -> None:
    """See that the files are there and whole; what an interrupted first start has left of them is made anew.

    Raises ConfigurationError where they cannot be made, or where something else is in their place.
    """
    for left in (*folder.parent.glob(f"{_ASIDE}*"), *folder.parent.glob(f"{_UNFINISHED}*")):
        shutil.rmtree(left, ignore_errors=True)
    if folder.exists() and any(folder.iterdir()):
        if not _unfinished(folder, account):
            return _configure(folder)
        # Away under another name first: taking it away may be interrupted too.
        _clear(folder, Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder.parent)))
    return _make(folder, account)


def _make(folder: Path, account: Account) -> None:
    aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=folder.parent))
    try:
        account.take(aside)
        if account.other:
            let_in(account, aside)
        # Nobody comes in over a network, whatever the server is told to listen to.
        run("initdb", "-D", ".", "-U", "postgres", "--encoding=utf8", "--auth-local=trust", "--auth-host=reject",
            folder=aside, account=account)  # fmt: skip
        _configure(aside)
        aside.replace(folder)
        _write_through(folder.parent)
    except (ProgramFailed, OSError) as error:
        raise ConfigurationError(
            f"The embedded PostgreSQL cannot be made in {folder}: {error}.",
            next_step="see that the disk has 100 MB free and the folder can be written to, or name another in "
            "DAYBREAK_HOME.",
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _configure(folder: Path) -> None:
    file = folder / "postgresql.conf"
    if "# Daybreak" not in file.read_text():
        with file.open("a") as stream:
            stream.write(_CONFIGURATION)


def _unfinished(folder: Path, account: Account) -> bool:
    """Tell whether the files are those of an ``initdb`` that did not come to its end: nobody had a database in them.

    Raises ConfigurationError where they are no database's.
    """
    if strange := [path.name for path in folder.iterdir() if not path.name.startswith(_OF_POSTGRESQL)]:
        if (folder / "PG_VERSION").exists():
            return False  # a server with something of its owner's beside it
        raise ConfigurationError(
            f"{folder} holds {sorted(strange)[0]}, which is no file of PostgreSQL's.",
            next_step=f"move what is in {folder} elsewhere, or name another folder in DAYBREAK_HOME.",
        )
    base = folder / "base"
    databases = {path.name for path in base.iterdir()} if base.is_dir() else set()
    if any(name.isdigit() and int(name) >= _FIRST_OWN for name in databases) or (folder / "backup_label").exists():
        return False
    if not all((base / name / "PG_VERSION").exists() for name in _OF_THE_SERVER):
        return True
    if (folder / "postmaster.opts").exists():
        return False  # it was started once: what is missing, it mends by itself
    try:
        state = run("pg_controldata", "-D", ".", folder=folder, account=account)
    except ProgramFailed:
        return True
    return "shut down" not in state.partition("cluster state:")[2].partition("\n")[0]


def _clear(folder: Path, away: Path) -> None:
    folder.replace(away)
    shutil.rmtree(away, ignore_errors=True)


def _write_through(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
