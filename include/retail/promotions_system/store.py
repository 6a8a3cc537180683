"""The promotions system's tables and its one transaction: a chunk, its offers and its answer stand or fall together.

It talks through asyncpg, which sends values apart from statements: those that fail land in PostgreSQL's log, and
should not take probabilities with them.
"""

import json
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from retail.promotions_system.documents import Listing, Refused, State
from retail.promotions_system.reading import Reading

SQL = Path(__file__).resolve().parents[3] / "sql" / "promotions_system"

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('promotions_system.tables'))"
# Of two requests with one key the second one waits here until the first one is through.
_CLAIM = sa.text(
    "INSERT INTO promotions_system.chunks (idempotency_key, body_digest) VALUES (:idempotency_key, :body_digest) "
    "ON CONFLICT DO NOTHING RETURNING idempotency_key"
)
_KNOWN = sa.text(
    "SELECT body_digest, status, answer FROM promotions_system.chunks WHERE idempotency_key = :idempotency_key"
)
_REMEMBER = sa.text(
    "UPDATE promotions_system.chunks SET status = :status, answer = :answer WHERE idempotency_key = :idempotency_key"
)
_COUNTS = sa.text(
    "SELECT state, count(*) FROM promotions_system.listed_offers WHERE partition_date = :date "
    "AND (CAST(:pipeline AS text) IS NULL OR pipeline = :pipeline) GROUP BY state"
)
_PAGE = sa.text(
    "SELECT * FROM promotions_system.listed_offers WHERE partition_date = :date "
    "AND (CAST(:pipeline AS text) IS NULL OR pipeline = :pipeline) "
    "AND (CAST(:state AS text) IS NULL OR state = :state) "
    "ORDER BY pipeline, rank, offer_id LIMIT :limit OFFSET :offset"
)
# Classes of SQLSTATE: connection, resources, an operator's intervention, a lock not had, serialization and deadlock.
_PASSING_STATES = ("08", "53", "57", "55P03", "40001", "40P01")
# Data that the database cannot take: a number too large, a character that there is not.
_BAD_VALUE = "22"
_DATABASE_ERRORS = (sa.exc.DBAPIError, sa.exc.TimeoutError, OSError)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What a chunk is answered, and whether an earlier request was answered the same."""

    status: int
    text: str
    repeated: bool = False


class Store:
    """Keep offers in PostgreSQL."""

    def __init__(self, url: str, sql: Path = SQL) -> None:
        self._url = sa.make_url(url).set(drivername="postgresql+asyncpg")
        self._tables = (sql / "tables.sql").read_text(encoding="utf-8")
        self._upsert = sa.text((sql / "upsert.sql").read_text(encoding="utf-8")).bindparams(
            sa.bindparam("valid_until", type_=sa.DateTime(timezone=True))
        )
        self._withdraw = sa.text((sql / "withdraw.sql").read_text(encoding="utf-8")).bindparams(
            sa.bindparam("withdrawn", type_=sa.ARRAY(sa.Uuid))
        )

    @cached_property
    def engine(self) -> AsyncEngine:
        """The engine; its errors do not show the values of a statement."""
        return create_async_engine(
            self._url,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"server_settings": {"application_name": "promotions_system"}},
        )

    async def prepare(self) -> None:
        """Make the tables, where they are missing."""
        async with self._begin() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None  # noqa: S101 - it was just connected
            # The driver itself runs a file of many statements; SQLAlchemy would prepare it, which takes one.
            async with driver.transaction():
                await driver.execute(_LOCK)
                await driver.execute(self._tables)

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()

    async def check(self) -> None:
        """Ask the database for a sign of life."""
        try:
            async with self.engine.connect() as connection:
                await connection.execute(sa.text("SELECT 1"))
        except _DATABASE_ERRORS as error:
            raise _unavailable(error) from error

    async def receive(self, key: str, digest: bytes, reading: Reading) -> Answer:
        """Take in a chunk, or give the answer that its key was given before."""
        named = {"idempotency_key": key}
        async with self._begin() as connection:
            if await connection.scalar(_CLAIM, {**named, "body_digest": digest}) is None:
                known = (await connection.execute(_KNOWN, named)).one()
                if known.body_digest != digest:
                    raise Refused(409, "idempotency_key_reused", "The Idempotency-Key came with another body before.")
                return Answer(known.status, known.answer, repeated=True)
            rejected = {**reading.rejected, **await self._write(connection, key, reading)}
            answer = Answer(207 if rejected else 200, _results(reading, rejected))
            await connection.execute(_REMEMBER, {**named, "status": answer.status, "answer": answer.text})
        return answer

    async def listing(self, day: date, pipeline: str | None, state: State | None, limit: int, offset: int) -> Listing:
        """List the offers of a day by rank, and count all of them by state."""
        of_day = {"date": day, "pipeline": pipeline}
        async with self._begin() as connection:
            counts: dict[State, int] = dict((await connection.execute(_COUNTS, of_day)).tuples().all())
            page = await connection.execute(_PAGE, {**of_day, "state": state, "limit": limit, "offset": offset})
            return Listing.model_validate(
                {
                    "date": day,
                    "counts": {name: counts.get(name, 0) for name in get_args(State)},
                    "offers": page.mappings().all(),
                }
            )

    async def _write(self, connection: AsyncConnection, key: str, reading: Reading) -> dict[UUID, str]:
        chunk = reading.chunk
        common = {"pipeline": chunk.pipeline, "partition_date": chunk.partition, "idempotency_key": key}
        rejected: dict[UUID, str] = {}
        if chunk.offers:
            written = await connection.scalars(
                self._upsert,
                {
                    **common,
                    "model_version": chunk.model_version,
                    "valid_until": chunk.valid_until,
                    "offers": json.dumps([offer.model_dump(mode="json") for offer in chunk.offers]),
                },
            )
            foreign = {offer.offer_id for offer in chunk.offers}.difference(written)
            rejected |= dict.fromkeys(foreign, "offer_id: It belongs to another pipeline, partition or product.")
        if chunk.withdrawn:
            foreign = set(await connection.scalars(self._withdraw, {**common, "withdrawn": chunk.withdrawn}))
            rejected |= dict.fromkeys(foreign, "offer_id: It belongs to another pipeline or partition.")
        return rejected

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self.engine.begin() as connection:
                yield connection
        except _DATABASE_ERRORS as error:
            if isinstance(error, sa.exc.DBAPIError) and not _passes(error):
                if _state(error).startswith(_BAD_VALUE):
                    log.warning("A value of a request cannot be kept (SQLSTATE %s).", _state(error))
                    raise Refused(400, "request_wrong", "A value of the request cannot be kept.") from error
                raise
            raise _unavailable(error) from error


def _passes(error: sa.exc.DBAPIError) -> bool:
    """Tell whether the database may answer a later try; a lost connection comes without a SQLSTATE."""
    state = _state(error)
    lost = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) and not state
    return error.connection_invalidated or lost or state.startswith(_PASSING_STATES)


def _state(error: sa.exc.DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def _unavailable(error: Exception) -> Refused:
    log.warning("The database does not answer (%s).", type(error).__name__)
    return Refused(503, "database_unavailable", "The database does not answer. Try again.", {"Retry-After": "1"})


def _results(reading: Reading, rejected: dict[UUID, str]) -> str:
    withdrawn = set(reading.chunk.withdrawn)
    return json.dumps({"results": list(_each(reading.order, withdrawn, rejected))}, separators=(",", ":"))


def _each(order: Iterable[UUID], withdrawn: set[UUID], rejected: dict[UUID, str]) -> Iterator[dict[str, Any]]:
    for offer_id in order:
        if offer_id in rejected:
            yield {"offer_id": str(offer_id), "status": "rejected", "reason": rejected[offer_id]}
        else:
            yield {"offer_id": str(offer_id), "status": "withdrawn" if offer_id in withdrawn else "accepted"}
