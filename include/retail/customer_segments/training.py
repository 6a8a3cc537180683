"""Train the customer segments: k-means on logarithms, its centres in a fixed order, so that labels keep their meaning.

Silhouette, printed and logged for two to eight segments, leaves a choice. Two are furthest apart: households that come
often, and the rest, which is too coarse to choose a model by. Three and four are nearly level, from five on it falls
off: there are four.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from daybreak.training import Candidate, Past, Search, Settings, Trained, Unseen, choose, silhouettes
from retail.segments import SEGMENTS

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
SCALED = 2  # the first steps of a model, before it measures distances
# How far back to look, and where k-means begins. There are four names, so their number is not searched. The rows lie a
# week apart, and a search reads three weeks more: each fold is fitted on a quarter and measured a week later.
WEEKS_TO_SEARCH = 3
SEARCH = Search(
    metric="silhouette",
    greater_is_better=True,
    settings=(
        {"weeks": 14, "seed": 0},
        {"weeks": 14, "seed": 1},
        {"weeks": 5, "seed": 0},
        {"weeks": 5, "seed": 1},
    ),
    folds=WEEKS_TO_SEARCH,
    fit_days=WINDOW_DAYS + 1,
    validation_days=7,
    target_days=0,
)


def train(past: Past, progress: Callable[[str], None]) -> Trained:
    """Fit on every seventh day of a quarter that ends before the held-out four weeks."""
    last = past.last_day - timedelta(days=HELD_OUT_DAYS)
    first = last - timedelta(days=WINDOW_DAYS + (7 * WEEKS_TO_SEARCH if past.searching else 0))
    progress(f"reading {first} to {last}")
    rows = past.rows(first, last).select(["day", *FEATURES]).to_pandas()
    chosen = choose(past, SEARCH, rows["day"].to_numpy(), partial(score, rows), progress)
    settings, rows = chosen.settings, newest(rows, chosen.settings["weeks"])
    progress(f"fitting {len(rows):,} rows")
    model = fit(rows, seed=settings["seed"])
    unseen = past.rows(past.last_day, past.last_day).select(FEATURES).to_pandas()
    labels = model.predict(unseen)
    found = {k: silhouette(model, unseen, fit(rows, k, settings["seed"]).predict(unseen)) for k in COMPARED}
    # What the segments have to beat: as many of equal size, by spending alone.
    borders = rows["spend_90d"].quantile(np.arange(1, len(SEGMENTS)) / len(SEGMENTS))
    return Trained(
        model=model,
        sample=rows[FEATURES].head(100),
        trained_through=last,
        metrics={"silhouette": found[len(SEGMENTS)]},
        baseline={"silhouette": silhouette(model, unseen, np.digitize(unseen["spend_90d"], borders))},
        greater_is_better=("silhouette",),
        parameters={
            "segments": len(SEGMENTS),
            **settings,
            "rows": len(rows),
            "first_day": rows["day"].min(),
            "last_day": last,
        },
        candidates=(
            *chosen.trials,
            *(
                Candidate(f"{k} segments", {"silhouette": value}, {"segments": k}, chosen=k == len(SEGMENTS))
                for k, value in found.items()
            ),
        ),
        searched=chosen.searched,
        unseen=Unseen(unseen, None, labels),
        pictures={"silhouettes.png": silhouettes(silhouettes_of(model, unseen, labels), labels, list(SEGMENTS))},
    )


def score(rows: "pd.DataFrame", settings: Settings, fitted: np.ndarray, measured: np.ndarray) -> float:
    """Return the silhouette on some rows of segments that were found in others."""
    model, unseen = fit(newest(rows.iloc[fitted], settings["weeks"]), seed=settings["seed"]), rows.iloc[measured]
    # One space for all trials: each model's own is scaled by what it was fitted on.
    return silhouette(scaled().fit(rows[FEATURES]), unseen, model.predict(unseen[FEATURES]))


def newest(rows: "pd.DataFrame", weeks: int) -> "pd.DataFrame":
    """Return the rows of the last weeks, which have one day each."""
    newest_days: pd.DataFrame = rows[rows["day"] > rows["day"].max() - timedelta(weeks=weeks)]
    return newest_days


def fit(rows: "pd.DataFrame", segments: int = len(SEGMENTS), seed: int = 0) -> Any:
    """Fit a scikit-learn pipeline whose label i is always the i-th segment."""
    from sklearn.cluster import KMeans
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(*scaled(), KMeans(segments, n_init=10, random_state=seed))
    model.fit(rows[FEATURES])
    put_in_order(model[-1])
    return model


def scaled() -> Any:
    """Build the unfitted steps that make the space in which distances are measured."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

    # Spending and visits spread over three orders of magnitude; without logarithms a few large households are the
    # segments. Scaled to equal ranges, weeks and seeds agree on the segments; to equal deviations they do not.
    return make_pipeline(FunctionTransformer(np.log1p, feature_names_out="one-to-one"), MinMaxScaler())


def put_in_order(kmeans: Any) -> None:
    """Number the segments by their centres' days since the last purchase, the fewest first."""
    order = kmeans.cluster_centers_[:, FEATURES.index("days_since_last_purchase")].argsort()
    kmeans.cluster_centers_ = kmeans.cluster_centers_[order]
    kmeans.labels_ = order.argsort().astype(kmeans.labels_.dtype)[kmeans.labels_]


def silhouette(model: Any, rows: "pd.DataFrame", labels: "np.ndarray") -> float:
    """Return the mean silhouette of labels, in the space that the model measures distances in."""
    return float(silhouettes_of(model, rows, labels).mean())


def silhouettes_of(model: Any, rows: "pd.DataFrame", labels: "np.ndarray") -> "np.ndarray":
    """Return each row's silhouette: from -1 to 1, how much nearer its own segment is than the next."""
    from sklearn.metrics import silhouette_samples

    found: np.ndarray = silhouette_samples(model[:SCALED].transform(rows[FEATURES]), labels)
    return found
