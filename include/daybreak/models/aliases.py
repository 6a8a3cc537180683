"""Aliases: every decision about one is written down, and what the registry says is what counts.

Two stores have to agree: the registry, which plans resolve the alias in, and the alias history. A move is written down
as intended, then made, then confirmed; a process that dies between leaves what the next one completes (docs/adr).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from daybreak.declaration.segments import ModelRef
from daybreak.errors import ModelRefused
from daybreak.ledger.runs import lock
from daybreak.ledger.tables import alias_history
from daybreak.models.served import Store
from daybreak.warehouse.database import Warehouse

COMMAND_LINE = "command line"
ANY = -1
# The reasons of a demotion, by which it is told from a promotion.
TAKEN_BACK = ({"check": "taken back"},)


@dataclass(frozen=True)
class Decision:
    """Why an alias is moved, or is not: one line, what was judged, and how it was started."""

    reason: str
    reasons: Sequence[dict[str, Any]] = ()
    decided_by: str = COMMAND_LINE


class Aliases:
    """One alias of one model: where it points to, where it pointed to, and moving it."""

    def __init__(self, warehouse: Warehouse, store: Store, model: ModelRef) -> None:
        self._warehouse = warehouse
        self._store = store
        self.model = model

    def current(self) -> int | None:
        """Return the version that the alias points to, or None."""
        return self._store.get(self.model)

    def move(self, version: int, decision: Decision, *, expected: int | None = ANY) -> None:
        """Point the alias to a version.

        With ``expected`` it is moved only from that version, None meaning that it points to nothing: of two who judged
        against the same one, the second is refused. Every attempt is written down.
        """
        with self._warehouse.begin() as holding:
            self._settled(holding)
            current = self._store.get(self.model)
            if expected not in (ANY, current):
                problem = f"{self.model.alias} is version {current} by now, it was {expected} when this was decided"
                self._write(version, current, Decision(problem, decision.reasons, decision.decided_by), "refused")
                raise ModelRefused(
                    f"{self.model.name}: {problem}.", next_step="look at `daybreak models` and judge again."
                )
            since = self._write(version, current, decision, "intended")
            try:
                self._store.set(self.model, version)
            except ModelRefused:
                self._conclude(since, "abandoned")
                raise
            self._conclude(since, "moved")

    def remove(self, decision: Decision) -> None:
        """Let the alias point to nothing."""
        with self._warehouse.begin() as holding:
            self._settled(holding)
            current = self._store.get(self.model)
            if current is None:
                return
            self._store.remove(self.model)
            self._close(self._write(current, current, decision, "removed"))

    def refuse(self, version: int, decision: Decision) -> None:
        """Write down that the alias was not moved, and why."""
        with self._warehouse.begin() as holding:
            self._settled(holding)
            self._write(version, self._store.get(self.model), decision, "refused")

    def settle(self) -> None:
        """Complete what a killed process left, and write down what was moved outside of Daybreak."""
        with self._warehouse.begin() as holding:
            self._settled(holding)

    def declare(self, version: int, since: datetime, decision: Decision) -> bool:
        """Write down that a version was in force before the first recorded one; return False if that is known already.

        It counts until the next one that is known. What was recorded, and the alias itself, stay as they are.
        """
        with self._warehouse.begin() as holding:
            self._settled(holding)
            with self._warehouse.begin() as connection:
                known = connection.execute(self._known()).mappings().all()
                self._refuse_recorded([row for row in known if row["outcome"] == "moved"], since)
                earlier = [row for row in known if row["since"] <= since]
                if earlier and earlier[-1]["version"] == version:
                    return False
                if earlier and earlier[-1]["since"] == since:
                    raise ModelRefused(
                        f"{self.model.name}: version {earlier[-1]['version']} was declared since that day already.",
                        next_step="choose another day; `daybreak history` shows what is known.",
                    )
                until = next(row["since"] for row in known if row["since"] > since)
                if earlier:
                    declared = (*self._of(), alias_history.c.since == earlier[-1]["since"])
                    connection.execute(alias_history.update().where(*declared).values(until=since))
                row = self._row(version, earlier[-1]["version"] if earlier else None, decision, "declared")
                connection.execute(alias_history.insert().values(**row, since=since, until=until))
        return True

    def in_force(self, instant: datetime) -> RowMapping | None:
        """Return the row of the version that was in force at an instant, recorded or declared, or None."""
        self.settle()
        lasted = sa.or_(alias_history.c.until.is_(None), alias_history.c.until > instant)
        with self._warehouse.begin() as connection:
            return connection.execute(self._known().where(alias_history.c.since <= instant, lasted)).mappings().first()

    def at(self, instant: datetime) -> int | None:
        """Return the version that was in force at an instant, or None."""
        found = self.in_force(instant)
        return found["version"] if found else None

    def before(self) -> tuple[int | None, int | None]:
        """Return the version that the alias points to, and the one that it pointed to before that one got it.

        What was taken back is not come back to, unless it was promoted again.
        """
        self.settle()
        with self._warehouse.begin() as connection:
            found = connection.execute(self._known()).all()
        if not found or found[-1].until is not None:
            return None, None
        line: list[int] = []
        for row in found:
            if list(row.reasons) == list(TAKEN_BACK):
                line = line[:-1]
            if line[-1:] != [row.version]:
                line.append(row.version)
        return line[-1], line[-2] if len(line) > 1 else None

    def history(self) -> list[RowMapping]:
        """List every decision about the alias, the newest first."""
        self.settle()
        with self._warehouse.begin() as connection:
            every = sa.select(alias_history).where(*self._of()).order_by(alias_history.c.since.desc())
            return list(connection.execute(every).mappings())

    def _settled(self, holding: Connection) -> None:
        # The lock is held until the caller's transaction ends; what is written is committed by itself, line by line.
        lock(holding, f"alias/{self.model.name}/{self.model.alias}")
        with self._warehouse.begin() as connection:
            intended = sa.select(alias_history).where(*self._of(), alias_history.c.outcome == "intended")
            left = connection.execute(intended).mappings().first()
            recorded = connection.scalar(
                sa.select(alias_history.c.version).where(*self._moves(), alias_history.c.until.is_(None))
            )
        current = self._store.get(self.model)
        if left:
            moved = current == left["version"] and left["version"] != left["from_version"]
            self._conclude(left["since"], "moved" if moved else "abandoned")
            recorded = left["version"] if moved else recorded
        if current != recorded:
            outside = Decision("found in the registry: it was moved outside of Daybreak", decided_by="unknown")
            if current is None:
                self._close(self._write(recorded or 0, recorded, outside, "removed"))
            else:
                self._conclude(self._write(current, recorded, outside, "intended"), "moved")

    def _write(self, version: int, current: int | None, decision: Decision, outcome: str) -> datetime:
        with self._warehouse.begin() as connection:
            # Of a clock that was set back decisions follow each other by as little as there is.
            last = sa.select(sa.func.max(alias_history.c.since) + sa.text("interval '1 microsecond'")).where(
                *self._of()
            )
            moment = sa.select(sa.func.greatest(sa.func.clock_timestamp(), last.scalar_subquery()))
            now: datetime = connection.scalar(moment)  # type: ignore[assignment]
            row = self._row(version, current, decision, outcome)
            connection.execute(alias_history.insert().values(**row, since=now, until=now, recorded_at=now))
        return now

    def _row(self, version: int, current: int | None, decision: Decision, outcome: str) -> dict[str, Any]:
        return {
            "model_name": self.model.name,
            "alias": self.model.alias,
            "version": version,
            "reason": decision.reason,
            "outcome": outcome,
            "from_version": current,
            "reasons": list(decision.reasons),
            "decided_by": decision.decided_by,
        }

    def _refuse_recorded(self, moves: Sequence[RowMapping], since: datetime) -> None:
        """Refuse to declare what is recorded; the end of a declaration is the first move that is."""
        if not moves:
            raise ModelRefused(
                f"{self.model.name} has had no {self.model.alias} that is recorded, so nothing is before it.",
                next_step="train or promote one, then declare what was in force before.",
            )
        if since >= moves[0]["since"]:
            raise ModelRefused(
                f"{self.model.name}: since {moves[0]['since'].astimezone(UTC):%Y-%m-%d %H:%M} UTC its "
                f"{self.model.alias} is recorded, and what was recorded stays.",
                next_step="declare a day before.",
            )

    def _conclude(self, since: datetime, outcome: str) -> None:
        row = (*self._of(), alias_history.c.since == since)
        with self._warehouse.begin() as connection:
            if outcome == "moved":
                connection.execute(self._closed(since))
                connection.execute(alias_history.update().where(*row).values(outcome=outcome, until=None))
            else:
                connection.execute(alias_history.update().where(*row).values(outcome=outcome))

    def _close(self, instant: datetime) -> None:
        with self._warehouse.begin() as connection:
            connection.execute(self._closed(instant))

    def _closed(self, instant: datetime) -> sa.Update:
        return alias_history.update().where(*self._moves(), alias_history.c.until.is_(None)).values(until=instant)

    def _of(self) -> tuple[sa.ColumnElement[bool], ...]:
        return alias_history.c.model_name == self.model.name, alias_history.c.alias == self.model.alias

    def _known(self) -> sa.Select[Any]:
        in_force = alias_history.c.outcome.in_(("moved", "declared"))
        return sa.select(alias_history).where(*self._of(), in_force).order_by(alias_history.c.since)

    def _moves(self) -> tuple[sa.ColumnElement[bool], ...]:
        return *self._of(), alias_history.c.outcome == "moved"
