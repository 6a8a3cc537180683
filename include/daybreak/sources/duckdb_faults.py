"""DuckDB's faults: what it says went wrong, as one of our errors, with file and line where it knows them."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from daybreak.errors import ConfigurationError, DaybreakError, SourceRefused, SourceUnavailable, on_one_line
from daybreak.warehouse.sql_file import Rendered, SqlFile

# What it says of a file that is away, or of a disk or a network that failed.
_PASSING = re.compile(r"^(IO|HTTP|INTERRUPT) Error", re.I)
# A file of a Delta table that is away, which it says of one that was swept too.
_PASSING_STREAM = re.compile(r"reading the stream registered as .* failed: (IO|OS)Error")
# What is said of a row besides the row itself.
_SAID = re.compile(r"(Error when|Expected Number|Invalid unicode|Value with|Maximum line|Unterminated)")
# Kept for good: what is wrong is in the file.
_LASTING = ("magic bytes", "No files found", "too small", "Parquet", "not utf-8")


@contextmanager
def duckdb_faults(
    name: str, sql: SqlFile, statement: Rendered, refuse_changed: Callable[[], None], before: int | None = None
) -> Iterator[None]:
    """Let DuckDB's errors out as ours; where a file changed meanwhile, that is what went wrong.

    ``before`` is how many bytes were sent before the statement, None where the place that an error names is no good.
    """
    import duckdb

    try:
        yield
    except DaybreakError:
        raise
    # A reader's are plain errors of the operating system.
    except (duckdb.Error, OSError, OverflowError, ValueError) as error:
        refuse_changed()
        _raise_as_ours(error, name, lambda at: "" if before is None else _place(sql, statement, at, before))


def refuse_unparsed(error: Exception, sql: SqlFile, statement: Rendered) -> NoReturn:
    """Refuse a file that is not SQL, naming its line."""
    message, position = _told(str(error))
    raise ConfigurationError(f"{_place(sql, statement, position)}{message}.", next_step="mend the SQL file.") from error


def _raise_as_ours(error: Exception, name: str, place: Callable[[int | None], str]) -> NoReturn:
    message, position = _told(str(error))
    if "Out of Memory" in str(error):
        raise SourceRefused(
            f"Source {name} needs more memory than it may use ({message}).",
            next_step=f"write ?memory_limit=1GB after the URL in DAYBREAK_SOURCE_{name.upper()}, or have it keep less.",
        ) from error
    if _passes(str(error), message):
        raise SourceUnavailable(
            f"Source {name} could not be read ({message}).",
            next_step="it is tried again; if it lasts, check that its files are whole and can be read.",
        ) from error
    raise SourceRefused(
        f"The source cannot be read: {place(position)}{message}.",
        next_step="mend the source or the query, then run the partition again.",
    ) from error


def _passes(text: str, message: str) -> bool:
    if _PASSING_STREAM.search(text):
        return "magic bytes" not in text
    return bool(_PASSING.match(text)) and not any(lasting.lower() in message.lower() for lasting in _LASTING)


def _told(text: str) -> tuple[str, int | None]:
    """Return what an error says and the byte of the statement that it points at."""
    start = text.find("Error: {")
    if start >= 0:
        try:
            found, _ = json.JSONDecoder().raw_decode(text, start + len("Error: "))
            position = found.get("position")
            return _in_short(str(found["exception_message"])), None if position is None else int(position)
        except (ValueError, KeyError):
            pass
    return _in_short(text), None


def _in_short(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "an error without a text"
    told = lines[0]
    if "reached an invalid state" in told:
        told = f"{_file(lines)} has lines that end in different ways, or a text whose quote is not closed"
    # Of a CSV file the row itself comes second, which is somebody's data, and the file among what follows.
    if row := re.match(r"CSV Error on Line: (\d+)", told):
        told = f"{_file(lines)}, line {row[1]}: {' '.join(line for line in lines[1:] if _SAID.match(line))}"
    return on_one_line(told).rstrip(".")[:300]


def _file(lines: list[str]) -> str:
    return next((line.partition("=")[2].strip() for line in lines if line.startswith("file =")), "a file")


def _place(sql: SqlFile, statement: Rendered, position: int | None, before: int = 0) -> str:
    if position is None:
        return ""
    characters = len(statement.text.encode()[: max(position - before, 0)].decode(errors="ignore"))
    return f"{sql.location(statement.origin(characters))}: "
