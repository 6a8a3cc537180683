"""Landing: whether the source has what a partition is made from, how long a run waits for it, and what is missing."""

from datetime import UTC, date, datetime, timedelta

from daybreak.declaration.cadence import Hour
from daybreak.declaration.partition import Partition, start_of_day
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import PartitionRefused, SourceAwaited, SourceNotLanded
from daybreak.ledger.runs import Ledger
from daybreak.run.plan import query_binds
from daybreak.sources.queries import Coverage, Queries
from daybreak.warehouse.derived_queries import COVERAGE

_SHOWN = 5


def see_landed(queries: Queries, pipeline: Pipeline, partition: Partition) -> list[date] | None:
    """Refuse a partition that the source does not cover; return the days of its history that are missing.

    None where coverage.sql does not list days. Raises SourceNotLanded where it may land yet, PartitionRefused where the
    history does not reach back, or has more holes than are declared.
    """
    if not queries.has(COVERAGE):
        return None
    binds = query_binds(partition)
    queries.check(COVERAGE, binds)
    covered = queries.coverage(binds)
    refuse_uncovered(covered, pipeline, partition)
    return None if covered is None or covered.days is None else _missing(covered.days, pipeline, partition)


def refuse_uncovered(covered: Coverage | None, pipeline: Pipeline, partition: Partition) -> None:
    """Refuse a partition that lies outside of what the source covers."""
    if covered is None:
        raise SourceNotLanded("The source holds no data.", next_step="load it, then run the partition again.")
    if covered.days is None:
        _refuse_before(covered, pipeline, partition)
    _refuse_not_landed(covered, pipeline, partition)


def awaited(
    ledger: Ledger, pipeline: Pipeline, run_id: int, partition: Partition, why: SourceNotLanded
) -> SourceAwaited:
    """Write down that a run waits for its source, and return what to raise; raise ``why`` itself when time is over."""
    now = datetime.now(UTC)
    until = deadline(pipeline, partition)
    since = (ledger.get(run_id)["waiting"] or {}).get("since") or now.isoformat(timespec="seconds")
    if now >= until:
        waited = f" It was waited for since {_clock(since)}." if pipeline.wait else ""
        raise SourceNotLanded(f"{why.problem}{waited}", next_step=why.next_step)
    ledger.record(run_id, waiting={"for": why.problem, "since": since, "until": until.isoformat(timespec="seconds")})
    return SourceAwaited(
        f"{why.problem} It is waited for since {_clock(since)}, until {until:%Y-%m-%d %H:%M} UTC.",
        next_step="nothing; the run goes on when it has landed.",
        until=until,
        pipeline=pipeline.name,
        partition=partition.key,
    )


def deadline(pipeline: Pipeline, partition: Partition) -> datetime:
    """Return until when a partition's source is waited for: the same after a retry, a restart and in a backfill."""
    return partition.end + pipeline.ready_after + pipeline.wait


def _clock(since: str) -> str:
    return f"{datetime.fromisoformat(since).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _history(pipeline: Pipeline, partition: Partition) -> date:
    """Return the first day that the query looks back on."""
    return min(partition.first_day, partition.last_day - timedelta(days=pipeline.history_days - 1))


def _refuse_before(covered: Coverage, pipeline: Pipeline, partition: Partition) -> None:
    # A source may well begin with the last day that there is: some write it where they know of none.
    needed = _history(pipeline, partition)
    begins = covered.first_day(pipeline.timezone)
    if needed >= begins:
        return
    back = partition.first_day - needed
    earliest = min(begins, date.max - back) + back
    raise PartitionRefused(
        f"The source begins on {begins} and {pipeline.history_days} days of history are needed.",
        next_step=f"choose {_first_from(pipeline, earliest)} or a later {pipeline.every.word}.",
    )


def _first_from(pipeline: Pipeline, day: date) -> str:
    try:
        return pipeline.calendar.first_from(start_of_day(day, pipeline.timezone)).key
    except OverflowError:
        return day.isoformat()


def _refuse_not_landed(covered: Coverage, pipeline: Pipeline, partition: Partition) -> None:
    last_open = pipeline.calendar.last_open_day(partition.last_day)
    if covered.days is not None:
        wanted = [day for day in partition.days if pipeline.calendar.is_open_on(day)]
        lacks = [day for day in wanted if day not in covered.days]
        if not lacks:
            return
        what = f"nothing of {_listed(lacks)}" if len(wanted) > 1 else "nothing of this day"
        if max(covered.days) > partition.last_day:
            raise SourceNotLanded(
                f"The source holds {what}, though it holds later ones.",
                next_step="load it, then run the partition again; where such a day of the week never has anything, "
                "leave it out of `open_on`.",
            )
        raise SourceNotLanded(
            f"The source holds {what}; its last day is {max(covered.days)}.", next_step=_until_landed(pipeline)
        )
    if isinstance(covered.last, datetime):
        hourly = isinstance(pipeline.every, Hour)
        reached = covered.last >= (partition.start if hourly else start_of_day(last_open, pipeline.timezone))
        last = f"row is of {covered.last:%Y-%m-%d %H:%M} UTC"
    else:
        reached = covered.last >= last_open
        last = f"day is {covered.last}"
    if not reached:
        whole = f", which lasts to {partition.last_day}," if partition.first_day < partition.last_day else ""
        raise SourceNotLanded(
            f"The source holds nothing of this {pipeline.every.word}{whole} or a later one; its last {last}."
            if not whole
            else f"The source has not the whole {pipeline.every.word}{whole} yet; its last {last}.",
            next_step=_until_landed(pipeline),
        )


def _until_landed(pipeline: Pipeline) -> str:
    waits = ", which `--wait` does" if pipeline.wait else ""
    return f"wait until the {pipeline.every.word} has landed{waits}, then run the partition again."


def _missing(days: frozenset[date], pipeline: Pipeline, partition: Partition) -> list[date]:
    first = _history(pipeline, partition)
    window = [first + timedelta(days=n) for n in range((partition.last_day - first).days + 1)]
    expected = [day for day in window if pipeline.calendar.is_open_on(day)]
    missing = [day for day in expected if day not in days]
    if len(missing) > pipeline.max_missing_days:
        raise PartitionRefused(
            f"Of the {len(expected)} days that the query looks back on, {len(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing in the source "
            f"({_listed(missing)}); at most {pipeline.max_missing_days} may be.",
            next_step="load them, then run the partition again; days that never have rows are left out by `open_on`, "
            "and `max_missing_days` says how many may be missing.",
        )
    return missing


def _listed(days: list[date]) -> str:
    more = f" and {len(days) - _SHOWN} more" if len(days) > _SHOWN else ""
    return ", ".join(map(str, days[:_SHOWN])) + more
