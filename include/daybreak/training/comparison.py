"""Held-out rows: days that neither of two models has seen, scored by both, in memory."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from daybreak.batch.chunk import Chunk, Rejected
from daybreak.batch.routing import routes_of
from daybreak.declaration.functions import function_name, load_function
from daybreak.declaration.partition import Calendar, Partition, start_of_day
from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.segments import OTHER
from daybreak.errors import ConfigurationError
from daybreak.models.segment_models import SegmentModels
from daybreak.models.version import ModelVersion
from daybreak.run.scorer import Scorer
from daybreak.training.metrics import PRIMARY, measured, numbered
from daybreak.training.outcomes import outcomes, positions
from daybreak.training.past import Past, source_last_day
from daybreak.warehouse.frames import key_frame
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

# The newest partitions decide; more would say more of the past than of what is to come.
MOST_PARTITIONS = 28
_AHEAD = 2


@dataclass
class Compared:
    """What two models made of the same rows: for each row or ranked group its day, its groups and both losses.

    ``failed`` counts the rows that the challenger gave no prediction within its contract for. Without a champion its
    losses are the challenger's own. ``by_key``, each row is one entity key, and its day a group that it was put into.
    """

    days: list[date] = field(default_factory=list)
    rows: int = 0
    failed: int = 0
    day: list[np.ndarray] = field(default_factory=list)
    champion: list[np.ndarray] = field(default_factory=list)
    challenger: list[np.ndarray] = field(default_factory=list)
    groups: dict[str, list[np.ndarray]] = field(default_factory=dict)
    sample: "pa.RecordBatch | None" = None
    by_key: bool = False


def unseen(workspace: Workspace, pipeline: Pipeline, models: list[ModelVersion]) -> list[Partition]:
    """List the newest partitions that none of the models has seen and whose targets are known; of hours, their days.

    Where the rows are completed by an upstream's predictions, its champions have not seen them either.
    """
    last = source_last_day(workspace, pipeline)
    if pipeline.upstream and pipeline.training_rows:
        models = models + [workspace.registry.resolve(ref) for ref in workspace.pipeline(pipeline.upstream).model_refs]
    first = max(model.trained_through for model in models) + timedelta(days=1)
    known = timedelta(days=pipeline.target_days)
    if last is None or first > last - known:
        return []
    calendar = Calendar(pipeline.timezone, pipeline.measured_every)
    newest = calendar.last_complete(start_of_day(last - known + timedelta(days=1), pipeline.timezone))
    oldest = calendar.first_from(start_of_day(first, pipeline.timezone))
    return calendar.between(oldest, newest)[-MOST_PARTITIONS:] if oldest <= newest else []


def compare(
    workspace: Workspace,
    pipeline: Pipeline,
    challenger: ModelVersion,
    champion: ModelVersion | None,
    on: list[Partition],
    progress: Callable[[str], None] = lambda step: None,
) -> Compared:
    """Score the partitions by both models, each row that the challenger is for; only losses are kept, no prediction."""
    models = {model.version: workspace.registry.load(model) for model in (challenger, champion) if model}
    past = Past(workspace, pipeline, on[-1].last_day, to_learn=False)
    read = load_function(pipeline.training_rows) if pipeline.training_rows else Past.rows
    compared = Compared(days=[partition.first_day for partition in on])
    for number, table in enumerate(read_ahead(lambda part: read(past, part.first_day, part.last_day), on)):
        progress(f"comparing on {on[number].key}")
        for whole in _batches(table):
            _refuse_missing(pipeline, whole)
            rows = rows_of(pipeline, challenger.name, whole)
            if rows.num_rows:
                compare_rows(
                    compared, number, rows, pipeline, [(m, models[m.version]) for m in (challenger, champion) if m]
                )
    return compared


def compare_rows(
    compared: Compared, day: int, rows: "pa.RecordBatch", pipeline: Pipeline, models: list[tuple[ModelVersion, Any]]
) -> None:
    """Score rows of a day by both models, the challenger first, and keep their losses."""
    import pyarrow as pa

    for version, _ in models:
        _refuse_unlike(pipeline, version, rows.schema)
    predicted = [predictions(model, version, pipeline, rows) for version, model in models]
    target, classes = rows.column(str(pipeline.target)), tuple(pipeline.prediction.classes)
    actual = positions(target, classes) if classes else outcomes(target, pipeline.positive)
    compared.sample = compared.sample or models[0][0].signature.conform(rows.slice(0, 20))
    compared.rows += len(actual)
    compared.failed += int(np.isnan(predicted[0][:, 0]).sum())
    both = ~np.isnan(actual) & ~np.any([np.isnan(values[:, 0]) for values in predicted], axis=0)
    if not both.any() or pipeline.measures is None:
        return
    kept = np.flatnonzero(both)
    within = key_frame(rows.select(list(pipeline.entity_key[:-1] or pipeline.entity_key)).take(pa.array(kept)))
    units = [measured(pipeline.measures, actual[kept], values[kept], within) for values in predicted]
    losses = [unit.losses(PRIMARY[pipeline.measures]) for unit in units]
    compared.challenger.append(losses[0])
    compared.champion.append(losses[-1])
    compared.day.append(np.full(len(losses[0]), day))
    for group in pipeline.groups:
        values = (
            rows.column(group).take(pa.array(kept[units[0].positions])).cast("string").to_numpy(zero_copy_only=False)
        )
        compared.groups.setdefault(group, []).append(values)


def rows_of(pipeline: Pipeline, model: str, rows: "pa.RecordBatch") -> "pa.RecordBatch":
    """Return the rows that a model is for: those of its segments, and all where it is the fallback.

    Which rows will have to fall back, these do not say: it has to be good for any.
    """
    import pyarrow as pa

    served = pipeline.segments.served_by(model)
    if pipeline.segments.column is None or OTHER in served:
        return rows
    segments = [str(segment) for segment in served]
    return rows.filter(pa.array(routes_of(rows, pipeline.segments.column, segments) < len(segments)))


def predictions(model: Any, version: ModelVersion, pipeline: Pipeline, rows: "pa.RecordBatch") -> np.ndarray:
    """Score rows as a run does, each into the main value and further ones; of no number outside of the contract."""
    found = np.full((rows.num_rows, len(pipeline.prediction.columns)), np.nan)
    alone = SegmentModels.of(version)
    scoring = Scorer(pipeline, lambda version: model).scoring(alone, None, _not_kept, every_row=True)
    for scored in scoring.predictions([Chunk(rows, np.arange(rows.num_rows))]):
        found[scored.chunk.numbers] = np.column_stack([scored.values, *scored.further.values()])
    return found


def by_group(compared: Compared, group: str, least_rows: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each value of a group column and which of the losses are its; small groups are taken together."""
    codes, names = numbered(np.concatenate(compared.groups[group]))
    small = np.bincount(codes) < least_rows
    codes = np.where(small[codes], len(names), codes)
    for at in np.unique(codes):
        yield names[at] if at < len(names) else "(other)", codes == at


def read_ahead(read: "Callable[[Partition], pa.Table]", on: list[Partition]) -> "Iterator[pa.Table]":
    """Yield the rows of each partition in order, two further ones being read meanwhile: the database takes the time."""
    with ThreadPoolExecutor(_AHEAD) as pool:
        reading = deque(pool.submit(read, part) for part in on[:_AHEAD])
        for position in range(len(on)):
            rows = reading.popleft().result()
            if position + _AHEAD < len(on):
                reading.append(pool.submit(read, on[position + _AHEAD]))
            yield rows


def _batches(table: "pa.Table") -> "Iterator[pa.RecordBatch]":
    # A day is compared whole: what a ranking is within must not be cut.
    if table.num_rows:
        yield table.combine_chunks().to_batches()[0]


def _refuse_missing(pipeline: Pipeline, rows: "pa.RecordBatch") -> None:
    wanted = (str(pipeline.target), *pipeline.segments.columns, *pipeline.groups, *pipeline.entity_key)
    if missing := [name for name in wanted if name not in rows.schema.names]:
        raise ConfigurationError(
            f"{_given_by(pipeline)} gives no column {', '.join(missing)}.",
            next_step="mend the pipeline's target, its groups or training.sql; `training_rows` can complete its rows.",
            pipeline=pipeline.name,
        )


def _refuse_unlike(pipeline: Pipeline, version: ModelVersion, schema: "pa.Schema") -> None:
    given_by = _given_by(pipeline)
    if unlike := version.signature.unlike(schema, given_by):
        raise ConfigurationError(
            f"{version.name} version {version.version} {'; '.join(unlike)}: it cannot be held against another one.",
            next_step=f"have {given_by} give the columns of extract.sql, with the same names and types.",
            pipeline=pipeline.name,
        )


def _given_by(pipeline: Pipeline) -> str:
    return function_name(pipeline.training_rows) if pipeline.training_rows else "training.sql"


def _not_kept(rejected: Rejected) -> None:
    """Leave rows that fail out of the comparison; they are counted, and nothing is quarantined."""
