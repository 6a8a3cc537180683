"""Train the parcel model: small enough to be fitted in milliseconds, and one that raises on a zone it never saw."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from daybreak.training import Past, Search, Settings, Trained, Unseen, choose

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

NUMBERS = ["weight_kg", "distance_km", "pieces"]
FEATURES = ["zone", *NUMBERS]
TARGET = "hours_taken"
FIRST_DAY = date(2024, 3, 5)
# The last one is refused by scikit-learn.
SEARCH = Search(
    metric="rmse",
    settings=({"min_samples_leaf": 300}, {"min_samples_leaf": 5}, {"min_samples_leaf": 0}),
    folds=2,
    fit_days=3,
    validation_days=1,
    target_days=0,
)


def train(past: Past, progress: Callable[[str], None]) -> Trained:
    """Fit on all days but the last, and measure on that one."""
    from sklearn.metrics import root_mean_squared_error
    from sklearn.tree import DecisionTreeRegressor

    progress("fitting")
    rows = past.rows(FIRST_DAY, past.last_day - timedelta(days=1)).to_pandas()
    unseen = past.rows(past.last_day, past.last_day).to_pandas()
    model = build(DecisionTreeRegressor(min_samples_leaf=2, random_state=0)).fit(rows[FEATURES], rows[TARGET])
    mean = [rows[TARGET].mean()] * len(unseen)
    return Trained(
        model=model,
        sample=rows[FEATURES].head(20),
        trained_through=past.last_day - timedelta(days=1),
        metrics={"rmse": float(root_mean_squared_error(unseen[TARGET], model.predict(unseen[FEATURES])))},
        baseline={"rmse": float(root_mean_squared_error(unseen[TARGET], mean))},
    )


def train_searching(past: Past, progress: Callable[[str], None]) -> Trained:
    """Train with the settings that a search chooses, and keep the held-out rows."""
    from sklearn.metrics import root_mean_squared_error
    from sklearn.tree import DecisionTreeRegressor

    rows = past.rows(FIRST_DAY, past.last_day - timedelta(days=1)).to_pandas()
    unseen = past.rows(past.last_day, past.last_day).to_pandas()

    def fitted(settings: Settings, some: "pd.DataFrame") -> Any:
        return build(DecisionTreeRegressor(random_state=0, **settings)).fit(some[FEATURES], some[TARGET])

    def score(settings: Settings, some: "np.ndarray", others: "np.ndarray") -> float:
        predicted = fitted(settings, rows.iloc[some]).predict(rows.iloc[others][FEATURES])
        return float(root_mean_squared_error(rows.iloc[others][TARGET], predicted))

    chosen = choose(past, SEARCH, rows["handed_in_on"].to_numpy(), score, progress)
    model = fitted(chosen.settings, rows)
    predicted = model.predict(unseen[FEATURES])
    return Trained(
        model=model,
        sample=rows[FEATURES].head(20),
        trained_through=past.last_day - timedelta(days=1),
        metrics={"rmse": float(root_mean_squared_error(unseen[TARGET], predicted))},
        baseline={"rmse": float(root_mean_squared_error(unseen[TARGET], [rows[TARGET].mean()] * len(unseen)))},
        parameters=dict(chosen.settings),
        candidates=chosen.trials,
        searched=chosen.searched,
        unseen=Unseen(unseen[FEATURES], unseen[TARGET].to_numpy(), predicted),
    )


def build(regressor: Any) -> Any:
    """Put a regressor behind the encoding of the features: an unknown zone raises, a missing number is filled in."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    return make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="error"), ["zone"]), (SimpleImputer(), NUMBERS)),
        regressor,
    )


def sample() -> "pd.DataFrame":
    """Make a few rows of input, for models that are fitted without the source."""
    import pandas as pd

    return pd.DataFrame(
        {
            "zone": pd.Series(["city", "suburb", "country"] * 4, dtype="str"),
            "weight_kg": [1.5, 30.0, 12.25, 3.0] * 3,
            "distance_km": [float(n) for n in range(5, 101, 8)],
            "pieces": [1.0, None, 3.0] * 4,
        }
    )
