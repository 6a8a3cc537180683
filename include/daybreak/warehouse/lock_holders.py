"""Lock holders: what a statement waits for, and which process holds it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

# Of a queue the one is named who does not wait himself, and has been at it for longest.
_HELD = sa.text(
    """
    SELECT
        waiting.pid AS waiting, waiting.query AS asked, wanted.locktype, wanted.relation::regclass::text AS relation,
        (SELECT rows.relation::regclass::text FROM pg_locks AS rows
         WHERE rows.pid = waiting.pid AND rows.locktype = 'tuple' LIMIT 1) AS row_of,
        holder.pid, holder.application_name, holder.state, holder.xact_start, holder.query
    FROM pg_stat_activity AS waiting
    JOIN LATERAL (
        SELECT locktype, relation FROM pg_locks WHERE pid = waiting.pid AND NOT granted LIMIT 1
    ) AS wanted ON true
    LEFT JOIN LATERAL (
        SELECT * FROM pg_stat_activity AS other WHERE other.pid = ANY(pg_blocking_pids(waiting.pid))
        ORDER BY other.wait_event_type IS NOT DISTINCT FROM 'Lock', other.xact_start LIMIT 1
    ) AS holder ON true
    WHERE waiting.pid = ANY(:pids) AND waiting.wait_event_type = 'Lock'
    """
)
# A lock of ours is asked for by its name.
_NAMED = re.compile(r"hashtextextended\('([^']+)'")
_QUERY = 80


@dataclass(frozen=True)
class HeldLock:
    """What is waited for and who holds it; ``pid`` is None where that was not to be seen."""

    what: str
    pid: int | None
    holder: str


def find_held_locks(connection: Connection, pids: Sequence[int]) -> dict[int, HeldLock]:
    """Return, of those of our processes on the server that wait for a lock, what they wait for."""
    found = connection.execute(_HELD, {"pids": list(pids)}).mappings().all()
    return {row["waiting"]: HeldLock(_what(row), row["pid"], _holder(row)) for row in found}


def _what(row: RowMapping) -> str:
    if row["locktype"] == "advisory":
        named = _NAMED.search(row["asked"] or "")
        return f"the lock {named[1]}" if named else "an advisory lock"
    if row["locktype"] in ("transactionid", "tuple"):
        return f"a row of {row['row_of']}" if row["row_of"] else "a row that another transaction changes"
    return f"table {row['relation']}" if row["relation"] else f"a lock ({row['locktype']})"


def _holder(row: RowMapping) -> str:
    """Name the holder; of another role's processes a server tells no more than the number."""
    if row["pid"] is None:
        return "another process"
    since: datetime | None = row["xact_start"]
    known = [
        row["application_name"] or None,
        f"since {since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if since else None,
        row["state"],
    ]
    query = " ".join((row["query"] or "").split())
    begins = f": {query[:_QUERY]}{'…' if len(query) > _QUERY else ''}" if since and query else ""
    return f"process {row['pid']} ({', '.join(part for part in known if part) or 'of another role'}{begins})"
