"""Unseen keys: the rows of a table of states that neither of two models was fitted on, scored by both.

A table of states has no days of its own: what was told last holds for every day until something else is told, and most
entity keys with a known target are among those that a model was fitted on. What it has not seen are the keys that were
held out of every training by a hash, and those whose target was told after its last training.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.source_tables import StateTable
from daybreak.models.training_record import BY_KEY, HELD_OUT
from daybreak.models.version import ModelVersion
from daybreak.run.plan import day_binds
from daybreak.training.comparison import Compared, compare_rows
from daybreak.training.over_keys import held_out_rows
from daybreak.training.past import Past, source_last_day
from daybreak.warehouse.derived_queries import FIRST_KNOWN, TRAINING
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

# An interval is drawn from so many groups of keys at most: more would only take longer.
_GROUPS = 500


def told_by_keys(workspace: Workspace, pipeline: Pipeline) -> bool:
    """Tell whether the training rows of a pipeline are those of a table of states, each entity key once."""
    apart = isinstance(pipeline.reads, StateTable) and pipeline.reads.history is not None
    return (apart or workspace.queries(pipeline).follows(TRAINING)) and pipeline.training_rows is None


def compare_by_keys(
    workspace: Workspace,
    pipeline: Pipeline,
    challenger: ModelVersion,
    champion: ModelVersion | None,
    progress: Callable[[str], None] = lambda step: None,
) -> Compared:
    """Score the rows that neither has seen by both models; only losses are kept, no prediction."""
    models = [model for model in (challenger, champion) if model]
    compared = Compared(days=[], by_key=True)
    last = source_last_day(workspace, pipeline)
    if last is None:
        return compared
    past = Past(workspace, pipeline, last, to_learn=False)
    rows = past.rows(last, last).combine_chunks()
    unseen = np.ones(rows.num_rows, dtype=bool)
    for model in models:
        unseen &= _unseen_by(workspace, pipeline, model, rows, past)
    chosen = rows.filter(unseen)
    progress(f"comparing on {chosen.num_rows:,} rows")
    if chosen.num_rows:
        loaded = [(model, workspace.registry.load(model)) for model in models]
        compare_rows(compared, 0, chosen.to_batches()[0], pipeline, loaded)
        # Keys say nothing of each other: any parting of them will do.
        compared.day = [np.arange(len(losses)) % _GROUPS for losses in compared.challenger]
    return compared


def _unseen_by(
    workspace: Workspace, pipeline: Pipeline, model: ModelVersion, rows: "pa.Table", past: Past
) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.compute as pc

    keys = list(pipeline.entity_key)
    with workspace.queries(pipeline).stream(
        FIRST_KNOWN, day_binds(past.last_day, past.last_day, pipeline.timezone)
    ) as (_, reader):
        known = reader.read_all()
    numbered = rows.select(keys).append_column("row", pa.array(np.arange(rows.num_rows)))
    first_known = numbered.join(known, keys).sort_by("row")["first_known"]
    unseen = np.asarray(pc.greater(first_known, pa.scalar(model.trained_through)).to_numpy(), dtype=bool)
    if _held_out_by_key(workspace, model):
        unseen |= held_out_rows(rows.select(keys).to_pandas())
    return unseen


def _held_out_by_key(workspace: Workspace, model: ModelVersion) -> bool:
    tagged = workspace.registry.tagged(model.name, HELD_OUT)
    return any(version.version == model.version and tag == BY_KEY for version, tag in tagged)
