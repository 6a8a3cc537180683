"""Actuals: what really happened for a partition, joined with what was predicted for it, in Arrow."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from daybreak.declaration.partition import Partition
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError, SourceRefused
from daybreak.run.plan import query_binds
from daybreak.sources.queries import Queries
from daybreak.training.outcomes import positions

if TYPE_CHECKING:
    import pyarrow as pa

ACTUAL = "actual"


@dataclass(frozen=True)
class Joined:
    """The predictions whose actual is known; ``predictions`` is how many there were.

    ``answers`` are rows of a prediction's main value and further ones. Where all classes are predicted, it and the
    actual are positions of a class, the actual -1 for one that is not among them.
    """

    rows: "pa.Table"
    actual: np.ndarray
    answers: np.ndarray
    predictions: int

    @property
    def predicted(self) -> np.ndarray:
        """The main values."""
        return np.asarray(self.answers[:, 0])


def read_actuals(queries: Queries, pipeline: Pipeline, partition: Partition) -> "pa.Table":
    """Read actuals.sql for a partition: the rows whose actual is known by now."""
    if not queries.has("actuals"):
        raise ConfigurationError(
            f"There is no sql/{pipeline.name}/actuals.sql.",
            next_step="write it: one row per entity key, with what happened in the column actual.",
            pipeline=pipeline.name,
        )
    binds = query_binds(partition)
    queries.check("actuals", binds)
    with queries.stream("actuals", binds) as (_, reader):
        found = reader.read_all()
    if missing := [name for name in (*pipeline.entity_key, ACTUAL) if name not in found.column_names]:
        raise ConfigurationError(
            f"actuals.sql gives no column {', '.join(missing)}.", next_step="mend it.", pipeline=pipeline.name
        )
    known = found.filter(found[ACTUAL].is_valid())
    keys = known.group_by(list(pipeline.entity_key)).aggregate([]).num_rows
    if keys != known.num_rows:
        raise SourceRefused(
            f"actuals.sql gives {known.num_rows - keys:,} entity keys more than once.",
            next_step="give each entity key one row.",
            pipeline=pipeline.name,
            partition=partition.key,
        )
    return known


def same_rows(pipeline: Pipeline, predicted: "pa.Table", shadow: "pa.Table") -> "tuple[pa.Table, pa.Table]":
    """Keep of what the champion and the challenger predicted the rows that both have.

    Of a pipeline with a top these are the groups that both have a list for: the lists themselves name what they name.
    """
    keys, columns = list(pipeline.entity_key), list(pipeline.prediction.columns)
    if pipeline.top:
        within = list(pipeline.top.within)
        both = predicted.join(shadow, within, join_type="left semi")
        return both, shadow.join(predicted, within, join_type="left semi")
    others = [f"shadow {column}" for column in columns]
    both = predicted.join(shadow.select([*keys, *columns]).rename_columns([*keys, *others]), keys, join_type="inner")
    own = [name for name in both.column_names if name not in (*columns, *others)]
    return both.drop_columns(others), both.select([*own, *others]).rename_columns([*own, *columns])


def join_actuals(pipeline: Pipeline, predicted: "pa.Table", actuals: "pa.Table") -> Joined | None:
    """Join predictions with actuals by entity key; None where none of them is known.

    A ranking names few of many candidates: what is not among the actuals was not chosen.
    """
    keys, prediction = list(pipeline.entity_key), pipeline.prediction
    if not actuals.num_rows or not predicted.num_rows:
        return None
    more = [name for name in actuals.column_names if name not in predicted.column_names]
    known = actuals.select([*keys, *more])
    for name in keys:
        kind = predicted.schema.field(name).type
        known = known.set_column(known.column_names.index(name), name, known[name].cast(kind))
    joined = predicted.join(known, keys, join_type="left outer" if pipeline.measures == "ranking" else "inner")
    if not joined.num_rows:
        return None
    further = [_numbers(joined[name]) for name in prediction.further]
    if prediction.classes:
        actual = positions(joined[ACTUAL], tuple(prediction.classes))
        values = positions(joined[prediction.column], prediction.texts)
    else:
        actual, values = _numbers(joined[ACTUAL], 0.0), _numbers(joined[prediction.column])
    return Joined(joined, actual, np.column_stack([values, *further]), predicted.num_rows)


def _numbers(column: Any, empty: float | None = None) -> np.ndarray:
    import pyarrow as pa

    filled = column.cast(pa.float64()) if empty is None else column.cast(pa.float64()).fill_null(empty)
    return np.asarray(filled.to_numpy())
