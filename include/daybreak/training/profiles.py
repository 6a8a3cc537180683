"""Profiles: how the columns of a model's held-out rows are spread, kept beside its version."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError
from daybreak.ledger.tables import training_profiles
from daybreak.warehouse.database import Warehouse

if TYPE_CHECKING:
    import pandas as pd

    from daybreak.models.version import ModelVersion
    from daybreak.training.trained import Unseen

BINS = 10
# Texts beyond so many different ones are an entity key or a note, whose spread says nothing.
MOST_VALUES = 100


def profile(values: "pd.Series[Any]") -> dict[str, Any] | None:
    """Describe a column as Great Expectations takes it; None for one that has nothing to be compared.

    Numbers by bins that hold about a tenth of the rows each, and few whole numbers, like texts, by their values.
    """
    import numpy as np
    import pandas as pd

    present = values.dropna()
    if present.empty:
        return None
    whole = not pd.api.types.is_numeric_dtype(present) or pd.api.types.is_bool_dtype(present)
    if whole:
        shares = present.astype(str).value_counts(normalize=True).sort_index()
        if len(shares) > MOST_VALUES:
            return None
        return {"values": shares.index.tolist(), "weights": shares.tolist()}
    numbers = present.to_numpy(dtype=np.float64)
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, BINS + 1)))
    if len(edges) < 2:
        edges = np.array([edges[0] - 0.5, edges[0] + 0.5])
    weights = np.histogram(numbers, edges)[0] / len(numbers)
    return {"bins": edges.tolist(), "weights": weights.tolist()}


def keep_profiles(
    warehouse: Warehouse, model: str, version: int, columns: "Mapping[str, pd.Series[Any]] | pd.DataFrame"
) -> int:
    """Keep the profile of each column that has one; return how many."""
    rows = [
        {"model_name": model, "model_version": version, "column_name": str(name), "profile": found}
        for name, found in ((name, profile(values)) for name, values in columns.items())
        if found is not None
    ]
    if rows:
        with warehouse.begin() as connection:
            connection.execute(training_profiles.insert(), rows)
    return len(rows)


def keep_watched(warehouse: Warehouse, pipeline: Pipeline, version: "ModelVersion", unseen: "Unseen") -> int:
    """Keep the profiles of what a pipeline declares under ``retrain``, and of its prediction."""
    if pipeline.retrain is None:
        return 0
    columns = {column: unseen.inputs[column] for column in pipeline.retrain.features}
    columns[pipeline.prediction.column] = as_published(pipeline, unseen)
    return keep_profiles(warehouse, version.name, version.version, columns)


def as_published(pipeline: Pipeline, unseen: "Unseen") -> "pd.Series[Any]":
    """Return the predictions of held-out rows as they would be published."""
    import numpy as np
    import pandas as pd

    values = unseen.predicted if unseen.kept is None else unseen.predicted[unseen.kept]
    texts = pipeline.prediction.texts
    return pd.Series(np.array(texts)[np.asarray(values, dtype=np.int64)] if texts else values)


def refuse_unknown_features(pipeline: Pipeline, unseen: "Unseen") -> None:
    """Refuse to watch a feature that the model does not take: it would have no profile, and nobody would notice."""
    watched = pipeline.retrain.features if pipeline.retrain else ()
    if unknown := [name for name in watched if name not in unseen.inputs]:
        raise ConfigurationError(
            f"{pipeline.name} declares drift of {', '.join(unknown)}, which its model does not take.",
            next_step=f"choose from {', '.join(map(str, unseen.inputs))}.",
            pipeline=pipeline.name,
        )


def read_profiles(warehouse: Warehouse, model: str, version: int) -> dict[str, dict[str, Any]]:
    """Return the profiles of a version by column."""
    wanted = sa.select(training_profiles.c.column_name, training_profiles.c.profile).where(
        training_profiles.c.model_name == model, training_profiles.c.model_version == version
    )
    with warehouse.begin() as connection:
        return dict(connection.execute(wanted).tuples().all())
