"""How good lists of recommendations are: what of the best five was bought, and whether it stood at the top."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

LENGTH = 5


@dataclass(frozen=True)
class Lists:
    """Two measures of each list, in the order of the rows' days and households; ``listed`` marks the rows in a list."""

    precision: np.ndarray
    average_precision: np.ndarray
    listed: np.ndarray

    def measured(self, wanted: np.ndarray, prefix: str = "") -> dict[str, float]:
        """Return precision@5 and MAP@5 over the wanted lists."""
        return {
            f"{prefix}precision_at_5": float(self.precision[wanted].mean()),
            f"{prefix}map_at_5": float(self.average_precision[wanted].mean()),
        }


def best(rows: "pd.DataFrame", scores: np.ndarray) -> Lists:
    """Measure each household's five highest scores on each day.

    Rows come in the order of day, household and category, which decides between equal scores. Average precision is
    divided by what a list could have held at most: five, or all the categories that the household bought. A household
    that bought nothing has 0 in both.
    """
    lists = starts(rows)
    group = np.cumsum(lists) - 1
    order = np.lexsort((-scores, group))
    rank = np.arange(len(rows)) - np.flatnonzero(lists)[group]
    chosen = order[rank < LENGTH]
    of, place = group[chosen], rank[rank < LENGTH]
    bought = rows["bought_next_7d"].to_numpy()[chosen].astype(np.float64)
    hits = np.zeros((group[-1] + 1, LENGTH))
    hits[of, place] = bought
    precision_at = hits.cumsum(axis=1) / np.arange(1, LENGTH + 1)
    possible = np.clip(rows["categories_next_7d"].to_numpy()[lists], 1, LENGTH)
    listed = np.zeros(len(rows), dtype=bool)
    listed[chosen] = True
    return Lists(hits.sum(axis=1) / LENGTH, (precision_at * hits).sum(axis=1) / possible, listed)


def starts(rows: "pd.DataFrame") -> np.ndarray:
    """Mark the first row of each household on each day."""
    households, days = rows["household_id"].to_numpy(), rows["day"].to_numpy()
    marked: np.ndarray = np.r_[True, (households[1:] != households[:-1]) | (days[1:] != days[:-1])]
    return marked


def popularity(rows: "pd.DataFrame") -> np.ndarray:
    """Score each candidate by how many households of the same segment bought in its category in the last 28 days."""
    bought = (rows["bought_days_28d"] > 0).astype(np.int64)
    counted = bought.groupby([rows["day"], rows["segment"], rows["product_category"]], dropna=False).transform("sum")
    return counted.to_numpy(np.float64)
