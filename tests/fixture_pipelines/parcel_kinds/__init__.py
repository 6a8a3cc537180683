"""Parcel kinds: what may be predicted of a parcel besides its hours, all under one name, which shares the queries."""

from dataclasses import replace

from daybreak import ModelRef, Pipeline, Prediction
from fixture_pipelines.parcel_hours import PARCEL_HOURS

TRAINING = "fixture_pipelines.parcel_kinds.training"


def _kind(model: str, prediction: Prediction, **changes: object) -> Pipeline:
    declared = {"model": ModelRef(model), "prediction": prediction, "training": f"{TRAINING}:{model}", **changes}
    return replace(PARCEL_HOURS, measured_by=None, groups=(), **declared)  # type: ignore[arg-type]


# Of its two classes, late is the first.
LATE = _kind(
    "late",
    Prediction("late_probability", low=0, high=1, method="predict_proba"),
    target="arrival",
    positive="late",
    measures="probability",
)
# By the alphabet the model has them in another order.
SPEED = _kind(
    "speed",
    Prediction("speed", low=0, high=1, method="predict_proba", classes=("slow", "usual", "very fast")),
    target="speed_class",
    measures="class",
)
SPREAD = _kind(
    "spread",
    Prediction("hours", low=0, high=1_000, method="transform", quantiles=(0.1, 0.5, 0.9)),
)
VALUE = "a value"
KINDS = {VALUE: PARCEL_HOURS, "a class": LATE, "all classes": SPEED, "quantiles": SPREAD}
