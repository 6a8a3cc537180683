"""Leftovers: what failed runs wrote and nobody can see or use, their predictions and their snapshots.

Only runs of this ledger that failed and were never published are looked at, and of their folders only the files that a
snapshot's writer makes. A task of Airflow may still be tried again or cleared: its run is left alone for a day.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa

from daybreak.declaration.pipeline import Pipeline
from daybreak.ledger.tables import publications, runs
from daybreak.tables.names import SCHEMA, predictions_table, runs_name
from daybreak.warehouse.database import Warehouse

_MADE = re.compile(r"[0-9a-f]{64}\.parquet|[0-9a-f]{32}\.part")
_KEY = r"^\d{4}-\d{2}(-\d{2}(T\d{2}(\d{2})?b?)?)?$"
_TRIED_AGAIN = sa.text("interval '1 day'")


@dataclass(frozen=True)
class Leftover:
    """What a failed run has left: how many predictions, and how many files of snapshots."""

    pipeline: str
    partition: str
    run_id: int
    predictions: int
    files: int


def remove_leftovers(
    warehouse: Warehouse, pipeline: Pipeline, batches: str, *, partition: str | None = None, dry_run: bool = False
) -> list[Leftover]:
    """Remove what failed runs of a pipeline, or of one partition, have left; return what there was.

    With ``dry_run`` it stays. A run that somebody works on, or takes up again at the moment, is left alone.
    """
    found = []
    for run_id, key in _failed(warehouse, pipeline, partition):
        with warehouse.begin() as connection:
            # Whoever goes on with the run, or publishes it, holds one of these.
            alone = sa.func.pg_try_advisory_xact_lock(sa.func.hashtextextended(f"run/{run_id}", 0))
            still = sa.select(runs.c.run_id).where(runs.c.run_id == run_id, *_left()).with_for_update(skip_locked=True)
            if not connection.scalar(sa.select(alone)) or connection.scalar(still) is None:
                continue
            predictions = _predictions(connection, pipeline, run_id, dry_run=dry_run)
            files = _files(f"{batches}/{pipeline.name}/{key}/{run_id}", dry_run=dry_run)
        if predictions or files:
            found.append(Leftover(pipeline.name, key, run_id, predictions, files))
    return found


def _left() -> Iterator[sa.ColumnElement[bool]]:
    yield runs.c.state == "failed"
    yield ~sa.exists().where(publications.c.run_id == runs.c.run_id)
    yield sa.or_(runs.c.origin.is_(None), runs.c.finished_at < sa.func.clock_timestamp() - _TRIED_AGAIN)
    # What was refused for its key is no partition, and names no folder.
    yield runs.c.partition_date.is_not(None)
    yield runs.c.partition_key.regexp_match(_KEY)


def _failed(warehouse: Warehouse, pipeline: Pipeline, partition: str | None) -> list[tuple[int, str]]:
    wanted = sa.select(runs.c.run_id, runs.c.partition_key).where(runs.c.pipeline == pipeline.name, *_left())
    if partition is not None:
        wanted = wanted.where(runs.c.partition_key == partition)
    with warehouse.begin() as connection:
        return [(run_id, key) for run_id, key in connection.execute(wanted.order_by(runs.c.run_id))]


def _predictions(connection: sa.Connection, pipeline: Pipeline, run_id: int, *, dry_run: bool) -> int:
    table = predictions_table(pipeline)
    if pipeline.push or connection.scalar(sa.select(sa.func.to_regclass(table))) is None:
        return 0
    named = sa.table(runs_name(pipeline), sa.column("run_id"), schema=SCHEMA)
    of_run = named.c.run_id == run_id
    if dry_run:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(named).where(of_run)) or 0)
    return connection.execute(named.delete().where(of_run)).rowcount


def _files(folder: str, *, dry_run: bool) -> int:
    """Remove a snapshot's files and the folder, if nothing else is in it."""
    from upath import UPath

    path = UPath(folder)
    if not path.is_dir():
        return 0
    made = [file for file in path.iterdir() if _MADE.fullmatch(file.name) and file.is_file()]
    if not dry_run:
        for file in made:
            file.unlink(missing_ok=True)
        with suppress(OSError):  # it holds what we did not make, or the storage knows no folders
            path.fs.rmdir(path.path)  # the path's own would remove what is in it, too
    return len(made)
