"""Homes of servers that end with the tests: in memory where there is room, for nothing in them has to survive."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daybreak.embedded.postgres import EmbeddedPostgres
from parcels import administer

_MEMORY = Path("/dev/shm")
# What the servers of all processes fill at most, and as much again for what else there is; for the tests' own folders,
# in which there are whole environments of Airflow, three times that.
_ROOM = 4 * 2**30
_ROOM_FOR_FOLDERS = 3 * _ROOM
_PYTESTS = "PYTEST_DEBUG_TEMPROOT"


@contextmanager
def short_lived() -> Iterator[Path]:
    """Make a folder that is gone afterwards.

    To copy a database is to make a thousand files, which takes a disk's file system ten times as long. The folder is
    not below pytest's own: another session of pytest closes that to the user PostgreSQL runs as under root.
    """
    with tempfile.TemporaryDirectory(prefix="daybreak-", dir=_MEMORY if _has_room(_ROOM) else None) as folder:
        yield Path(folder)


def keep_tests_files_in_memory() -> None:
    """Have pytest make its folders in memory, unless it was told where; they are gone after its last process."""
    if _PYTESTS in os.environ or not _has_room(_ROOM_FOR_FOLDERS):
        return
    os.environ[_PYTESTS] = folder = tempfile.mkdtemp(prefix="daybreak-", dir=_MEMORY)
    maker = os.getpid()
    atexit.register(lambda: os.getpid() == maker and shutil.rmtree(folder, ignore_errors=True))


def _has_room(needed: int) -> bool:
    return _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > needed


@contextmanager
def short_lived_server() -> Iterator[EmbeddedPostgres]:
    """Start a PostgreSQL that waits for no disk and keeps nothing for a crash of the machine."""
    with short_lived() as home:
        server = EmbeddedPostgres(home).use()
        with administer(server) as connection:
            connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
            connection.exec_driver_sql("ALTER SYSTEM SET full_page_writes = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        yield server
        server.stop("immediate")
        server.release()
