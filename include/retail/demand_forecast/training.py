"""Train the demand forecast: gradient boosting with Poisson loss, held against the mean of the last 28 days."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from daybreak.training import Past, Search, Settings, Trained, Unseen, choose, held_out

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TARGET = "units_tomorrow"
CATEGORIES = ["store_id", "product_category"]
NUMBERS = [
    "weekday",
    "units_1d_back",
    "units_7d_back",
    "units_14d_back",
    "units_28d_back",
    "mean_units_7d",
    "mean_units_14d",
    "mean_units_28d",
    "sale_days_7d",
    "sale_days_14d",
    "sale_days_28d",
    "days_since_last_sale",
    "discount_share_28d",
    "average_price_28d",
]
WINDOW_DAYS = 84
SEARCH = Search(
    metric="poisson_deviance",
    settings=(
        {"max_iter": 120, "learning_rate": 0.08, "max_leaf_nodes": 31, "min_samples_leaf": 200},
        {"max_iter": 120, "learning_rate": 0.08, "max_leaf_nodes": 15, "min_samples_leaf": 200},
        {"max_iter": 120, "learning_rate": 0.08, "max_leaf_nodes": 31, "min_samples_leaf": 1_000},
        {"max_iter": 240, "learning_rate": 0.04, "max_leaf_nodes": 31, "min_samples_leaf": 200},
    ),
)


def train(past: Past, progress: Callable[[str], None]) -> Trained:
    """Fit on twelve weeks that end before the held-out four weeks."""
    held_out_first, held_out_last = held_out(past.last_day)
    # The target of a partition is the day after: the last one fitted has its target on the day before the first
    # held-out target.
    last = held_out_first - timedelta(days=1)
    first = last - timedelta(days=WINDOW_DAYS - 1)
    progress(f"reading {first} to {last}")
    rows = past.rows(first, last).select(["day", *CATEGORIES, *NUMBERS, TARGET]).to_pandas()
    chosen = choose(past, SEARCH, rows["day"].to_numpy(), partial(score, rows), progress)
    progress(f"fitting {len(rows):,} rows")
    model = build(chosen.settings)
    model.fit(rows[CATEGORIES + NUMBERS], rows[TARGET])
    progress(f"measuring on {held_out_first} to {held_out_last}")
    unseen = past.rows(held_out_first, held_out_last).select([*CATEGORIES, *NUMBERS, TARGET]).to_pandas()
    actual = unseen[TARGET].to_numpy()
    # A row whose sales were all of quantity 0 has mean 0, for which the deviance is infinite: half a unit in 28 days.
    mean = unseen["mean_units_28d"].clip(lower=0.5 / 28).to_numpy()
    predicted = model.predict(unseen[CATEGORIES + NUMBERS])
    return Trained(
        model=model,
        sample=rows[CATEGORIES + NUMBERS].head(100),
        trained_through=held_out_first,
        metrics=measure(actual, predicted),
        baseline=measure(actual, mean),
        parameters={**chosen.settings, "rows": len(rows), "first_day": first, "last_day": last},
        candidates=chosen.trials,
        searched=chosen.searched,
        unseen=Unseen(unseen[CATEGORIES + NUMBERS], actual, predicted),
    )


def score(rows: "pd.DataFrame", settings: Settings, fitted: "np.ndarray", measured: "np.ndarray") -> float:
    """Return the mean Poisson deviance on some rows of a model that was fitted on others."""
    features = rows[CATEGORIES + NUMBERS]
    model = build(settings).fit(features.iloc[fitted], rows[TARGET].iloc[fitted])
    return measure(rows[TARGET].to_numpy()[measured], model.predict(features.iloc[measured]))[SEARCH.metric]


def build(settings: Settings = SEARCH.settings[0]) -> Any:
    """Build the unfitted scikit-learn pipeline.

    There are more stores and categories than histogram bins (255), so both are encoded by their mean target, cross
    fitted; one that was never seen gets the overall mean.
    """
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.model_selection import KFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import TargetEncoder

    folds = KFold(5, shuffle=True, random_state=0)
    return make_pipeline(
        make_column_transformer(
            (TargetEncoder(target_type="continuous", cv=folds), CATEGORIES), ("passthrough", NUMBERS)
        ),
        HistGradientBoostingRegressor(loss="poisson", early_stopping=False, random_state=0, **settings),
    )


def measure(actual: "np.ndarray", predicted: "np.ndarray") -> dict[str, float]:
    """Return mean Poisson deviance and root mean squared error in units."""
    from sklearn.metrics import mean_poisson_deviance, root_mean_squared_error

    return {
        "poisson_deviance": float(mean_poisson_deviance(actual, predicted)),
        "rmse": float(root_mean_squared_error(actual, predicted)),
    }
