"""Faults: what the database says went wrong, and whether a later try may succeed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from daybreak.errors import ConfigurationError, DaybreakError, SourceRefused, WarehouseUnavailable
from daybreak.warehouse.sql_file import SqlFile

# Classes of SQLSTATE that a later try may not meet again: connection, resources, operator intervention, lock not had,
# serialization and deadlock.
_TRANSIENT_STATES = ("08", "53", "57", "55P03", "40001", "40P01")
# What a driver says where the connection is gone and no SQLSTATE came with it.
_TRANSIENT_TEXTS = (
    "server closed the connection",
    "connection to server",
    "could not connect",
    "connection refused",
    "the database system is",
    "terminating connection",
    "canceling statement due to",
    "connection already closed",
    "no connection to the server",
    "ssl connection has been closed",
    "timeout expired",
    "timed out",
    "could not translate host name",
    "no route to host",
    "network is unreachable",
)
# What one of our own tables is called where it is not there; a table of the source is the source's fault.
_MISSING_TABLE = re.compile(r'relation "((predictions|ledger)\..+?)" does not exist')
INSUFFICIENT_PRIVILEGE = "42501"
# States of a table, or its schema, that is not there (yet).
NOT_THERE = ("42P01", "3F000")
# Where in a statement the server found the fault.
_LINE = re.compile(r"^LINE (\d+):", re.M)


def sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE that an error of either driver carries, or an empty string."""
    original = getattr(error, "orig", None) or error
    return str(getattr(original, "sqlstate", None) or getattr(original, "pgcode", None) or "")


def was_cancelled(error: BaseException) -> bool:
    """Tell whether a statement was cancelled, as by Ctrl-C while rows are copied: the error, or what it was made of."""
    return "57014" in (sqlstate(error), sqlstate(error.__cause__ or error))


def is_transient(error: BaseException) -> bool:
    """Tell whether a later try may succeed."""
    if sqlstate(error):
        return sqlstate(error).startswith(_TRANSIENT_STATES)
    return any(text in str(error).lower() for text in _TRANSIENT_TEXTS)


@contextmanager
def translated() -> Iterator[None]:
    """Let database errors out as ours where they are transient, or say what of ours is missing."""
    from adbc_driver_manager import Error as AdbcError

    try:
        yield
    except DaybreakError:
        raise
    except (sa.exc.DBAPIError, AdbcError, OSError) as error:
        if is_transient(error):
            raise unavailable(error) from error
        if (missing := _MISSING_TABLE.search(first_line(error))) and sqlstate(error) == "42P01":
            steps = {"predictions": "run a partition of its pipeline, or make it with `daybreak tables`."}
            raise ConfigurationError(
                f"There is no table {missing[1]}.",
                next_step=steps.get(missing[2], "give it its name back, or restore it: what it held is nowhere else."),
            ) from error
        raise


def unavailable(error: BaseException) -> WarehouseUnavailable:
    """Turn a database error that may pass by itself into its one line."""
    if sqlstate(error).startswith("53"):
        return WarehouseUnavailable(
            f"The warehouse is out of resources ({first_line(error)}).",
            next_step="it is tried again; if it lasts, give the database's machine more of what it names.",
        )
    return WarehouseUnavailable(
        f"The warehouse did not answer ({first_line(error)}).",
        next_step="it is tried again; if it lasts, check that the database is up (`daybreak local status`).",
    )


def refused_by_source(
    error: BaseException, what: str, sql: SqlFile | None = None, lines_before: int = 0
) -> SourceRefused:
    """Turn a terminal database error on reading the source into its one-line refusal.

    It names the line of the query ``sql``, if it is known; so many lines were sent before those of the file.
    """
    line = _LINE.search(str(getattr(error, "orig", None) or error))
    place = f"{sql.location_of_line(int(line[1]) - lines_before)}: " if sql and line else ""
    return SourceRefused(
        f"{what} cannot be read: {place}{first_line(error)}.",
        next_step="mend the source or the query, then run the partition again.",
    )


def first_line(error: BaseException) -> str:
    """Return what an error says, without what a driver says around it."""
    original = getattr(error, "orig", None) or error
    # ADBC says first where in the driver it happened.
    lines = [line.strip() for line in str(original).rpartition("ERROR:")[2].splitlines() if line.strip()]
    return lines[0].rstrip(".")[:300] if lines else type(error).__name__
