"""Parcel hours: how many hours a parcel that was handed in on the day will take."""

from daybreak import ModelRef, Pipeline, Prediction

PARCEL_HOURS = Pipeline(
    name="parcel_hours",
    description="Hours until each parcel that was handed in on the day will be delivered.",
    timezone="America/New_York",
    entity_key=("depot", "parcel_id"),
    model=ModelRef("parcel_hours"),
    prediction=Prediction("predicted_hours", low=0, high=1_000),
    expectations="fixture_pipelines.parcel_hours.expectations:suite",
    training="fixture_pipelines.parcel_hours.training:train",
    history_days=2,
    max_quarantined_share=0.05,
    max_failed_share=0.01,
    chunk_rows=150,
    measures="amounts",
    measured_by="depot",
    target="hours_taken",
    groups=("zone",),
    group_margin=0.1,
)
