"""The pipelines that are measured: the demand forecast's model and features, at any number of rows.

Their entity key is the demand forecast's own and one more column, which tells the copies of a real row apart. The same
rows go through one model, with a challenger in its shadow, and through a model for each of four segments.
"""

from dataclasses import replace

from daybreak import Files, Hour, ModelRef, PerSegment, Pipeline, Prediction

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
SEGMENTS = ("first", "second", "third", "fourth")
ONE_MODEL = replace(THROUGHPUT, name="one_model", carries=("segment",), shadow="challenger")
FOUR_SEGMENTS = replace(
    THROUGHPUT,
    name="four_segments",
    carries=("segment",),
    model=PerSegment("segment", {segment: ModelRef(f"of_{segment}") for segment in SEGMENTS}),
)
FROM_FILES = replace(THROUGHPUT, name="from_files", source="bench", files={"features": Files("features-{day}.parquet")})
# The same tables: what is published must be the same.
OWN = replace(THROUGHPUT, model=ModelRef("demand_forecast", environment="own"))
BY_HOUR = replace(THROUGHPUT, name="by_hour", every=Hour())
PIPELINES = (THROUGHPUT, ONE_MODEL, FOUR_SEGMENTS, FROM_FILES, BY_HOUR)
