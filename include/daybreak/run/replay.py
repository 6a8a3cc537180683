"""Replay: give quarantined rows another try after the source or the rule was mended.

The published run's snapshot is taken again with the quarantined rows as the source has them now, and goes through the
same stages with the same model version. Every other row keeps its place and, the model being the same, its prediction.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from daybreak.batch.snapshot import Snapshot, SnapshotWriter
from daybreak.errors import SourceRefused
from daybreak.ledger.runs import Counts
from daybreak.run.planning import Request, plan_run
from daybreak.run.publish import Publication
from daybreak.run.runner import Runner

if TYPE_CHECKING:
    import pyarrow as pa

    from daybreak.run.plan import Plan


def replay(
    runner: Runner,
    partition: str,
    *,
    read_source: bool = True,
    allow_leakage: bool = False,
    asked_by: str | None = None,
    begun: Callable[[int], None] = lambda run_id: None,
) -> tuple["Plan", Counts, Publication]:
    """Validate and score the quarantined rows of the current publication again, and publish all rows anew.

    With ``read_source`` the rows are read from the source again; without, they stay as they were extracted. ``begun``
    is told the new run's number.
    """
    workspace, pipeline = runner.workspace, runner.pipeline
    parent = workspace.ledger.get(runner.publisher.current(partition))
    numbers = runner.quarantine(parent["run_id"]).numbers()
    if not len(numbers):
        raise SourceRefused(
            "No row is quarantined.",
            next_step="nothing is to be replayed.",
            pipeline=pipeline.name,
            partition=partition,
        )
    plan = plan_run(
        workspace,
        pipeline,
        Request(
            partition_key=partition,
            trigger="replay",
            # The other rows stay as they were extracted: these must come from the same upstream publication.
            same_as=parent["run_id"],
            # What the published run was told to accept, its replay accepts too.
            allow_leakage=allow_leakage or parent["leakage_allowed"],
            parent_run_id=parent["run_id"],
            origin=runner.origin,
            asked_by=asked_by,
        ),
    )
    begun(plan.run_id)
    with workspace.ledger.alive(plan.run_id):
        with workspace.ledger.closing_on_error(plan.run_id, plan.pipeline, plan.partition.key):
            before = Snapshot(parent["snapshot_uri"], parent["rows_extracted"], parent["snapshot_digest"])
            before.verify()
            read = (lambda: _read_again(runner, plan, before, numbers)) if read_source else None
            snapshot = _mended(runner, plan, before, read)
        runner.validate(plan, snapshot)
        counts = runner.score(plan, snapshot)
        publication = runner.publish(plan, counts, reason="replay")
        runner.shadow(plan, snapshot)
        return plan, counts, publication


def _read_again(runner: Runner, plan: "Plan", before: Snapshot, numbers: np.ndarray) -> "pa.Table":
    """Return the quarantined rows as the source has them now, each with its place in the old snapshot."""
    import pyarrow as pa

    key = list(runner.pipeline.entity_key)
    wanted = before.columns(key).take(pa.array(numbers)).append_column("row_number", pa.array(numbers))
    found = []
    for rows in map(_table, runner.extraction(plan).batches()):
        # The source may have been given wider columns since.
        kinds = [rows.schema.field(name) if name in key else wanted.schema.field(name) for name in wanted.column_names]
        found.append(rows.join(wanted.cast(pa.schema(kinds)), keys=key, join_type="inner"))
    return pa.concat_tables(found)


def _table(batch: "pa.RecordBatch") -> "pa.Table":
    import pyarrow as pa

    return pa.Table.from_batches([batch])


def _mended(runner: Runner, plan: "Plan", before: Snapshot, read: "Callable[[], pa.Table] | None") -> Snapshot:

    mended = read() if read else None
    writer = SnapshotWriter(runner.folder(plan), before.schema)
    start = 0
    for batch in before.batches(runner.pipeline.chunk_rows):
        writer.write(_replaced(batch, start, mended) if mended is not None else batch)
        start += batch.num_rows
    snapshot = writer.close()
    runner.workspace.ledger.record(
        plan.run_id,
        snapshot_uri=snapshot.uri,
        snapshot_digest=snapshot.digest,
        rows_extracted=snapshot.rows,
    )
    return snapshot


def _replaced(batch: "pa.RecordBatch", start: int, mended: "pa.Table") -> "pa.RecordBatch":
    import pyarrow as pa

    numbers = mended["row_number"].to_numpy()
    here = np.flatnonzero((numbers >= start) & (numbers < start + batch.num_rows))
    order = np.arange(batch.num_rows)
    order[numbers[here] - start] = batch.num_rows + np.arange(len(here))
    replacing = mended.take(pa.array(here)).select(batch.schema.names).cast(batch.schema)
    return (
        pa.concat_tables([pa.Table.from_batches([batch]), replacing])
        .take(pa.array(order))
        .combine_chunks()
        .to_batches()[0]
    )
