"""Cadence: how long a pipeline's partitions are. Each says which partition of local time an instant is in."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

from daybreak.errors import ConfigurationError

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# The first instant, the first instant after the last one, and the key.
Span = tuple[datetime, datetime, str]
_HOUR = timedelta(hours=1)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True)
class Hour:
    """Each hour of local time. One that a change of the clocks repeats is told apart by a ``b``.

    Where the clocks change by half an hour, what is left of an hour is a partition by itself, and its key has minutes.
    """

    word: ClassVar[str] = "hour"
    article: ClassVar[str] = "an"
    least_days: ClassVar[int] = 1
    adverb: ClassVar[str] = "hourly"
    key_format: ClassVar[str] = "YYYY-MM-DDTHH"
    example: ClassVar[str] = "2026-10-15T09"
    _key: ClassVar[re.Pattern[str]] = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2})(\d{2})?(b)?", re.ASCII)

    def span(self, instant: datetime, zone: ZoneInfo) -> Span:
        """Return the partition that holds the instant."""
        local = instant.astimezone(zone)
        into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        start = instant.astimezone(UTC) - into
        end = start + _HOUR
        if start.astimezone(zone).utcoffset() != local.utcoffset():
            start = _change(start, instant, zone)
        if (end - timedelta(microseconds=1)).astimezone(zone).utcoffset() != local.utcoffset():
            end = _change(instant, end, zone)
        begins = start.astimezone(zone)
        minutes = f"{begins:%M}" if begins.minute else ""
        return start, end, f"{begins.date()}T{begins:%H}{minutes}{'b' if begins.fold else ''}"

    def begins(self, key: str, zone: ZoneInfo) -> datetime | None:
        """Return the instant that a key would begin at; None where it is none."""
        if not (found := self._key.fullmatch(key)):
            return None
        day, hour, minute, again = found.groups()
        at = time(int(hour), int(minute or 0))
        return datetime.combine(date.fromisoformat(day), at, zone).replace(fold=bool(again)).astimezone(UTC)


class _OfDays:
    """What days, weeks and months share: each begins with a calendar day, by which its key names it."""

    # What the key leaves out of its first day.
    left_out: ClassVar[str] = ""

    def span(self, instant: datetime, zone: ZoneInfo) -> Span:
        """Return the partition that holds the instant."""
        first = self._first(day_of(instant, zone))
        key = first.isoformat().removesuffix(self.left_out)
        return midnight(first, zone), midnight(self._following(first), zone), key

    def begins(self, key: str, zone: ZoneInfo) -> datetime | None:
        """Return the instant that a key would begin at; None where it is none."""
        day = key + self.left_out
        return midnight(date.fromisoformat(day), zone) if _DAY.fullmatch(day) else None

    def _first(self, day: date) -> date:
        """Return the day that the partition of a day begins with."""
        return day

    def _following(self, first: date) -> date:
        """Return the day that the next partition begins with."""
        return first + timedelta(days=1)


@dataclass(frozen=True)
class Day(_OfDays):
    """Each calendar day; it has 23 or 25 hours where the clocks change."""

    word: ClassVar[str] = "day"
    article: ClassVar[str] = "a"
    adverb: ClassVar[str] = "daily"
    least_days: ClassVar[int] = 1
    key_format: ClassVar[str] = "YYYY-MM-DD"
    example: ClassVar[str] = "2026-10-15"


@dataclass(frozen=True)
class Week(_OfDays):
    """Each week of seven calendar days; its key is the first of them."""

    starts: Weekday = "monday"
    word: ClassVar[str] = "week"
    article: ClassVar[str] = "a"
    adverb: ClassVar[str] = "weekly"
    least_days: ClassVar[int] = 7
    key_format: ClassVar[str] = "YYYY-MM-DD, its first day"
    example: ClassVar[str] = "2026-10-12"

    def __post_init__(self) -> None:
        if self.starts not in WEEKDAYS:
            raise ConfigurationError(
                f"A week starts on '{self.starts}'.", next_step=f"choose from {', '.join(WEEKDAYS)}."
            )

    def _first(self, day: date) -> date:
        return day - timedelta(days=(day.weekday() - WEEKDAYS.index(self.starts)) % 7)

    def _following(self, first: date) -> date:
        return first + timedelta(days=7)


@dataclass(frozen=True)
class Month(_OfDays):
    """Each calendar month; its key has no day."""

    word: ClassVar[str] = "month"
    article: ClassVar[str] = "a"
    adverb: ClassVar[str] = "monthly"
    least_days: ClassVar[int] = 28
    key_format: ClassVar[str] = "YYYY-MM"
    example: ClassVar[str] = "2026-10"
    left_out: ClassVar[str] = "-01"

    def _first(self, day: date) -> date:
        return day.replace(day=1)

    def _following(self, first: date) -> date:
        return (first + timedelta(days=32)).replace(day=1)


Cadence = Hour | Day | Week | Month
DAILY = Day()
# By their word, as they are where nothing else is said.
CADENCES: dict[str, Cadence] = {every.word: every for every in (Hour(), DAILY, Week(), Month())}


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """Return the day whose window holds the instant."""
    day = instant.astimezone(zone).date()
    # Where the clocks were set back over midnight, the calendar's date goes back with them; windows do not.
    return day + timedelta(days=1) if midnight(day + timedelta(days=1), zone) <= instant else day


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a day, in UTC."""
    # Where a clock change skips midnight, fold=0 reads it with the offset before the change: the day's first instant.
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant between two at which the clocks changed, to the second."""
    low, high = int(before.timestamp()), int(after.timestamp()) + 1
    old = datetime.fromtimestamp(low, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)
