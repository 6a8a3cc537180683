"""Dated features: what is known of a key at the end of a partition, by how long the partitions are."""

from collections.abc import Sequence
from dataclasses import dataclass

from daybreak.declaration.cadence import Cadence, Hour, Month, Week
from daybreak.declaration.prediction import Label


@dataclass(frozen=True)
class Lag:
    """A feature of earlier values: that of so many partitions ``back``, or the mean since then, both included."""

    name: str
    back: int
    is_mean: bool = False


@dataclass(frozen=True)
class Look:
    """A feature that looks back: a lag of the value, or of whether it was one class, as a share."""

    name: str
    lag: Lag
    of_class: str | None = None


# Of more classes their shares would be more features than help.
_MOST_SHARES = 8
# Counted from the partition whose end it is: what is predicted comes after it, so a year before that is one less back.
_LAGS = {
    "hour": (Lag("mean_24_hours", 23, True), Lag("same_hour_yesterday", 23), Lag("same_hour_last_week", 167)),
    "day": (Lag("mean_7_days", 6, True), Lag("mean_28_days", 27, True), Lag("same_weekday_last_week", 6)),
    "week": (Lag("mean_4_weeks", 3, True),),
    "month": (Lag("mean_3_months", 2, True),),
}
_YEAR = {
    "day": Lag("same_day_last_year", 363),
    "week": Lag("same_week_last_year", 51),
    "month": Lag("same_month_last_year", 11),
}
# What the calendar says of the partition that follows, as SQL over its first day or instant.
_CALENDAR = {
    "hour": {"next_hour": "hour", "next_weekday": "isodow"},
    "day": {"next_weekday": "isodow", "next_month": "month"},
    "week": {"next_week_of_year": "week"},
    "month": {"next_month_of_year": "month"},
}


def lags(every: Cadence, partitions: int) -> tuple[Lag, ...]:
    """Return the lags for a history of so many partitions: a year's only where there are two."""
    year = _YEAR.get(every.word)
    return _LAGS[every.word] + ((year,) if year and partitions > 2 * (year.back + 1) else ())


def looked_back(found: tuple[Lag, ...], classes: Sequence[Label]) -> list[Look]:
    """Return the features that look back; of classes there is no mean, but how often each of them was."""
    looks = []
    for lag in found:
        if not classes or not lag.is_mean:
            looks.append(Look(lag.name, lag))
        elif len(classes) <= _MOST_SHARES:
            looks += [Look(f"{lag.name.replace('mean', 'share')} {label}", lag, str(label)) for label in classes]
    return looks


def calendar_parts(every: Cadence) -> dict[str, str]:
    """Return the names of what the calendar says of the partition that follows, and what is extracted for each."""
    return _CALENDAR[every.word]


def days_before(every: Cadence, found: tuple[Lag, ...]) -> int:
    """Return how many days before the partition's first the lags reach."""
    back = max(lag.back for lag in found)
    return -(-back // 24) if isinstance(every, Hour) else back * longest_days(every)


def longest_days(every: Cadence) -> int:
    """Return how many days a partition lies in at most."""
    return 31 if isinstance(every, Month) else 7 if isinstance(every, Week) else 1
