"""What nobody raised on purpose becomes one line: what is known says what it is, all else where its traceback is."""

import errno
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from daybreak.errors import ConfigurationError, SourceRefused, TransientError, UnexpectedError, WarehouseUnavailable
from daybreak.unforeseen import as_ours


class Fault(Exception):
    def __init__(self, text: str, pgcode: str) -> None:
        super().__init__(text)
        self.pgcode = pgcode


def database(text: str, state: str) -> sa.exc.DBAPIError:
    return sa.exc.DBAPIError("SELECT 1", {}, Fault(text, state))


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


KNOWN = {
    "memory": (MemoryError(), TransientError, "not enough memory"),
    "a service that is gone": (ConnectionResetError("reset by peer"), TransientError, "did not answer"),
    "a service that is late": (TimeoutError("late"), TransientError, "did not answer"),
    "a full disk": (OSError(errno.ENOSPC, "x", "/data/a"), TransientError, r"written \(/data/a\): No space left"),
    "a quota": (OSError(errno.EDQUOT, "x"), TransientError, "could not be written: Disk quota"),
    "a file too large": (OSError(errno.EFBIG, "x"), TransientError, "could not be written: File too large"),
    "a read-only disk": (OSError(errno.EROFS, "x", "/data/a"), ConfigurationError, "/data/a cannot be used: Read-only"),
    "a folder of others": (PermissionError(errno.EACCES, "x", "/data"), ConfigurationError, "/data cannot be used"),
    "a file in its place": (
        FileExistsError(errno.EEXIST, "x", "/data"),
        ConfigurationError,
        "/data cannot be used: File",
    ),
    "a lost connection": (database("gone", "08006"), WarehouseUnavailable, r"did not answer \(gone\)"),
    "the database's disk": (database("no space", "53100"), WarehouseUnavailable, r"out of resources \(no space\)"),
    "a right": (database("permission denied for x", "42501"), ConfigurationError, "does not allow it: permission"),
}


@pytest.mark.parametrize(("error", "kind", "told"), KNOWN.values(), ids=KNOWN)
def test_what_is_known_says_what_it_is_and_keeps_no_traceback(
    error: Exception, kind: type[Exception], told: str, tmp_path: Path
) -> None:
    found = as_ours(raised(error), tmp_path / "tracebacks")
    assert isinstance(found, kind)
    assert not isinstance(found, UnexpectedError)
    with pytest.raises(kind, match=told):
        raise found
    assert found.next_step
    assert not (tmp_path / "tracebacks").exists()


def test_what_is_ours_stays_what_it_is(tmp_path: Path) -> None:
    error = SourceRefused("Empty.", next_step="load it.")
    assert as_ours(error, tmp_path) is error


@pytest.mark.parametrize("error", [KeyError("colour"), ValueError("two\nlines"), database("odd", "XX000")], ids=repr)
def test_what_nobody_has_foreseen_says_where_its_traceback_is_for_its_owner_alone(
    error: Exception, tmp_path: Path
) -> None:
    found = as_ours(raised(error), tmp_path / "tracebacks", during="daybreak train orders")
    assert isinstance(found, UnexpectedError)
    [file] = (tmp_path / "tracebacks").iterdir()
    assert f"{type(error).__name__} in test_unforeseen.py, line " in found.problem
    assert "during `daybreak train orders`, which nobody has foreseen" in found.problem
    assert f"read the traceback in {file}" in found.next_step
    assert "report it" in found.next_step
    assert "\n" not in str(found)
    assert "raise error" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_hundred_tracebacks_are_kept(tmp_path: Path) -> None:
    for n in range(120):
        (tmp_path / f"20240101T0000{n:03}-abcdef.txt").touch()
    as_ours(raised(KeyError("x")), tmp_path)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert len(names) == 100
    assert (names[0], names[-1] > "2025") == ("20240101T0000021-abcdef.txt", True)


def test_a_traceback_that_cannot_be_kept_is_said_to_be_missing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "tracebacks"
    assert f"see to it that {folder} can be written to" in as_ours(raised(KeyError("x")), folder).next_step
    assert "read the traceback in the log" in as_ours(raised(KeyError("x")), None).next_step


def test_no_text_is_one_that_a_ledger_or_a_terminal_cannot_hold(tmp_path: Path) -> None:
    found = as_ours(raised(ValueError("a \0 and \udcff")), tmp_path).located("orders\0", "2024-\udcff")
    assert "orders\\x00 2024-\\udcff: " in str(found)
    assert "a \\x00 and \\udcff" in str(found)
    str(found).encode()
