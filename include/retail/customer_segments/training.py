"""Train the customer segments: k-means on logarithms, its centres in a fixed order, so that labels keep their meaning.

Silhouette, printed and logged for two to eight segments, leaves a choice. Two are furthest apart: households that come
often, and the rest, which is too coarse to choose a model by. Three and four are nearly level, from five on it falls
off: there are four.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from daybreak.candidates import Candidate
from daybreak.train import Past, Trained, Unseen
from retail.customer_segments import SEGMENTS

if TYPE_CHECKING:
    import pandas as pd

FEATURES = [
    "days_since_last_purchase",
    "baskets_90d",
    "spend_90d",
    "lines_per_basket_90d",
    "discount_share_90d",
    "departments_90d",
]
WINDOW_DAYS = 91
HELD_OUT_DAYS = 28
COMPARED = range(2, 9)


def train(past: Past, progress: Callable[[str], None]) -> Trained:
    """Fit on every seventh day of a quarter that ends before the held-out four weeks."""
    last = past.last_day - timedelta(days=HELD_OUT_DAYS)
    first = last - timedelta(days=WINDOW_DAYS)
    progress(f"reading {first} to {last}")
    rows = past.rows(first, last).select(FEATURES).to_pandas()
    progress(f"fitting {len(rows):,} rows")
    model = fit(rows)
    unseen = past.rows(past.last_day, past.last_day).select(FEATURES).to_pandas()
    found = {k: silhouette(model, unseen, fit(rows, k).predict(unseen)) for k in COMPARED}
    # What the segments have to beat: as many of equal size, by spending alone.
    borders = rows["spend_90d"].quantile(np.arange(1, len(SEGMENTS)) / len(SEGMENTS))
    return Trained(
        model=model,
        sample=rows.head(100),
        trained_through=last,
        metrics={"silhouette": found[len(SEGMENTS)]},
        baseline={"silhouette": silhouette(model, unseen, np.digitize(unseen["spend_90d"], borders))},
        greater_is_better=("silhouette",),
        parameters={"segments": len(SEGMENTS), "rows": len(rows), "first_day": first, "last_day": last},
        candidates=tuple(
            Candidate(f"{k} segments", {"silhouette": value}, {"segments": k}, chosen=k == len(SEGMENTS))
            for k, value in found.items()
        ),
        unseen=Unseen(unseen, None, model.predict(unseen)),
    )


def fit(rows: "pd.DataFrame", segments: int = len(SEGMENTS), seed: int = 0) -> Any:
    """Fit a scikit-learn pipeline whose label i is always the i-th segment."""
    from sklearn.cluster import KMeans
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

    # Spending and visits spread over three orders of magnitude; without logarithms a few large households are the
    # segments. Scaled to equal ranges, weeks and seeds agree on the segments; to equal deviations they do not.
    model = make_pipeline(
        FunctionTransformer(np.log1p, feature_names_out="one-to-one"),
        MinMaxScaler(),
        KMeans(segments, n_init=10, random_state=seed),
    )
    model.fit(rows[FEATURES])
    put_in_order(model[-1])
    return model


def put_in_order(kmeans: Any) -> None:
    """Number the segments by their centres' days since the last purchase, the fewest first."""
    order = kmeans.cluster_centers_[:, FEATURES.index("days_since_last_purchase")].argsort()
    kmeans.cluster_centers_ = kmeans.cluster_centers_[order]
    kmeans.labels_ = order.argsort().astype(kmeans.labels_.dtype)[kmeans.labels_]


def silhouette(model: Any, rows: "pd.DataFrame", labels: "np.ndarray") -> float:
    """Return the mean silhouette of labels, in the space that the model measures distances in."""
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(model[:-1].transform(rows[FEATURES]), labels))
