"""The account that an embedded PostgreSQL belongs to: only this one, and root, gets at its files and its socket."""

import fcntl
import os
import pwd
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daybreak.errors import ConfigurationError

_OF_ROOT = "pgserver"


@dataclass(frozen=True)
class Account:
    """A system account; ``other`` where it is not the one of this process, which is root then."""

    uid: int
    gid: int
    other: bool = False

    @property
    def of_process(self) -> dict[str, Any]:
        """What a process is started with to run as the account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.other else {}

    def take(self, path: Path) -> None:
        """Make a file or folder that was just made the account's own."""
        if self.other:
            os.chown(path, self.uid, self.gid)


def account_of(home: Path, folder: Path) -> Account:
    """Return the account that the server of a home runs as: the owner's, and for root's homes one of their own.

    PostgreSQL refuses to run as root. Raises ConfigurationError where the home is somebody else's.
    """
    ours = os.geteuid()
    found = _owner(folder)
    owner = _owner(home) or 0 if found is None else found
    if ours == 0:
        return _account(owner) if owner != 0 else _of_root()
    # What root has made for others to write in is as good as one's own; root gets in everywhere.
    if owner != ours and not (found is None and owner == 0):
        raise ConfigurationError(
            f"{home if found is None else folder} belongs to {name_of(owner)}, and an embedded PostgreSQL is its "
            "owner's alone.",
            next_step="name a folder of your own in DAYBREAK_HOME, or a server that both can reach in "
            "DAYBREAK_WAREHOUSE_URL.",
        )
    return Account(ours, os.getegid())


def make_home(home: Path) -> None:
    """Make the folder of the embedded default, for its owner alone; root's lets its server pass."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700)


def let_in(account: Account, path: Path, *, whole: Path | None = None) -> None:
    """Let root's server pass to a path that is its own; what it could not run or read of ``whole`` it can then."""
    for parent in reversed(path.parents):
        _allow(account, parent, stat.S_IXUSR)
    if whole and not _allowed(account, path.stat(), stat.S_IXUSR):
        for found in (whole, *whole.rglob("*")):
            if not found.is_symlink():
                runs = found.is_dir() or found.stat().st_mode & stat.S_IXUSR
                _allow(account, found, stat.S_IRUSR | (stat.S_IXUSR if runs else 0))


def name_of(uid: int) -> str:
    """Return the name of an account, or its number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"account {uid}"


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None


def _account(uid: int) -> Account:
    try:
        return Account(uid, pwd.getpwuid(uid).pw_gid, other=True)
    except KeyError:
        raise ConfigurationError(
            f"The home's owner, {name_of(uid)}, is no account of this machine.",
            next_step="name another folder in DAYBREAK_HOME.",
        ) from None


def _of_root() -> Account:
    try:
        found = _made_once()
    except (OSError, subprocess.SubprocessError, KeyError) as error:
        raise ConfigurationError(
            f"PostgreSQL does not run as root, and account {_OF_ROOT} for it could not be made.",
            next_step=f"make it (`useradd {_OF_ROOT}`), or run the command as another account.",
        ) from error
    return Account(found.pw_uid, found.pw_gid, other=True)


def _made_once() -> pwd.struct_passwd:
    with suppress(KeyError):
        return pwd.getpwnam(_OF_ROOT)
    # Of two `useradd` at once, each gives the account a number, and the first one's is nobody's afterwards.
    beside = os.open("/etc", os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(beside, fcntl.LOCK_EX)
        with suppress(KeyError):
            return pwd.getpwnam(_OF_ROOT)
        subprocess.run(["useradd", "-s", "/bin/bash", _OF_ROOT], check=True, capture_output=True)  # noqa: S607
        return pwd.getpwnam(_OF_ROOT)
    finally:
        os.close(beside)


def _allow(account: Account, path: Path, wanted: int) -> None:
    found = path.stat()
    if not _allowed(account, found, wanted):
        try:
            path.chmod(stat.S_IMODE(found.st_mode) | _bits(account, found, wanted))
        except OSError as error:
            raise ConfigurationError(
                f"Account {name_of(account.uid)}, which the embedded PostgreSQL runs as, cannot pass {path}.",
                next_step="name a folder in DAYBREAK_HOME that it can reach.",
            ) from error


def _allowed(account: Account, found: os.stat_result, wanted: int) -> bool:
    return found.st_mode & (bits := _bits(account, found, wanted)) == bits


def _bits(account: Account, found: os.stat_result, wanted: int) -> int:
    """Move permissions of an owner to where the account finds its own."""
    if found.st_uid == account.uid:
        return wanted
    return wanted >> 3 if found.st_gid == account.gid else wanted >> 6
