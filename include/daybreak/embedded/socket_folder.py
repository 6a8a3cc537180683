"""Where an embedded PostgreSQL listens: in its own folder, or in a private one where that path is too long for it."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from daybreak.embedded.account import Account
from daybreak.errors import ConfigurationError

PORT = 5432
# What the kernels take (108 bytes on Linux, 104 elsewhere), the end of the text included.
_LONGEST = 103
# PostgreSQL keeps its sockets' folders as a list, on one line of a file, and reads it through a shell.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@ ")


def socket_folder(folder: Path, account: Account) -> Path:
    """Return the folder for a server's socket: nobody but the account, and root, gets into it.

    It is the server's own where the path is short and plain. Otherwise it is one below the account's runtime folder or
    the temporary folder, found under the same name at each start unless somebody else sits there.
    """
    if _fits(folder):
        return folder
    found = folder.stat()
    digest = hashlib.sha256(f"{folder}-{found.st_ino}".encode(errors="surrogateescape")).hexdigest()[:12]
    for base in (Path(f"/run/user/{account.uid}"), Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - see below
        wanted = base / f"daybreak-{account.uid}-{digest}"
        if _safe(base, account) and _fits(wanted):
            return wanted if _made(wanted, account) else _made_under_another_name(wanted, account)
    raise ConfigurationError(
        f"No folder is short enough for the socket of the embedded PostgreSQL in {folder}.",
        next_step=f"name a folder in DAYBREAK_HOME whose path has fewer than {_LONGEST - 30} characters.",
    )


def _fits(folder: Path) -> bool:
    path = str(folder / f".s.PGSQL.{PORT}")
    return len(os.fsencode(path)) <= _LONGEST and _PLAIN.issuperset(path)


def _safe(base: Path, account: Account) -> bool:
    """Tell whether what is made in a folder stays what it is: nobody else may rename or replace it."""
    try:
        found = base.stat()
    except OSError:
        return False
    open_to_others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX
    return stat.S_ISDIR(found.st_mode) and found.st_uid in (0, account.uid) and not open_to_others


def _made(wanted: Path, account: Account) -> bool:
    try:
        wanted.mkdir(mode=0o700)
        account.take(wanted)
    except FileExistsError:
        pass
    found = wanted.lstat()  # a link would lead to somebody else's
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid:
        return False
    wanted.chmod(0o700)
    return True


def _made_under_another_name(wanted: Path, account: Account) -> Path:
    made = Path(tempfile.mkdtemp(prefix=wanted.name[:-6] + "-", dir=wanted.parent))
    account.take(made)
    return made
