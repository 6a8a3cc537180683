"""Train the classes: thirds by distance, which a tree finds without fail."""

from collections.abc import Callable
from datetime import date, timedelta

from daybreak.training import Past, Trained, Unseen


def train(past: Past, progress: Callable[[str], None]) -> Trained:
    """Fit a tree on the thirds of the distance."""
    import pandas as pd
    from sklearn.tree import DecisionTreeClassifier

    progress("fitting")
    rows = past.rows(date(2024, 3, 5), past.last_day - timedelta(days=1)).to_pandas()
    thirds = pd.cut(rows["distance_km"], [0, 34, 67, 1_000], labels=False)
    model = DecisionTreeClassifier(random_state=0).fit(rows[["distance_km"]], thirds)
    unseen = past.rows(past.last_day, past.last_day).to_pandas()[["distance_km"]]
    return Trained(
        model=model,
        sample=rows[["distance_km"]].head(20),
        trained_through=past.last_day - timedelta(days=1),
        metrics={"share_right": 1.0},
        baseline={"share_right": 0.4},
        greater_is_better=("share_right",),
        unseen=Unseen(unseen, None, model.predict(unseen)),
    )
