"""Train the daily promotions: the probability that a product sells tomorrow, held against its 28-day base rate."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from daybreak.training import Past, Search, Settings, Trained, Unseen, choose, held_out

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TARGET = "sells_tomorrow"
CATEGORIES = ["department", "product_category", "brand"]
NUMBERS = [
    "weekday",
    "units_1d_back",
    "units_7d",
    "units_28d",
    "sale_days_7d",
    "sale_days_14d",
    "sale_days_28d",
    "sale_days_same_weekday",
    "mean_stores_28d",
    "days_since_last_sale",
    "discount_share_28d",
    "average_price_28d",
]
WINDOW_DAYS = 56
SEARCH = Search(
    metric="log_loss",
    settings=(
        {"max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 31, "min_samples_leaf": 200},
        {"max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 15, "min_samples_leaf": 200},
        {"max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 31, "min_samples_leaf": 1_000},
        {"max_iter": 200, "learning_rate": 0.05, "max_leaf_nodes": 31, "min_samples_leaf": 200},
    ),
)


def train(past: Past, progress: Callable[[str], None], window_days: int = WINDOW_DAYS) -> Trained:
    """Fit on eight weeks, or other days, that end before the held-out four weeks."""
    held_out_first, held_out_last = held_out(past.last_day)
    last = held_out_first - timedelta(days=1)
    first = last - timedelta(days=window_days - 1)
    progress(f"reading {first} to {last}")
    rows = past.rows(first, last).select(["day", *CATEGORIES, *NUMBERS, TARGET]).to_pandas()
    chosen = choose(past, SEARCH, rows["day"].to_numpy(), partial(score, rows), progress)
    progress(f"fitting {len(rows):,} rows")
    model = build(chosen.settings)
    model.fit(rows[CATEGORIES + NUMBERS], rows[TARGET])
    progress(f"measuring on {held_out_first} to {held_out_last}")
    unseen = past.rows(held_out_first, held_out_last).select([*CATEGORIES, *NUMBERS, TARGET]).to_pandas()
    actual = unseen[TARGET].to_numpy()
    predicted = model.predict_proba(unseen[CATEGORIES + NUMBERS])[:, 1]
    # Half a day in 28 on either side: a certainty that fails would cost an infinite log loss.
    base_rate = (unseen["sale_days_28d"] / 28).clip(0.5 / 28, 1 - 0.5 / 28).to_numpy()
    return Trained(
        model=model,
        sample=rows[CATEGORIES + NUMBERS].head(100),
        trained_through=held_out_first,
        metrics={**measure(actual, predicted), "calibration_error": calibration_error(actual, predicted)},
        baseline=measure(actual, base_rate),
        parameters={**chosen.settings, "rows": len(rows), "first_day": first, "last_day": last},
        score_profile=profile(predicted),
        candidates=chosen.trials,
        searched=chosen.searched,
        unseen=Unseen(unseen[CATEGORIES + NUMBERS], actual, predicted),
    )


def score(rows: "pd.DataFrame", settings: Settings, fitted: "np.ndarray", measured: "np.ndarray") -> float:
    """Return the log loss on some rows of a model that was fitted on others."""
    features = rows[CATEGORIES + NUMBERS]
    model = build(settings).fit(features.iloc[fitted], rows[TARGET].iloc[fitted])
    return measure(rows[TARGET].to_numpy()[measured], model.predict_proba(features.iloc[measured])[:, 1])[SEARCH.metric]


def build(settings: Settings = SEARCH.settings[0]) -> Any:
    """Build the unfitted scikit-learn pipeline; boosting with log loss on this many rows comes out calibrated."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import TargetEncoder

    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return make_pipeline(
        make_column_transformer((TargetEncoder(target_type="binary", cv=folds), CATEGORIES), ("passthrough", NUMBERS)),
        HistGradientBoostingClassifier(early_stopping=False, random_state=0, **settings),
    )


def measure(actual: "np.ndarray", predicted: "np.ndarray") -> dict[str, float]:
    """Return log loss in nats and Brier score."""
    from sklearn.metrics import brier_score_loss, log_loss

    return {
        "log_loss": float(log_loss(actual, predicted)),
        "brier_score": float(brier_score_loss(actual, predicted)),
    }


def reliability(actual: "np.ndarray", predicted: "np.ndarray", bins: int = 10) -> list[tuple[int, float, float]]:
    """Return rows, mean prediction and observed share of equally many predictions at a time, the lowest first."""
    import numpy as np

    order = np.argsort(predicted, kind="stable")
    parts = zip(np.array_split(predicted[order], bins), np.array_split(actual[order], bins), strict=True)
    return [(len(p), float(p.mean()), float(a.mean())) for p, a in parts]


def calibration_error(actual: "np.ndarray", predicted: "np.ndarray", bins: int = 10) -> float:
    """Return the expected calibration error: the mean gap between predicted and observed share, over equal bins."""
    return sum(rows * abs(p - a) for rows, p, a in reliability(actual, predicted, bins)) / len(actual)


def profile(predicted: "np.ndarray", bins: int = 10) -> dict[str, list[float]]:
    """Describe the spread of the scores by bins of equal weight, as Great Expectations takes it."""
    import numpy as np

    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, bins + 1)))
    weights = np.histogram(predicted, edges)[0] / len(predicted)
    return {"bins": edges.tolist(), "weights": weights.tolist()}
