"""Pipelines made for tests: small, quick to run, and with every kind of column that a source may have."""

from fixture_pipelines.parcel_carriers import PARCEL_CARRIERS
from fixture_pipelines.parcel_classes import PARCEL_CLASSES
from fixture_pipelines.parcel_hours import PARCEL_HOURS

PIPELINES = (PARCEL_HOURS, PARCEL_CLASSES, PARCEL_CARRIERS)
