"""Incidents: what needs a person, as the ledger keeps it: one open row a cause, however often it is seen."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from daybreak.errors import ConfigurationError
from daybreak.ledger.runs import lock
from daybreak.ledger.tables import incidents
from daybreak.warehouse.database import Warehouse

Row = dict[str, Any]
_OPEN = incidents.c.closed_at.is_(None)


@dataclass(frozen=True)
class Seen:
    """What was seen of a cause; ``settles_at`` is when it is to be told of, if it has not gone by itself by then."""

    cause: str
    kind: str
    severity: str
    pipeline: str
    partition_key: str | None
    owner: str | None
    problem: str
    next_step: str
    command: str | None
    settles_at: datetime | None = None

    def values(self) -> dict[str, Any]:
        """Return the columns."""
        return {name: value for name, value in asdict(self).items() if name != "settles_at"}


@dataclass(frozen=True)
class Changed:
    """What a look has changed, as rows of the ledger."""

    opened: tuple[Row, ...]
    closed: tuple[Row, ...]
    reminded: tuple[Row, ...]


class IncidentChanges:
    """Bring the open incidents to what was seen, within the caller's transaction; two watchers wait for each other.

    ``now`` is when the look began: what another watcher has seen, opened or closed since then is left as it is.
    """

    def __init__(self, connection: Connection, now: datetime, remind_after: timedelta | None) -> None:
        self._connection = connection
        self._now = now
        self._remind_at = now + remind_after if remind_after else None
        lock(connection, "incidents")
        found = connection.execute(sa.select(incidents).where(_OPEN).order_by(incidents.c.incident_id)).mappings()
        self._open = {row["cause"]: dict(row) for row in found}

    def bring(self, seen: Mapping[str, Seen], *, unknown: Collection[str], by: str) -> Changed:
        """Open, keep and close; what is ``unknown``, by cause, is left as it is."""
        just_closed = sa.select(incidents.c.cause).where(incidents.c.closed_at > self._now)
        gone = set(self._connection.scalars(just_closed))
        opened, reminded, closed = [], [], []
        for cause, one in sorted(seen.items()):
            if before := self._open.get(cause):
                reminded += self._keep(before, one)
            elif cause not in gone and (one.settles_at is None or one.settles_at <= self._now):
                opened.append(self._insert(one))
        for cause, row in self._open.items():
            if cause not in seen and cause not in unknown and row["seen_at"] <= self._now:
                closed.append(self._change(row, closed_at=self._now, closed_by=by))
        return Changed(tuple(opened), tuple(closed), tuple(reminded))

    def _insert(self, one: Seen) -> Row:
        at = {"opened_at": self._now, "seen_at": self._now, "remind_at": self._remind_at}
        statement = incidents.insert().values(**one.values(), **at).returning(incidents)
        return dict(self._connection.execute(statement).mappings().one())

    def _keep(self, before: Row, one: Seen) -> list[Row]:
        """See an open incident again; return it where somebody is to be reminded."""
        due = before["remind_at"] is not None and before["remind_at"] <= self._now
        silenced = before["silenced_until"] is not None and before["silenced_until"] > self._now
        values = one.values() | {"seen_at": max(before["seen_at"], self._now)}
        if due and not silenced:
            values |= {"reminders": before["reminders"] + 1, "remind_at": self._remind_at}
        row = self._change(before, **values)
        return [row] if due and not silenced else []

    def _change(self, row: Row, **values: Any) -> Row:
        changed = incidents.update().where(incidents.c.incident_id == row["incident_id"]).values(**values)
        return dict(self._connection.execute(changed.returning(incidents)).mappings().one())


def incidents_since(connection: Connection, since: datetime) -> list[Row]:
    """Return the incidents that are open, or were opened or closed since then."""
    wanted = sa.select(incidents).where(sa.or_(_OPEN, incidents.c.closed_at >= since))
    return [dict(row) for row in connection.execute(wanted.order_by(incidents.c.incident_id)).mappings()]


def list_incidents(warehouse: Warehouse, *, closed: int = 0) -> list[Row]:
    """Return the open incidents, and the last ``closed`` of the others, the newest first."""
    newest = incidents.c.incident_id.desc()
    with warehouse.begin() as connection:
        found = connection.execute(sa.select(incidents).where(_OPEN).order_by(newest)).mappings().all()
        over = sa.select(incidents).where(sa.not_(_OPEN)).order_by(incidents.c.closed_at.desc(), newest).limit(closed)
        return [dict(row) for row in (*found, *connection.execute(over).mappings())]


def silence(warehouse: Warehouse, incident: int, until: datetime, by: str) -> Row:
    """Have nobody reminded of an open incident until then. Raises ConfigurationError where it is not open."""
    values = {"silenced_until": until, "silenced_by": by}
    wanted = incidents.update().where(incidents.c.incident_id == incident, _OPEN).values(**values)
    with warehouse.begin() as connection:
        found = connection.execute(wanted.returning(incidents)).mappings().first()
    if found is None:
        raise ConfigurationError(
            f"There is no open incident {incident}.", next_step="choose one of `daybreak alerts list`."
        )
    return dict(found)
