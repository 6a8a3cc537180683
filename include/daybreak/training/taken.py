"""Taken: which columns of a sample a model takes, and in which form."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from daybreak.batch.signature import CATEGORY, Signature
from daybreak.errors import SourceRefused
from daybreak.models.answering import Answering

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

# What columns are called by who was given none of their names.
_NUMBERED = re.compile(r"(Column_)?\d+")
_SHOWN = 50


def features(model: Any, sample: "pa.Table", unnamed: Sequence[str]) -> "pa.RecordBatch":
    """Return the columns of a sample that a model takes, in its order, as a run gives them.

    ``unnamed`` are the columns where the model names none. Raises SourceRefused where one is not there, or there are
    more or fewer than it takes.
    """
    names = _named(model) or list(unnamed)
    if missing := [name for name in names if name not in sample.column_names]:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise SourceRefused(
            f"The sample lacks {', '.join(missing[:_SHOWN])}{more}, which the model takes.",
            next_step="give rows with every column that it was fitted on, under the same names.",
        )
    # CatBoost knows none of a model that it has loaded.
    wanted = getattr(model, "n_features_in_", 0) or len(names)
    if wanted != len(names):
        raise SourceRefused(
            f"The model takes {wanted} columns and does not say which; the sample has {len(names)} besides its key.",
            next_step="give a sample with just the columns that it was fitted on, in their order, besides the key.",
        )
    [batch] = sample.select(names).combine_chunks().to_batches()
    return Signature(tuple((name, "") for name in names)).conform(batch)


def scored(model: Any, answering: Answering, rows: "pa.RecordBatch") -> "tuple[pa.RecordBatch, np.ndarray]":
    """Score rows; return them as the model takes them, with what it makes of them.

    Where it does not take their texts as such, it may take them as categories. Raises whatever the model raises.
    """
    import pyarrow as pa

    try:
        return rows, answering.values(model, rows.to_pandas())
    except Exception:
        texts = [
            field.name
            for field in rows.schema
            if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
        ]
        if not texts:
            raise
        kinds = tuple((name, CATEGORY if name in texts else "") for name in rows.schema.names)
        taken = Signature(kinds).conform(rows)
        return taken, answering.values(model, taken.to_pandas())


def _named(model: Any) -> list[str]:
    # CatBoost has a name of its own for them.
    known = getattr(model, "feature_names_in_", None)
    names = [str(name) for name in (getattr(model, "feature_names_", None) or [] if known is None else known)]
    return [] if all(_NUMBERED.fullmatch(name) for name in names) else names
