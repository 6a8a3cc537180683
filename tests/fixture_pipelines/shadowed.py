"""The pipelines made for tests, with a challenger in the shadow of one of them."""

from dataclasses import replace

from fixture_pipelines import PARCEL_CARRIERS, PARCEL_CLASSES, PARCEL_HOURS

PIPELINES = (replace(PARCEL_HOURS, shadow="challenger"), PARCEL_CLASSES, PARCEL_CARRIERS)
