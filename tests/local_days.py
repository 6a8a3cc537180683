"""Local days, as the tests count them by themselves."""

from datetime import date, timedelta

from daybreak.declaration.partition import Partition, day_calendar


def days(first: date, last: date) -> list[date]:
    """List the days from first to last, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def local_day(day: date, timezone: str) -> Partition:
    """Return the partition of a day."""
    return day_calendar(timezone).partition(day.isoformat())
