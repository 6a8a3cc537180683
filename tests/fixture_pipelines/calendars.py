"""The pipeline made for tests by the hour, and by the day with a source that is waited for."""

from dataclasses import replace
from datetime import timedelta

from daybreak import EventTable, Hour
from fixture_pipelines import PARCEL_HOURS

HANDED_IN = EventTable(table="parcels.handed_in", at="handed_in_at")
BY_HOUR = replace(PARCEL_HOURS, name="parcels_by_hour", every=Hour(), reads=HANDED_IN, history_days=1)
PATIENT = replace(PARCEL_HOURS, wait=timedelta(days=2), history_days=1)

PIPELINES = (BY_HOUR, PATIENT)
