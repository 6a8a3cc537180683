"""Corrections: what has changed in the source since a partition was published is found, and run again."""

from datetime import timedelta

import pytest

from daybreak.errors import ConfigurationError
from daybreak.run.backfill import OUTDATED, choose_partitions, partitions_to_run
from daybreak.run.replay import replay
from daybreak.run.source_state import count_untold
from parcels import DAY, SHORT_DAY, Parcels

COUNTED = """-- One row: how many parcels were handed in in the window, their weight, and the last of them.
SELECT count(*) AS parcels, sum(weight_kg) AS kilograms, max(handed_in_at) AS newest
FROM parcels.handed_in
WHERE handed_in_at >= :start AND handed_in_at < :end
"""


@pytest.fixture
def telling(parcels: Parcels) -> Parcels:
    """Have the source tell when it has changed, from the first runs on."""
    parcels.workspace.sql(parcels.pipeline, "extract").with_name("changed.sql").write_text(COUNTED)
    parcels.run(DAY)
    parcels.run(SHORT_DAY)
    return parcels


def outdated(parcels: Parcels) -> list[str]:
    return [one.partition.key for one in partitions_to_run(parcels.workspace, parcels.pipeline, {OUTDATED})]


def correct(parcels: Parcels, day: object) -> None:
    local = "(handed_in_at AT TIME ZONE 'America/New_York')::date"
    parcels.execute(f"UPDATE parcels.handed_in SET weight_kg = weight_kg + 1 WHERE {local} = '{day}' AND pieces = 2")


def test_a_late_correction_is_found_and_gone_when_it_is_run_again(telling: Parcels) -> None:
    assert outdated(telling) == []
    correct(telling, SHORT_DAY)
    assert outdated(telling) == [str(SHORT_DAY)]
    [found] = partitions_to_run(telling.workspace, telling.pipeline, {OUTDATED})
    assert found.says == f"run {telling.last_run()['run_id']} is current; its source has changed since"
    telling.run(SHORT_DAY)
    assert outdated(telling) == []


def test_what_a_run_saw_is_in_the_ledger_whatever_the_sessions_zone(telling: Parcels) -> None:
    saw = telling.last_run()["source_state"]
    assert saw.keys() == {"parcels", "kilograms", "newest"}
    assert (saw["parcels"], saw["newest"][-6:]) == ("400", "+00:00")
    telling.execute(f"ALTER DATABASE {telling.value('SELECT current_database()')} SET timezone = 'Asia/Kolkata'")
    telling.workspace.warehouse.engine.dispose()
    assert outdated(telling) == []


def test_a_rollback_to_a_run_that_saw_something_else_is_outdated(telling: Parcels) -> None:
    correct(telling, DAY)
    telling.run(DAY)
    telling.runner.publisher.roll_back(str(DAY))
    assert outdated(telling) == [str(DAY)]


def test_a_replay_keeps_what_its_parent_saw(telling: Parcels) -> None:
    telling.execute("UPDATE parcels.handed_in SET weight_kg = -1 WHERE parcel_id = 8003")
    telling.run(DAY)
    telling.execute("UPDATE parcels.handed_in SET weight_kg = 1 WHERE parcel_id = 8003")
    correct(telling, DAY)
    replay(telling.runner, str(DAY))
    assert outdated(telling) == [str(DAY)], "the other rows are as they were extracted"


def test_runs_from_before_are_not_called_outdated_but_counted(parcels: Parcels) -> None:
    parcels.workspace.sql(parcels.pipeline, "extract").with_name("changed.sql").write_text(COUNTED)
    correct(parcels, DAY)
    assert outdated(parcels) == []
    assert count_untold(parcels.workspace, parcels.pipeline) == 1
    parcels.run(DAY)
    assert count_untold(parcels.workspace, parcels.pipeline) == 0


def test_who_does_not_tell_is_asked_to(parcels: Parcels) -> None:
    wanted = [parcels.pipeline.calendar.partition(str(DAY + timedelta(days=n))) for n in range(2)]
    with pytest.raises(ConfigurationError, match=r"write sql/parcel_hours/changed\.sql"):
        choose_partitions(parcels.workspace, parcels.pipeline, wanted, {OUTDATED})


@pytest.mark.parametrize("query", ["SELECT 1 AS a LIMIT 0", "SELECT generate_series(1, 3) AS a"])
def test_one_row_is_wanted(telling: Parcels, query: str) -> None:
    telling.workspace.sql(telling.pipeline, "extract").with_name("changed.sql").write_text(query)
    with pytest.raises(ConfigurationError, match="not one"):
        telling.run(DAY)
