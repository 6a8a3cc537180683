"""The retailer's pipelines as a test's Airflow loads them: the demand forecast is trained quickly.

Airflow imports this in every process that parses a DAG file and in every task: it stands apart from what makes the
sales, and imports what trains where it trains.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from daybreak.declaration.loading import load_pipelines
from retail.demand_forecast import DEMAND_FORECAST

if TYPE_CHECKING:
    from daybreak.training import Past, Trained

# The pipeline's own are twelve weeks, 120 trees and four weeks held out; these are quick, and still beat the mean.
WINDOW_DAYS, TREES, HELD_OUT_WEEKS = 21, 60, 2
# Yesterday is late at whatever time of day the tests run, and its sales are waited for all day.
QUICK = replace(
    DEMAND_FORECAST, training="quick_retail:train_quickly", due=timedelta(minutes=1), wait=timedelta(hours=36)
)
PIPELINES = tuple(QUICK if one is DEMAND_FORECAST else one for one in load_pipelines("retail").values())


def train_quickly(past: "Past", progress: Callable[[str], None]) -> "Trained":
    """Train as the demand forecast does, on fewer days and with fewer trees."""
    from daybreak.training import Trained, held_out
    from retail.demand_forecast.training import CATEGORIES, NUMBERS, TARGET, build, measure

    held_out_first, held_out_last = held_out(past.last_day, HELD_OUT_WEEKS)
    last = held_out_first - timedelta(days=1)
    progress("fitting")
    rows = past.rows(last - timedelta(days=WINDOW_DAYS - 1), last).to_pandas()
    unseen = past.rows(held_out_first, held_out_last).to_pandas()
    model = build().set_params(histgradientboostingregressor__max_iter=TREES)
    model.fit(rows[CATEGORIES + NUMBERS], rows[TARGET])
    mean = unseen["mean_units_28d"].clip(lower=0.5 / 28).to_numpy()
    actual = unseen[TARGET].to_numpy()
    return Trained(
        model=model,
        sample=rows[CATEGORIES + NUMBERS].head(100),
        trained_through=held_out_first,
        metrics=measure(actual, model.predict(unseen[CATEGORIES + NUMBERS])),
        baseline=measure(actual, mean),
    )
