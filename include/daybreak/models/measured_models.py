"""Measured models: where each segment has its own, which model and version predicted which of a run's rows."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa

from daybreak.batch.routing import routes_of
from daybreak.declaration.segments import OTHER
from daybreak.ledger.segments import versions_of_run
from daybreak.ledger.tables import shadow_runs
from daybreak.warehouse.database import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

# What the rows of one of several models are measured by: no column of a query has such a name.
BY_MODEL = "(model)"

# Registered model and version that predicted a segment's rows; under None those of all other segments.
Predicting = dict[str | None, tuple[str, int]]


def predicting(warehouse: Warehouse, run_id: int, role: str) -> Predicting:
    """Return what predicted each segment's rows of a run: the champions, or in the shadow the challengers.

    A champion that stood in for a challenger that there was not is in both.
    """
    if role != "shadow":
        return versions_of_run(warehouse, run_id)
    with warehouse.begin() as connection:
        found = connection.scalar(sa.select(shadow_runs.c.models).where(shadow_runs.c.run_id == run_id)) or []
    return {segment: (name, version) for segment, name, version in found}


def each_model(rows: "pa.Table", column: str, models: Predicting) -> Iterator[tuple[str, int, np.ndarray]]:
    """Yield each model and version with the rows that it predicted; ``column`` says which segment a row is in.

    A model that predicted with two versions is left out: what is measured of it would be of neither.
    """
    segments = [segment for segment in models if segment is not OTHER]
    routes = np.concatenate([routes_of(batch, column, segments) for batch in rows.select([column]).to_batches()])
    for name in dict.fromkeys(name for name, _ in models.values()):
        versions = {version for other, version in models.values() if other == name}
        places = [place for place, segment in enumerate([*segments, OTHER]) if models.get(segment, ("",))[0] == name]
        predicted = np.isin(routes, places)
        if len(versions) == 1 and predicted.any():
            yield name, versions.pop(), predicted
