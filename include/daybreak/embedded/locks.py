"""Locks on files: the kernel gives them back when a process ends, however it ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daybreak.embedded.account import name_of
from daybreak.errors import ConfigurationError, WarehouseUnavailable

_WAIT_SECONDS = 330
_LOOK_AGAIN_SECONDS = 0.05


def open_lock(path: Path) -> int:
    """Open a lock's file; it belongs to whom its folder belongs to, whoever makes it.

    Raises ConfigurationError where it is somebody else's.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        owner = name_of((path if path.exists() else path.parent).stat().st_uid)
        raise ConfigurationError(
            f"{path} cannot be opened: {error.strerror}; it belongs to {owner}.",
            next_step="name a folder of your own in DAYBREAK_HOME.",
        ) from error
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
    return descriptor


def try_lock(descriptor: int, kind: int) -> bool:
    """Take a lock unless another process is in the way."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def alone(descriptor: int, path: Path) -> Iterator[None]:
    """Be the only one for a while; whoever is writes its number into the file. Raises WarehouseUnavailable."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while not try_lock(descriptor, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
            raise WarehouseUnavailable(
                f"Process {holder} has been starting or stopping the embedded PostgreSQL for "
                f"{_WAIT_SECONDS // 60} minutes.",
                next_step=f"end it if it hangs (it holds {path}), and run the command again.",
            )
        time.sleep(_LOOK_AGAIN_SECONDS)
    try:
        os.pwrite(descriptor, f"{os.getpid():<19}\n".encode(), 0)
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
