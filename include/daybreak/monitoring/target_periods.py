"""Target periods: whether what a partition's predictions are of is over, so that an error is not of half of it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from daybreak.declaration.cadence import Hour, Month
from daybreak.declaration.partition import Partition, start_of_day
from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.source_tables import StateTable
from daybreak.training.past import source_last_day
from daybreak.workspace import Workspace

# As many days as a target of one month is declared with.
_MONTH_DAYS = 31


@dataclass(frozen=True)
class TargetPeriods:
    """Tell whether a partition's targets are known; a table of states tells of each key by itself."""

    workspace: Workspace
    pipeline: Pipeline

    def not_over(self, partition: Partition, now: datetime | None = None) -> str | None:
        """Say why what a partition predicts is not over yet, by the clock or by the source; None where it is."""
        # Without a declared target nothing says how many days after the partition it is known.
        if self.pipeline.target is None or isinstance(self.pipeline.reads, StateTable):
            return None
        instant = now or datetime.now(UTC)
        if isinstance(self.pipeline.every, Hour):
            end = partition.end + (partition.end - partition.start)
            return f"what it predicts is over at {end:%Y-%m-%d %H:%M} UTC" if end > instant else None
        last = self._last_day(partition)
        if start_of_day(last + timedelta(days=1), self.pipeline.timezone) > instant:
            return f"what it predicts is over with {last}"
        if self._source_through and last > self._source_through:
            return f"what it predicts is over with {last}, the source has days through {self._source_through}"
        return None

    def _last_day(self, partition: Partition) -> date:
        """Return the last day of the target, as the declaration tells it."""
        days = self.pipeline.target_days
        last = partition.last_day + timedelta(days=days)
        if isinstance(self.pipeline.every, Month) and days % _MONTH_DAYS == 0:
            # Of months that are shorter.
            for _ in range(days // _MONTH_DAYS):
                partition = self.pipeline.calendar.at(partition.end)
            return min(last, partition.last_day)
        return last

    @cached_property
    def _source_through(self) -> date | None:
        return source_last_day(self.workspace, self.pipeline)
