"""Homes of servers that end with the tests: in memory where there is room, for nothing in them has to survive."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daybreak.embedded.postgres import EmbeddedPostgres
from parcels import administer

_MEMORY = Path("/dev/shm")
# What all processes of the suite fill at most, and as much again for what else there is.
_ROOM = 4 * 2**30


@contextmanager
def short_lived() -> Iterator[Path]:
    """Make a folder that is gone afterwards.

    To copy a database is to make a thousand files, which takes a disk's file system ten times as long. The folder is
    not below pytest's own: another session of pytest closes that to the user PostgreSQL runs as under root.
    """
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    with tempfile.TemporaryDirectory(prefix="daybreak-", dir=_MEMORY if roomy else None) as folder:
        yield Path(folder)


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
