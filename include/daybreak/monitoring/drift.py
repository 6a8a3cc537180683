"""Drift: whether a run's features and predictions are spread as on the held-out days of the model's training.

Judged by Great Expectations' KL-divergence expectation against the distributions that were kept when it was trained.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from daybreak.declaration.pipeline import Retrain
from daybreak.ledger.tables import drift
from daybreak.run.expectations import read_suite
from daybreak.run.judge import Judge, quiet_great_expectations
from daybreak.warehouse.database import Warehouse

if TYPE_CHECKING:
    import pandas as pd

# A bin or a tail that is empty on one side would make the divergence infinite.
_HOLDOUT = 1e-4
# Of n rows in ten bins, chance alone makes a divergence of about 9/(2n): of fewer it says little. Nor may anything be
# told of a few predictions that are kept nowhere.
LEAST_ROWS = 100


@dataclass(frozen=True)
class Drift:
    """How far one column is off; ``divergence`` is None where it is infinite.

    ``shares`` are those of the rows in each bin or value of the profile, which add up to less than one where values lie
    outside of them all. ``segment`` is the one whose rows they are, None where one model scores all.
    """

    column: str
    divergence: float | None
    threshold: float
    drifted: bool
    rows: int
    segment: str | None = None
    model_version: int | None = None
    shares: tuple[float, ...] = ()

    def __str__(self) -> str:
        found = "infinite" if self.divergence is None else f"{self.divergence:.3f}"
        of = "" if self.segment is None else f" of segment '{self.segment}'"
        return f"{self.column}{of} is spread unlike in training (divergence {found}, {self.threshold:g} is allowed)"


def judge_drift(columns: "pd.DataFrame", profiles: dict[str, dict[str, Any]], retrain: Retrain) -> list[Drift]:
    """Compare each column that has a profile with it."""
    compared = [name for name in columns if name in profiles]
    if not compared:
        return []
    quiet_great_expectations()
    import great_expectations as gx
    import great_expectations.expectations as gxe

    frame = columns[compared].copy()
    for name in compared:
        if "values" in profiles[name]:
            present = frame[name].notna()
            frame[name] = frame[name].astype(str).where(present)
    suite = gx.ExpectationSuite(
        name="drift",
        expectations=[
            gxe.ExpectColumnKLDivergenceToBeLessThan(
                column=name,
                partition_object=profiles[name],
                threshold=retrain.divergence,
                tail_weight_holdout=_HOLDOUT,
                # Values that are counted one by one have no bins that could be empty.
                internal_weight_holdout=_HOLDOUT if "bins" in profiles[name] else 0,
            )
            for name in compared
        ],
    )
    found = []
    for name, judgement in zip(compared, Judge().judge(frame, read_suite(suite).declared), strict=True):
        # What cannot be judged is drift: a column of nothing but nulls fails open otherwise.
        judged = judgement.exception is None and isinstance(judgement.observed, int | float)
        divergence = float(judgement.observed) if judged else None
        drifted = divergence is None or divergence > retrain.divergence
        present = frame[name].dropna()
        shares = shares_of(present, profiles[name])
        found.append(Drift(name, divergence, retrain.divergence, drifted, len(present), shares=shares))
    return found


def shares_of(present: "pd.Series[Any]", profile: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the share of values in each bin or value of a profile; nothing of no values."""
    import numpy as np
    import pandas as pd

    if present.empty:
        return ()
    if "values" in profile:
        counts = present.value_counts().reindex(profile["values"], fill_value=0).to_numpy()
    else:
        numbers = pd.to_numeric(present, errors="coerce").to_numpy(dtype=np.float64)
        counts = np.histogram(numbers[np.isfinite(numbers)], profile["bins"])[0]
    return tuple((counts / len(present)).tolist())


def record_drift(warehouse: Warehouse, pipeline: str, run: Mapping[str, Any], found: list[Drift]) -> None:
    """Write down how far each column of a run is off, in the place of what an earlier measurement said."""
    for one in found:
        values = {
            "pipeline": pipeline,
            "partition_key": run["partition_key"],
            "partition_date": run["partition_date"],
            "model_version": one.model_version,
            "divergence": one.divergence,
            "threshold": one.threshold,
            "drifted": one.drifted,
            "rows": one.rows,
            "shares": list(one.shares) or None,
            "measured_at": sa.func.clock_timestamp(),
        }
        statement = insert(drift).values(run_id=run["run_id"], segment=one.segment, column_name=one.column, **values)
        key = "one_row_per_run_segment_and_column"
        with warehouse.begin() as connection:
            connection.execute(statement.on_conflict_do_update(constraint=key, set_=values))
