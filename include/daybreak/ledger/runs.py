"""The run ledger: what ran on what, and what came of it.

What expectations said, segments, quarantine and deliveries have modules of their own.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, RowMapping

from daybreak.declaration.partition import Partition
from daybreak.errors import DaybreakError, PartitionRefused, PublicationRefused, SourceAwaited, on_one_line
from daybreak.ledger.signs_of_life import SignsOfLife, sign
from daybreak.ledger.tables import runs
from daybreak.unforeseen import as_ours
from daybreak.warehouse.database import Warehouse

log = logging.getLogger("daybreak")

# By so much clocks are changed at the most.
_OF_CLOCKS = timedelta(hours=3)


@dataclass(frozen=True)
class Counts:
    """The four numbers that must add up: extracted = quarantined + failed + scored.

    ``rows_kept`` is how many of the scored are published, where only the best are.
    """

    rows_extracted: int
    rows_quarantined: int
    rows_failed: int
    rows_scored: int
    rows_kept: int | None = None

    @property
    def stored(self) -> int:
        """How many predictions there must be under the run."""
        return self.rows_scored if self.rows_kept is None else self.rows_kept


class Ledger:
    """Read and write the run ledger; ``tracebacks`` is the folder for those of errors that nobody has foreseen."""

    def __init__(self, warehouse: Warehouse, tracebacks: Path | None = None) -> None:
        self.warehouse = warehouse
        self._signs = SignsOfLife(warehouse)
        self._tracebacks = tracebacks

    def open(
        self,
        pipeline: str,
        partition_key: str,
        *,
        trigger: str,
        origin: str | None,
        parent_run_id: int | None = None,
        asked_by: str | None = None,
    ) -> RowMapping:
        """Open a run, or return the one that its origin has already opened and not finished.

        A task that is killed and tried again thus goes on with its run; an Airflow run that is cleared after it was
        finished opens a new one. A run without an origin shows from its first moment that this process works on it,
        until ``alive`` ends or the run is closed.
        """
        with self.warehouse.begin() if origin else self._signs.begin() as connection:
            lock(connection, f"{pipeline}/{partition_key}")
            unfinished = sa.select(runs).where(
                runs.c.pipeline == pipeline,
                runs.c.partition_key == partition_key,
                runs.c.origin == origin,
                runs.c.state == "running",
            )
            found = connection.execute(unfinished).mappings().first() if origin else None
            if found:
                return found
            last = sa.select(sa.func.coalesce(sa.func.max(runs.c.attempt), 0) + 1).where(
                runs.c.pipeline == pipeline, runs.c.partition_key == partition_key
            )
            opened = runs.insert().values(
                pipeline=pipeline,
                partition_key=partition_key,
                attempt=last.scalar_subquery(),
                trigger=trigger,
                origin=origin,
                parent_run_id=parent_run_id,
                asked_by=asked_by,
            )
            run = connection.execute(opened.returning(runs)).mappings().one()
            if origin is None:
                self._signs.take(connection, run["run_id"])
            return run

    def get(self, run_id: int) -> RowMapping:
        """Return one run."""
        with self.warehouse.begin() as connection:
            found = connection.execute(sa.select(runs).where(runs.c.run_id == run_id)).mappings().first()
        if found is None:
            raise PublicationRefused(f"There is no run {run_id}.", next_step="choose one of `daybreak runs`.")
        return found

    def locate(self, run_id: int, partition: Partition) -> None:
        """Write down the partition that the run was resolved to."""
        self.record(
            run_id,
            partition_date=partition.first_day,
            window_start=partition.start,
            window_end=partition.end,
            timezone=partition.timezone,
        )

    def record(self, run_id: int, **values: Any) -> None:
        """Write down what became known of a run that is not finished."""
        with self.warehouse.begin() as connection:
            connection.execute(runs.update().where(runs.c.run_id == run_id).values(**values))

    def resume(self, run_id: int) -> bool:
        """Take a run up again for one of its stages; return False if it is finished and nothing is left to do.

        A failed run whose task is tried again goes on.
        """
        with self.warehouse.begin() as connection:
            state = connection.scalar(sa.select(runs.c.state).where(runs.c.run_id == run_id).with_for_update())
            if state == "failed":
                reopened = {"state": "running", "error": None, "error_type": None, "finished_at": None}
                connection.execute(runs.update().where(runs.c.run_id == run_id).values(**reopened))
            return state in ("running", "failed")

    def took(self, run_id: int, stage: str, seconds: float) -> None:
        """Write down how long a stage took."""
        with self.warehouse.begin() as connection:
            merged = runs.c.seconds.op("||")(sa.literal({stage: round(seconds, 3)}, JSONB))
            connection.execute(runs.update().where(runs.c.run_id == run_id).values(seconds=merged))
        log.info("Stage %s took %.3f s.", stage, seconds)

    def fail(self, run_id: int, error: DaybreakError | str) -> None:
        """Close a run as failed, with the reason; a finished run stays as it is."""
        with self.warehouse.begin() as connection:
            connection.execute(
                runs.update()
                .where(runs.c.run_id == run_id, runs.c.state == "running")
                .values(
                    state="failed",
                    error=on_one_line(str(error))[:2000],
                    error_type=type(error).__name__ if isinstance(error, DaybreakError) else None,
                    rows_scored=None,
                    waiting=None,
                    finished_at=sa.func.clock_timestamp(),
                )
            )

    @contextmanager
    def closing_on_error(self, run_id: int, pipeline: str, partition: str) -> Iterator[None]:
        """Close the run as failed if the body raises, and name pipeline and partition in the error.

        A run that waits for its source stays open.
        What leaves it is one of ours, whatever was raised; who interrupts it is let through.
        """
        try:
            yield
        except SourceAwaited:
            self._signs.release(run_id)
            raise
        except Exception as error:
            ours = as_ours(error, self._tracebacks).located(pipeline, partition)
            # Where the warehouse is what failed, the run stays open until it is tried again or swept up.
            with suppress(DaybreakError, sa.exc.SQLAlchemyError):
                self.fail(run_id, ours)
            self._signs.release(run_id)
            if ours is error:
                raise
            raise ours from error
        except BaseException as interruption:
            told = f"It was interrupted ({type(interruption).__name__})."
            with suppress(DaybreakError, sa.exc.SQLAlchemyError):
                self.fail(run_id, f"{pipeline} {partition}: {told} Next: run the partition again.")
            self._signs.release(run_id)
            raise

    @contextmanager
    def alive(self, run_id: int) -> Iterator[None]:
        """Show as long as the body runs that a process works on the run; the sign goes when the process does."""
        with self._signs.begin() as connection:
            self._signs.take(connection, run_id)
        try:
            yield
        finally:
            self._signs.release(run_id)

    def sweep(self) -> int:
        """Close the command line's runs whose process is gone; return how many."""
        unfinished = sa.select(runs.c.run_id).where(runs.c.state == "running", runs.c.origin.is_(None))
        with self.warehouse.begin() as connection:
            gone = connection.scalars(unfinished.where(sa.func.pg_try_advisory_xact_lock(sign(runs.c.run_id)))).all()
        for run_id in gone:
            self.fail(run_id, "The process that worked on it ended without closing it. Next: run the partition again.")
        return len(gone)

    def close(self) -> None:
        """Give up the signs of runs that were planned here and not run."""
        self._signs.close()

    def finish(self, connection: Connection, run_id: int, state: str, counts: Counts, note: str | None = None) -> None:
        """Close a run within the caller's transaction; the database refuses counts that do not add up."""
        connection.execute(
            runs.update()
            .where(runs.c.run_id == run_id)
            .values(
                state=state,
                finished_at=sa.func.clock_timestamp(),
                error=None,
                error_type=None,
                note=note,
                **asdict(counts),
            )
        )

    def close_abandoned(self, origin: str, reason: str) -> int:
        """Close the unfinished runs of an Airflow run as failed; return how many there were."""
        with self.warehouse.begin() as connection:
            found = connection.scalars(
                sa.select(runs.c.run_id).where(runs.c.origin == origin, runs.c.state == "running")
            ).all()
        for run_id in found:
            self.fail(run_id, reason)
        return len(found)


def lock(connection: Connection, name: str) -> None:
    """Hold a named lock, such as ``<pipeline>/<partition>`` or ``run/<id>``, until the transaction ends.

    Waits as long as the warehouse lets anything wait; a lock not had in time is a transient error.
    """
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 0))))


def refuse_other_cadence(warehouse: Warehouse, pipeline: str, partition: Partition) -> None:
    """Refuse a partition that another one overlaps which was published or sent, as before a change of ``every``.

    A change of the time zone, or of its rules, moves partitions by hours and is none of the cadence.
    """
    begins, ends = (
        sa.literal(partition.start, runs.c.window_start.type),
        sa.literal(partition.end, runs.c.window_end.type),
    )
    longer = sa.func.abs(sa.func.extract("epoch", (runs.c.window_end - runs.c.window_start) - (ends - begins)))
    common = sa.func.least(runs.c.window_end, ends) - sa.func.greatest(runs.c.window_start, begins)
    same_zone = (runs.c.timezone == partition.timezone) & (common > _OF_CLOCKS)
    done = sa.select(runs.c.partition_key).where(
        runs.c.pipeline == pipeline,
        runs.c.state.in_(("published", "pushed")),
        runs.c.partition_key != partition.key,
        runs.c.window_start < partition.end,
        runs.c.window_end > partition.start,
        sa.or_(longer > _OF_CLOCKS.total_seconds(), same_zone),
    )
    with warehouse.begin() as connection:
        other = connection.scalar(done.limit(1))
    if other is not None:
        raise PartitionRefused(
            f"It overlaps {other}, which is published: the pipeline had another cadence.",
            next_step="give the pipeline another name, under which all is new, or its old cadence back.",
        )
