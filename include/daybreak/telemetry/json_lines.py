"""JSON lines: the log as one JSON object a line on standard error, for programs that collect logs.

What is on a line is a list of our own. Neither the attributes that libraries hang on their records nor tracebacks are
on it: the ones may hold values of rows, the others the values of variables.
"""

import json
import logging
import re
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from daybreak.errors import DaybreakError, on_one_line
from daybreak.telemetry.run_context import current

# The password of an address, whoever wrote it into a message.
_PASSWORD = re.compile(r"(?<=://)([^\s/@:]*):[^\s/]*@")


class JsonLines(logging.Formatter):
    """Write a record as one JSON object: time in UTC, level, logger, message, and the run that it belongs to."""

    def format(self, record: logging.LogRecord) -> str:
        """Lay a record out."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _PASSWORD.sub(r"\1:***@", on_one_line(_message(record))),
        }
        if context := current():
            line |= asdict(context)
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line["error"] = type(error).__name__
        if isinstance(error, DaybreakError):
            # It is told after its stage was left.
            line = {name: value for name, value in _known_of(error).items() if value is not None} | line
        return json.dumps(line, ensure_ascii=False)


def _known_of(error: DaybreakError) -> dict[str, object]:
    """Return which run an error belongs to, as far as it knows."""
    return {"run": error.run, "pipeline": error.pipeline, "partition": error.partition, "stage": error.stage}


def log_json_lines() -> None:
    """Write this process's log to standard error as JSON: what Daybreak does, and the warnings of its libraries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    for other in root.handlers[:]:
        if isinstance(other.formatter, JsonLines):
            root.removeHandler(other)
    root.addHandler(handler)
    logging.getLogger("daybreak").setLevel(logging.INFO)
    logging.captureWarnings(True)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:
        return str(record.msg)  # its arguments do not fit; logging must not stop what is logged
