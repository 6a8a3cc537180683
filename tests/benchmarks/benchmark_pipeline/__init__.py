"""The pipeline that is measured: the demand forecast's model and features, at any number of rows.

Its entity key is the demand forecast's own and one more column, which tells the copies of a real row apart.
"""

from daybreak.pipeline import ModelRef, Pipeline, Prediction

THROUGHPUT = Pipeline(
    name="throughput",
    description="Units of each store, product category and copy: real feature rows under new keys.",
    timezone="America/New_York",
    entity_key=("store_id", "product_category", "copy"),
    model=ModelRef("demand_forecast"),
    prediction=Prediction("predicted_units", low=0, high=1_000),
    expectations="benchmark_pipeline.expectations:suite",
    training="retail.demand_forecast.training:train",
)
PIPELINES = (THROUGHPUT,)
