"""Train the recommendations: a model for each segment and one for all, held against the segment's favourites."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from daybreak.training import Candidate, Past, Search, Settings, Trained, Unseen, choose
from retail.customer_recommendations import NAME
from retail.customer_recommendations.ranking import best, popularity, starts
from retail.customer_segments import CUSTOMER_SEGMENTS
from retail.customer_segments.training import FEATURES as SEGMENT_FEATURES
from retail.segments import SEGMENTS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ONE_MODEL, PER_SEGMENT, FAVOURITES = "one model for all", "a model per segment", "the segment's favourites"
TARGET = "bought_next_7d"
CATEGORIES = ["product_category"]
NUMBERS = [
    "bought_days_7d",
    "bought_days_28d",
    "bought_days_90d",
    "days_since_bought",
    "days_between",
    "intervals_since_bought",
    "household_share_7d",
    "household_share_28d",
    "visit_days_28d",
    "visit_days_90d",
    "days_since_visit",
]
FITTED_WEEKS = HELD_OUT_WEEKS = 4
# One search for all models, by what is published: the lists that a model per segment makes. The rows lie a week apart:
# a fold is fitted on three days and measured on the one two weeks after them, and a search reads two weeks more.
SEARCH = Search(
    metric="precision_at_5",
    greater_is_better=True,
    settings=(
        {"max_iter": 60, "learning_rate": 0.1, "max_leaf_nodes": 15, "min_samples_leaf": 500},
        {"max_iter": 60, "learning_rate": 0.1, "max_leaf_nodes": 15, "min_samples_leaf": 100},
        {"max_iter": 60, "learning_rate": 0.1, "max_leaf_nodes": 31, "min_samples_leaf": 500},
        {"max_iter": 120, "learning_rate": 0.05, "max_leaf_nodes": 15, "min_samples_leaf": 500},
    ),
    folds=2,
    fit_days=16,
    validation_days=7,
    target_days=7,
)
WEEKS_TO_SEARCH = 2


def train(past: Past, progress: Callable[[str], None]) -> Mapping[str, Trained]:
    """Fit on four weeks of targets, measure on the four after them."""
    # A partition's target are the seven days after it: those of the last one read here end with last_day.
    border = past.last_day - timedelta(weeks=HELD_OUT_WEEKS)
    unseen = _rows(past, border, HELD_OUT_WEEKS, progress)
    first, earlier = border - timedelta(weeks=FITTED_WEEKS), WEEKS_TO_SEARCH if past.searching else 0
    rows = _rows(past, first - timedelta(weeks=earlier), FITTED_WEEKS + earlier, progress)
    chosen = choose(past, SEARCH, rows["day"].to_numpy(), partial(score, rows), progress)
    rows = rows[rows["day"] >= first] if earlier else rows
    progress(f"fitting {len(rows):,} rows, all together and segment by segment")
    one_model = fit(rows, chosen.settings)
    of_segment = {segment: rows[rows["segment"] == segment] for segment in SEGMENTS}
    models = {segment: fit(of_segment[segment], chosen.settings) for segment in SEGMENTS}
    progress(f"measuring on {len(unseen):,} rows")
    together = predict(one_model, unseen)
    own = together.copy()  # a household in no segment is ranked by the model of all
    for segment, model in models.items():
        inside = (unseen["segment"] == segment).to_numpy()
        own[inside] = predict(model, unseen[inside])
    lists = {
        PER_SEGMENT: best(unseen, own),
        ONE_MODEL: best(unseen, together),
        FAVOURITES: best(unseen, popularity(unseen)),
    }
    of, predicted = unseen["segment"].to_numpy(), {ONE_MODEL: together, PER_SEGMENT: own}
    inputs, actual = unseen[CATEGORIES + NUMBERS], unseen[TARGET].to_numpy()
    segments = past.workspace.registry.resolve(CUSTOMER_SEGMENTS.single_ref)

    def trained(model: Any, fitted: "pd.DataFrame", kind: str, mine: np.ndarray) -> Trained:
        wanted = mine[starts(unseen)]
        return Trained(
            model=model,
            sample=fitted[CATEGORIES + NUMBERS].head(100),
            # What the segments' model has seen, these have seen through it.
            trained_through=max(border, segments.trained_through),
            metrics=lists[kind].measured(wanted),
            baseline=lists[FAVOURITES].measured(wanted),
            greater_is_better=("precision_at_5", "map_at_5"),
            parameters={**chosen.settings, "rows": len(fitted), "segments_version": segments.version},
            candidates=(
                *chosen.trials,
                *(Candidate(name, found.measured(wanted), chosen=name == kind) for name, found in lists.items()),
            ),
            searched=chosen.searched,
            unseen=Unseen(
                inputs if mine.all() else inputs[mine],
                actual[mine],
                predicted[kind][mine],
                kept=lists[kind].listed[mine],
            ),
        )

    return {NAME: trained(one_model, rows, ONE_MODEL, np.full(len(unseen), True))} | {
        f"{NAME}_{segment}": trained(model, of_segment[segment], PER_SEGMENT, of == segment)
        for segment, model in models.items()
    }


def score(rows: "pd.DataFrame", settings: Settings, fitted: np.ndarray, measured: np.ndarray) -> float:
    """Return precision@5 on some rows of models per segment that were fitted on others."""
    seen, unseen = rows.iloc[fitted], rows.iloc[measured]
    scores = np.zeros(len(unseen))  # a household in no segment has the first five of its candidates, in every trial
    for segment in SEGMENTS:
        inside = (unseen["segment"] == segment).to_numpy()
        scores[inside] = predict(fit(seen[seen["segment"] == segment], settings), unseen[inside])
    return float(best(unseen, scores).precision.mean())


def fit(rows: "pd.DataFrame", settings: Settings = SEARCH.settings[0]) -> Any:
    """Fit a scikit-learn pipeline; boosting with log loss on this many rows comes out calibrated."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import TargetEncoder

    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = make_pipeline(
        make_column_transformer((TargetEncoder(target_type="binary", cv=folds), CATEGORIES), ("passthrough", NUMBERS)),
        HistGradientBoostingClassifier(early_stopping=False, random_state=0, **settings),
    )
    return model.fit(rows[CATEGORIES + NUMBERS], rows[TARGET])


def predict(model: Any, rows: "pd.DataFrame") -> np.ndarray:
    """Return the probability that each candidate is bought."""
    probability: np.ndarray = model.predict_proba(rows[CATEGORIES + NUMBERS])[:, 1]
    return probability


def training_rows(past: Past, first: date, last: date) -> "pa.Table":
    """Read partitions, seven days apart, with the segments that the champion gives their households."""
    import pyarrow as pa

    rows = past.rows(first, last)
    households = past.rows(first, last, pipeline=CUSTOMER_SEGMENTS.name).to_pandas()
    labels = past.champion(CUSTOMER_SEGMENTS.name).predict(households[SEGMENT_FEATURES])
    households["segment"] = np.array(SEGMENTS)[labels]
    known, of = households[["day", "household_id", "segment"]], ["day", "household_id"]
    found = rows.select(of).to_pandas().merge(known, on=of, how="left", validate="many_to_one")["segment"]
    return rows.append_column("segment", pa.array(found, pa.string(), from_pandas=True))


def _rows(past: Past, first: date, weeks: int, progress: Callable[[str], None]) -> "pd.DataFrame":
    last = first + timedelta(weeks=weeks - 1)
    progress(f"reading {first} to {last}, one day a week")
    found: pd.DataFrame = training_rows(past, first, last).to_pandas()
    return found
