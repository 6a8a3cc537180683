"""The promises hold for hours, days, weeks and months, also where clocks skip or repeat midnight or half an hour.

They hold whatever the rows come from: the warehouse, files that DuckDB reads, a database of SQLite.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daybreak.declaration.cadence import Cadence, Day, Hour, Month, Week
from daybreak.declaration.partition import Partition
from daybreak.declaration.source_tables import EventTable
from daybreak.errors import ModelRefused, PartitionRefused, SourceNotLanded
from daybreak.monitoring.measure import measure
from daybreak.monitoring.retraining import watch_newest
from daybreak.run.backfill import MISSING, choose_partitions
from daybreak.run.diff import diff_publications
from daybreak.run.replay import replay
from daybreak.run.reproduce import reproduce
from daybreak.settings import Settings
from daybreak.workspace import Workspace
from delivered import DELIVERIES, ROWS, Delivery
from fixture_pipelines import PARCEL_HOURS
from parcels import TRAINED_THROUGH, Parcels

NAME = "parcels_by"


@dataclass(frozen=True)
class Case:
    """A cadence in a time zone, successive partitions of it around a change of the clocks, and a step of the source.

    ``source`` is what the rows are read from.
    """

    every: Cadence
    timezone: str
    keys: tuple[str, ...]
    step: str
    source: str = "the warehouse"

    def __str__(self) -> str:
        return f"{self.every.adverb} in {self.timezone} from {self.source}"


IN_THE_WAREHOUSE = [
    Case(Hour(), "America/New_York", ("2024-11-03T00", "2024-11-03T01", "2024-11-03T01b"), "2 minutes"),
    Case(Hour(), "Australia/Lord_Howe", ("2024-04-07T01", "2024-04-07T0130b", "2024-04-07T02"), "2 minutes"),
    Case(Hour(), "Asia/Kolkata", ("2024-04-07T23", "2024-04-08T00"), "2 minutes"),
    Case(Day(), "Africa/Cairo", ("2024-04-25", "2024-04-26", "2024-04-27"), "30 minutes"),
    Case(Day(), "America/Havana", ("2024-11-02", "2024-11-03", "2024-11-04"), "30 minutes"),
    Case(Week("sunday"), "Atlantic/Azores", ("2024-10-20", "2024-10-27"), "4 hours"),
    Case(Month(), "Asia/Beirut", ("2024-03", "2024-04"), "12 hours"),
]
# An hour that is repeated, a midnight that is skipped, a week with an hour more.
_ELSEWHERE = [IN_THE_WAREHOUSE[0], IN_THE_WAREHOUSE[3], IN_THE_WAREHOUSE[5]]
CASES = [*IN_THE_WAREHOUSE, *(replace(case, source=source) for source in DELIVERIES for case in _ELSEWHERE)]
_SOURCE = """
INSERT INTO parcels.handed_in
SELECT
    (ARRAY['north', 'south', 'west'])[1 + n % 3], 100000 + n, at, 0.25 + n % 30, 1 + n % 100, 1 + n % 4,
    (ARRAY['city', 'suburb', 'country'])[1 + n / 3 % 3], NULL, 2 + n % 50
FROM (
    SELECT at, row_number() OVER (ORDER BY at)::integer AS n
    FROM generate_series(timestamptz '{first}', timestamptz '{last}', interval '{step}') AS generated (at)
) AS parcels
"""


class Cadenced(Parcels):
    """The pipeline made for tests, by another cadence, and a source with rows on every edge of its partitions.

    They are made in the warehouse, and what is read elsewhere is delivered from there whenever they change.
    """

    def __init__(self, workspace: Workspace, case: Case, delivery: Delivery | None) -> None:
        table = EventTable(table="parcels.handed_in", at="handed_in_at")
        declared: dict[str, Any] = {"source": "feed", **delivery.declared} if delivery else {"reads": table}
        pipeline = replace(
            # What is predicted of a partition happens within it.
            replace(PARCEL_HOURS, target_days=0),
            name=NAME,
            every=case.every,
            timezone=case.timezone,
            history_days=1,
            **declared,
        )
        super().__init__(workspace, pipeline)
        self._delivery = delivery
        calendar, self.step = pipeline.calendar, case.step
        self.partitions: list[Partition] = [calendar.partition(key) for key in case.keys]
        assert [one.start for one in self.partitions[1:]] == [one.end for one in self.partitions[:-1]]
        first, last = calendar.before(self.partitions[0]).start, self.partitions[-1].end + timedelta(seconds=1)
        self.execute("DELETE FROM parcels.handed_in", _SOURCE.format(first=first, last=last, step=case.step))

    def execute(self, *statements: str) -> None:
        """Change the source."""
        super().execute(*statements)
        if self._delivery:
            self._delivery.deliver(self.rows(ROWS))

    def keys(self) -> dict[str, list[int]]:
        """Return the parcels that are shown, by the partition that the view says."""
        named = "partition_start" if isinstance(self.pipeline.every, Hour) else "partition_date"
        found: dict[str, list[int]] = {}
        for at, parcel in self.rows(f"SELECT {named}::text, parcel_id FROM predictions.{NAME} ORDER BY parcel_id"):
            found.setdefault(at, []).append(parcel)
        return found

    def handed_in(self, partition: Partition) -> list[int]:
        """Return the parcels that were handed in within a partition."""
        query = "SELECT parcel_id FROM parcels.handed_in WHERE handed_in_at >= %s AND handed_in_at < %s ORDER BY 1"
        return [parcel for (parcel,) in self.rows(query, partition.start, partition.end)]

    def told(self, partition: Partition) -> str:
        """Return what the view says of a partition."""
        if isinstance(self.pipeline.every, Hour):
            return str(self.value("SELECT %s::timestamptz::text", partition.start))
        return str(partition.first_day)

    def of(self, run_id: int) -> list[Any]:
        """Return the predictions under a run."""
        query = f"SELECT depot, parcel_id, predicted_hours FROM predictions.{NAME}_runs WHERE run_id = %s ORDER BY 1, 2"
        return self.rows(query, run_id)


@pytest.fixture(params=CASES, ids=str)
def cadenced(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Cadenced]:
    """Return the pipeline by one of the cadences, over one of the sources."""
    case: Case = request.param
    shutil.copytree(settings.sql / PARCEL_HOURS.name, settings.sql / NAME)
    (settings.sql / NAME / "coverage.sql").unlink()
    make = DELIVERIES.get(case.source)
    delivery = make(tmp_path / "feed", case.every, case.timezone) if make else None
    if delivery:
        # Neither files nor SQLite have schemas.
        for query in (settings.sql / NAME).glob("*.sql"):
            query.write_text(query.read_text().replace("parcels.handed_in", "handed_in"))
        if delivery.coverage:
            (settings.sql / NAME / "coverage.sql").write_text(delivery.coverage)
    workspace = Workspace(settings, {"feed": delivery.url}.get if delivery else lambda name: None)
    yield Cadenced(workspace, case, delivery)
    workspace.close()


def test_each_row_is_in_the_one_partition_that_it_happened_in(cadenced: Cadenced) -> None:
    for partition in cadenced.partitions:
        cadenced.run(partition.key)
    shown = cadenced.keys()
    assert shown == {cadenced.told(partition): cadenced.handed_in(partition) for partition in cadenced.partitions}
    window = "SELECT partition_key, window_start, window_end FROM ledger.runs WHERE pipeline = %s ORDER BY run_id"
    assert cadenced.rows(window, NAME) == [(one.key, one.start, one.end) for one in cadenced.partitions]
    counts = "rows_extracted = rows_quarantined + rows_failed + rows_scored"
    assert cadenced.value(f"SELECT bool_and({counts}) FROM ledger.runs WHERE pipeline = %s", NAME)


def test_a_run_again_by_tasks_replaces_its_own_partition_and_no_other(cadenced: Cadenced) -> None:
    first, second = cadenced.partitions[:2]
    one, two = (cadenced.run(partition.key).plan.run_id for partition in (first, second))
    before = cadenced.keys()
    again = cadenced.run_by_tasks(second.key)
    assert (again.published, again.partition) == (True, second.key)
    assert cadenced.keys() == before
    assert cadenced.of(again.run_id) == cadenced.of(two)
    current = "SELECT run_id FROM ledger.publications WHERE pipeline = %s AND withdrawn_at IS NULL ORDER BY 1"
    assert cadenced.rows(current, NAME) == [(one,), (again.run_id,)]
    assert diff_publications(cadenced.runner, second.key, None).total.differ == 0
    assert cadenced.runner.publisher.roll_back(second.key).run_id == two
    assert cadenced.runner.publisher.current(first.key) == one
    then = cadenced.rows(f"SELECT DISTINCT run_id FROM predictions.{NAME}_as_of(clock_timestamp()) ORDER BY 1")
    assert then == [(one,), (two,)]


def test_its_predictions_are_derived_again_bit_for_bit(cadenced: Cadenced) -> None:
    run = cadenced.run(cadenced.partitions[1].key).plan.run_id
    found = reproduce(cadenced.runner, run)
    assert (found.different, found.miscounted) == (0, [])
    assert found.rows == len(cadenced.handed_in(cadenced.partitions[1]))


def test_what_was_quarantined_is_replayed_into_its_partition(cadenced: Cadenced) -> None:
    partition = cadenced.partitions[1]
    wrong, *_ = cadenced.handed_in(partition)
    lenient = cadenced.declared(max_quarantined_share=0.5)
    cadenced.execute(f"UPDATE parcels.handed_in SET weight_kg = -1 WHERE parcel_id = {wrong}")
    lenient.run(partition.key)
    assert wrong not in cadenced.keys()[cadenced.told(partition)]
    cadenced.execute(f"UPDATE parcels.handed_in SET weight_kg = 1 WHERE parcel_id = {wrong}")
    replay(lenient.runner, partition.key)
    assert cadenced.keys() == {cadenced.told(partition): cadenced.handed_in(partition)}


def test_what_has_not_landed_is_refused(cadenced: Cadenced) -> None:
    before, last = cadenced.partitions[-2:]
    cadenced.execute(f"DELETE FROM parcels.handed_in WHERE handed_in_at >= '{last.start}'")
    with pytest.raises(SourceNotLanded, match="The source "):
        cadenced.run(last.key)
    cadenced.run(before.key)
    assert list(cadenced.keys()) == [cadenced.told(before)]


@pytest.mark.parametrize("cadenced", IN_THE_WAREHOUSE, ids=str, indirect=True)
def test_a_model_that_has_seen_what_came_after_is_refused(cadenced: Cadenced) -> None:
    calendar = cadenced.pipeline.calendar
    early = calendar.before(calendar.at(datetime(2024, 3, 6, tzinfo=UTC)))
    assert early.last_complete_day < TRAINED_THROUGH
    source = _SOURCE.replace("100000", "900000")
    cadenced.execute(source.format(first=calendar.before(early).start, last=early.end, step=cadenced.step))
    with pytest.raises(ModelRefused, match=f"has seen days through {TRAINED_THROUGH}"):
        cadenced.run(early.key)
    cadenced.run(early.key, allow_leakage=True)
    assert cadenced.value(f"SELECT bool_and(leakage_allowed) FROM predictions.{NAME}")


@pytest.mark.parametrize("cadenced", IN_THE_WAREHOUSE, ids=str, indirect=True)
def test_a_partition_of_another_cadence_is_refused(cadenced: Cadenced) -> None:
    cadenced.run(cadenced.partitions[0].key)
    other = Month() if not isinstance(cadenced.pipeline.every, Month) else Day()
    changed = cadenced.declared(every=other)
    key = changed.pipeline.calendar.at(cadenced.partitions[0].start).key
    with pytest.raises(PartitionRefused, match="had another cadence"):
        changed.run(key)


def test_partitions_are_measured_watched_and_missed_by_their_keys(cadenced: Cadenced) -> None:
    first, second = cadenced.partitions[:2]
    for partition in (first, second):
        cadenced.run(partition.key)
    found = measure(cadenced.workspace, cadenced.pipeline)
    assert [(one.partition, one.predictions) for one in found] == [
        (one.key, len(cadenced.handed_in(one))) for one in (first, second)
    ]
    [again] = measure(cadenced.workspace, cadenced.pipeline, second, second)
    assert again.partition == second.key
    watched = watch_newest(cadenced.workspace, cadenced.pipeline)
    assert watched is not None
    assert watched.partition == second.key
    calendar = cadenced.pipeline.calendar
    wanted = calendar.between(first, calendar.after(second))
    missing = choose_partitions(cadenced.workspace, cadenced.pipeline, wanted, {MISSING})
    assert [one.partition for one in missing] == [calendar.after(second)]
