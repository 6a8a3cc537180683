"""Demand forecast: how many units of each product category each store will sell tomorrow."""

from datetime import time

from daybreak import ModelRef, Pipeline, Prediction, Retrain
from retail.sales import SALES

DEMAND_FORECAST = Pipeline(
    name="demand_forecast",
    description="Units that each store will sell of each product category on the day after the partition.",
    timezone="America/New_York",
    entity_key=("store_id", "product_category"),
    reads=SALES,
    due=time(6, 0),
    model=ModelRef("demand_forecast"),
    # The most units of one category that one store sold on a day of 2017 is 109; fuel is left out.
    prediction=Prediction("predicted_units", low=0, high=1_000),
    expectations="retail.demand_forecast.expectations:suite",
    training="retail.demand_forecast.training:train",
    history_days=28,
    columns={
        "partition_date": "The day at whose end the forecast was made.",
        "forecast_date": "The day that is forecast, the next one.",
        "store_id": "The store.",
        "product_category": "The product category.",
        "predicted_units": "Units expected to sell on the day after the partition.",
    },
    measures="counts",
    measured_by="store_id",
    target="units_tomorrow",
    groups=("store_id",),
    group_margin=0.10,
    shadow="challenger",
    # On 13 healthy days, up to 40 days after the training, the features' divergences were 0.002 at most and that of the
    # predicted units 0.016.
    retrain=Retrain(features=("mean_units_28d", "discount_share_28d", "average_price_28d")),
)
