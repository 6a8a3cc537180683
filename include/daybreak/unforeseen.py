"""Unforeseen: an error that nobody raised on purpose, as one of ours: one line, with what to do next.

What is known to pass by itself is transient. What is known to be wrong with the machine says what. Of all else the
traceback is kept in a file, and the line says where: nobody can act on it at three in the morning.
"""

import errno
import os
import traceback
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from daybreak.errors import ConfigurationError, DaybreakError, TransientError, UnexpectedError
from daybreak.warehouse.faults import INSUFFICIENT_PRIVILEGE, first_line, is_transient, sqlstate, unavailable

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Read-only, somebody else's, or a file where a folder is to be.
_UNUSABLE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG)
# So many files are kept.
_KEPT = 100


def as_ours(error: Exception, tracebacks: Path | None, during: str | None = None) -> DaybreakError:
    """Return an error as one of ours; itself if it is one.

    ``tracebacks`` is the folder that keeps what is told nowhere else, ``during`` what was being done, if that says more
    than the place of a run.
    """
    if isinstance(error, DaybreakError):
        return error
    known = _of_machine(error) or _of_database(error)
    if known is not None:
        return known
    file = _kept(error, tracebacks) if tracebacks else None
    read = f"read the traceback in {file}" if file else "read the traceback in the log"
    if tracebacks and not file:
        read = f"see to it that {tracebacks} can be written to, run it again and read the traceback there"
    place = traceback.extract_tb(error.__traceback__)
    line = f" in {Path(place[-1].filename).name}, line {place[-1].lineno}" if place else ""
    return UnexpectedError(
        f"{type(error).__name__}{line}{f' during `{during}`' if during else ''}, which nobody has foreseen: "
        f"{first_line(error)}.",
        next_step=f"{read}; where it does not lead to your own code or data, report it with that.",
    )


def _of_machine(error: Exception) -> DaybreakError | None:
    if isinstance(error, MemoryError):
        return TransientError(
            "There was not enough memory.",
            next_step="it is tried again; if it lasts, lower the pipeline's chunk_rows or give the process more.",
        )
    if isinstance(error, ConnectionError | TimeoutError):
        return TransientError(
            f"Something did not answer ({type(error).__name__}: {first_line(error)}).",
            next_step="it is tried again; if it lasts, check the services that the settings name.",
        )
    if not isinstance(error, OSError):
        return None
    # What was written to need not be named in the error.
    what = f" ({error.filename})" if error.filename else ""
    if error.errno in _FULL:
        return TransientError(
            f"A file could not be written{what}: {os.strerror(error.errno or 0)}.",
            next_step="free some space, or move DAYBREAK_HOME or DAYBREAK_BATCHES_URI to where there is some; "
            "it is tried again.",
        )
    if error.errno in _UNUSABLE:
        return ConfigurationError(
            f"{error.filename or 'A file'} cannot be used: {os.strerror(error.errno or 0)}.",
            next_step="make it a folder that this account may write to, or name another in DAYBREAK_HOME or "
            "DAYBREAK_BATCHES_URI.",
        )
    return None


def _of_database(error: Exception) -> DaybreakError | None:
    if not (state := sqlstate(error)) and not hasattr(error, "orig"):
        return None
    if is_transient(error):
        return unavailable(error)
    if state == INSUFFICIENT_PRIVILEGE:
        return ConfigurationError(
            f"The database does not allow it: {first_line(error)}.",
            next_step="have the right granted by the owner of what it names.",
        )
    return None


def _kept(error: Exception, folder: Path) -> Path | None:
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}.txt"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in sorted(folder.glob("*.txt"))[: 1 - _KEPT]:
            old.unlink(missing_ok=True)
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("".join(traceback.format_exception(error)))
    except (OSError, UnicodeError):  # the disk may be what is wrong
        return None
    return folder / name
