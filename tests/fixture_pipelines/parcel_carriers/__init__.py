"""Parcel carriers: for each parcel the two best of four carriers, by the model of the parcel's class."""

from daybreak import EventTable, ModelRef, PerSegment, Pipeline, Prediction, Top

PARCEL_CARRIERS = Pipeline(
    name="parcel_carriers",
    description="How well each carrier would do with each parcel.",
    timezone="America/New_York",
    entity_key=("depot", "parcel_id", "carrier"),
    reads=EventTable(table="parcels.handed_in", at="handed_in_at"),
    # Parcels of class far are left to the fallback.
    model=PerSegment(
        "parcel_class",
        {"near": ModelRef("carriers_near"), "middling": ModelRef("carriers_middling")},
        fallback=ModelRef("carriers_any"),
    ),
    prediction=Prediction("likelihood", low=0, high=1),
    expectations="fixture_pipelines.parcel_carriers.expectations:suite",
    training="fixture_pipelines.parcel_carriers.training:train",
    chunk_rows=150,
    upstream="parcel_classes",
    carries=("parcel_class",),
    top=Top(2, within=("depot", "parcel_id")),
)
