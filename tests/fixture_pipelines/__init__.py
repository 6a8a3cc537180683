"""Pipelines made for tests: small, quick to run, and with every kind of column that a source may have."""

from fixture_pipelines.parcel_hours import PARCEL_HOURS

PIPELINES = (PARCEL_HOURS,)
