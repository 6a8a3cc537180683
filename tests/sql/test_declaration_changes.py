"""Runs before and after a change of the declaration: both are published, and both can be derived again."""

import pytest

from daybreak.declaration.pipeline import Top
from daybreak.errors import PublicationRefused
from daybreak.run.replay import replay
from daybreak.run.reproduce import reproduce
from parcels import DAY, ROWS, SHORT_DAY, Parcels
from sql.conftest import break_weights

WIDER = "ALTER TABLE parcels.handed_in ALTER parcel_id TYPE bigint"
KIND = (
    "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
    "WHERE attrelid = 'predictions.parcel_hours_runs'::regclass AND attname = 'parcel_id'"
)


def test_the_first_run_of_a_pipeline_makes_its_tables(parcels: Parcels) -> None:
    parcels.execute(
        "DROP VIEW predictions.parcel_hours, predictions.parcel_hours_ever", "DROP TABLE predictions.parcel_hours_runs"
    )
    parcels.run(SHORT_DAY)
    assert len(parcels.forecasts(SHORT_DAY)) == ROWS


def test_a_key_that_was_widened_is_derived_again_and_replayed_as_it_was(parcels: Parcels) -> None:
    break_weights(parcels, 4)
    first = parcels.run().plan.run_id
    before = parcels.forecasts()
    parcels.execute(WIDER, "UPDATE parcels.handed_in SET weight_kg = 1 WHERE weight_kg >= 1000")
    # Nothing tells that the source has changed, unless it is looked at.
    with pytest.raises(Exception, match=r"predictions keep int32. Next: .* `daybreak tables`"):
        parcels.run()
    wider = parcels.shadowed()
    assert parcels.value(KIND) == "bigint"
    assert wider.forecasts() == before
    assert reproduce(wider.runner, first).different == 0
    _, counts, publication = replay(wider.runner, str(DAY))
    assert publication.published
    assert (counts.rows_scored, counts.rows_quarantined) == (ROWS, 0)
    assert {key: hours for key, hours in wider.forecasts().items() if key in before} == before
    second = wider.run().plan.run_id
    assert [reproduce(wider.runner, run).different for run in (first, publication.run_id, second)] == [0, 0, 0]


def test_a_run_of_before_a_column_was_carried_is_derived_again(parcels: Parcels) -> None:
    first = parcels.run().plan.run_id
    carrying = parcels.declared(carries=("zone",))
    second = carrying.run(SHORT_DAY).plan.run_id
    found = reproduce(carrying.runner, first)
    assert (found.rows, found.different) == (ROWS, 0)
    assert "nothing was kept of zone then" in found.changed
    parcels.execute(
        f"UPDATE predictions.parcel_hours_runs SET zone = 'other' WHERE run_id = {second} AND zone = 'city'"
    )
    assert reproduce(carrying.runner, second).different > 0
    # The snapshot of a later column is another one.
    parcels.rewrite("features", "    remark", "    remark,\n    upper(zone) AS zone_name")
    later = parcels.declared(carries=("zone", "zone_name"))
    later.run(SHORT_DAY)
    assert reproduce(later.runner, first).different == 0


def test_a_run_of_before_only_the_best_were_published_is_derived_again(parcels: Parcels) -> None:
    first = parcels.run().plan.run_id
    best = parcels.declared(top=Top(3, within=("depot",)))
    second = best.run(SHORT_DAY).plan.run_id
    assert (reproduce(best.runner, first).rows, reproduce(best.runner, first).different) == (ROWS, 0)
    assert (reproduce(best.runner, second).rows, reproduce(best.runner, second).different) == (9, 0)
    parcels.run(SHORT_DAY)
    with pytest.raises(PublicationRefused, match=r"published the best of each group alone.* Next: declare its top"):
        reproduce(parcels.runner, second)
