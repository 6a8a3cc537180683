"""Parcel classes: near, middling or far; what parcel_carriers is made from."""

from daybreak import EventTable, ModelRef, Pipeline, Prediction

PARCEL_CLASSES = Pipeline(
    name="parcel_classes",
    description="The class of each parcel that was handed in on the day.",
    timezone="America/New_York",
    entity_key=("depot", "parcel_id"),
    reads=EventTable(table="parcels.handed_in", at="handed_in_at"),
    model=ModelRef("parcel_classes"),
    prediction=Prediction("parcel_class", low=0, high=2, labels=("near", "middling", "far")),
    expectations="fixture_pipelines.parcel_hours.expectations:suite",
    training="fixture_pipelines.parcel_classes.training:train",
    chunk_rows=150,
)
