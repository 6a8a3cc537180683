"""Messages: what is to be told by which channel, written down before it is sent.

A process that dies while it sends leaves a message that is tried again: one that was taken, and not noted as that, is
told twice, and none is lost.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection, RowMapping

from daybreak.ledger.tables import messages
from daybreak.warehouse.database import Warehouse

# The first pause is longer than any channel may take; the longest is an hour.
_PAUSE, _LONGEST = 1, 60
# What nobody could be told of for a week is no news any more.
KEPT_TRYING = timedelta(days=7)
# One attempt that fails is weather.
_FAILING = 2


@dataclass(frozen=True)
class Message:
    """What is told by one channel; a channel gets one message for an occasion and its subject."""

    channel: str
    occasion: str
    subject: str
    title: str
    body: str
    incident: int | None = None


class Outbox:
    """Put messages, take what is due, and write down what came of it."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def put(self, connection: Connection, message: Message, now: datetime) -> bool:
        """Write a message down within the caller's transaction; return whether it was not there before."""
        values: dict[str, Any] = {
            "channel": message.channel,
            "occasion": message.occasion,
            "subject": message.subject,
            "incident_id": message.incident,
            "title": message.title,
            "body": message.body,
            "made_at": now,
            "try_at": now,
        }
        statement = insert(messages).values(**values).on_conflict_do_nothing(constraint="once_a_channel")
        return connection.execute(statement.returning(messages.c.message_id)).first() is not None

    def take(self, channel: str, now: datetime) -> RowMapping | None:
        """Return the next message of a channel that may be sent, which nobody else gets until its pause is over.

        What tells that an incident is over waits for what told of it.
        """
        earlier = messages.alias("earlier")
        first = sa.exists().where(
            earlier.c.channel == messages.c.channel,
            earlier.c.incident_id == messages.c.incident_id,
            earlier.c.message_id < messages.c.message_id,
            earlier.c.sent_at.is_(None),
            earlier.c.made_at > now - KEPT_TRYING,
        )
        due = (
            sa.select(messages.c.message_id)
            .where(messages.c.channel == channel, messages.c.sent_at.is_(None), messages.c.try_at <= now)
            .where(messages.c.made_at > now - KEPT_TRYING, ~first)
            .order_by(messages.c.message_id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        pause = sa.func.least(_PAUSE * sa.func.power(2, sa.func.least(messages.c.attempts, 10)), _LONGEST)
        taken = (
            messages.update()
            .where(messages.c.message_id == due.scalar_subquery())
            .values(
                attempts=messages.c.attempts + 1,
                try_at=now + sa.func.make_interval(0, 0, 0, 0, 0, sa.cast(pause, sa.Integer)),
            )
        )
        with self._warehouse.begin() as connection:
            return connection.execute(taken.returning(messages)).mappings().first()

    def sent(self, message_id: int, now: datetime) -> None:
        """Write down that a channel took a message."""
        self._note(message_id, sent_at=now, problem=None)

    def failed(self, message_id: int, problem: str) -> None:
        """Write down what went wrong; it is tried again."""
        self._note(message_id, problem=problem[:500])

    def failing(self, channels: Collection[str], now: datetime) -> list[RowMapping]:
        """Return a row for each channel that does not take its messages: how many, since when, and what went wrong."""
        wanted = (
            sa.select(
                messages.c.channel,
                sa.func.count().label("messages"),
                sa.func.min(messages.c.made_at).label("since"),
                sa.func.max(messages.c.problem).label("problem"),
            )
            .where(messages.c.channel.in_(channels), messages.c.sent_at.is_(None), messages.c.problem.is_not(None))
            .where(messages.c.attempts >= _FAILING, messages.c.made_at > now - KEPT_TRYING)
            .group_by(messages.c.channel)
        )
        with self._warehouse.begin() as connection:
            return list(connection.execute(wanted).mappings())

    def _note(self, message_id: int, **values: Any) -> None:
        with self._warehouse.begin() as connection:
            connection.execute(messages.update().where(messages.c.message_id == message_id).values(**values))
