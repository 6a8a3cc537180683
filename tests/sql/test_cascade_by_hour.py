"""A cascade by the hour: an hour is made from the same hour, where the clocks skip one too."""

import shutil

import pytest

from cascades import KEPT, Cascade
from daybreak.declaration.cadence import Hour
from daybreak.errors import PartitionRefused
from daybreak.ledger.stale import list_stale
from fixture_pipelines import PARCEL_CARRIERS, PARCEL_CLASSES
from parcels import Parcels


def by_hour(cascade: Cascade) -> tuple[Parcels, Parcels]:
    """Declare both pipelines by the hour, under names and with queries of their own."""
    sql = cascade.workspace.settings.sql
    for pipeline in (PARCEL_CLASSES, PARCEL_CARRIERS):
        copied = shutil.copytree(sql / pipeline.name, sql / f"hourly_{pipeline.name}")
        extract = copied / "extract.sql"
        extract.write_text(extract.read_text().replace("predictions.parcel_", "predictions.hourly_parcel_"))
    classes = cascade.classes.declared(name="hourly_parcel_classes", every=Hour())
    carriers = cascade.carriers.declared(name="hourly_parcel_carriers", every=Hour(), upstream=classes.pipeline.name)
    return classes, carriers


def test_an_hour_is_made_from_the_same_hour_and_stale_when_that_is_published_again(cascade: Cascade) -> None:
    classes, carriers = by_hour(cascade)
    # The clocks of that day skip from one to three.
    before, after = "2024-03-10T01", "2024-03-10T03"
    with pytest.raises(PartitionRefused, match=f"has published nothing for {after}"):
        carriers.run(after)
    for hour in (before, after):
        made = classes.run(hour).plan.run_id
        assert carriers.run(hour).plan.upstream_run_id == made
    kept = (
        "SELECT partition_start, count(*), count(DISTINCT (depot, parcel_id)) FROM predictions.hourly_parcel_carriers "
        "GROUP BY 1 ORDER BY 1"
    )
    calendar = carriers.pipeline.calendar
    hours = [calendar.partition(hour) for hour in (before, after)]
    assert [hour.start for hour in hours[1:]] == [hour.end for hour in hours[:1]]
    handed_in = "SELECT count(*) FROM parcels.handed_in WHERE handed_in_at >= %s AND handed_in_at < %s"
    parcels = [carriers.value(handed_in, hour.start, hour.end) for hour in hours]
    assert carriers.rows(kept) == [
        (hour.start, KEPT * count, count) for hour, count in zip(hours, parcels, strict=True)
    ]
    classes.run(after)
    [stale] = list_stale(cascade.workspace.ledger)
    assert (stale["pipeline"], stale["partition_key"]) == ("hourly_parcel_carriers", after)
    assert list_stale(cascade.workspace.ledger, "hourly_parcel_classes", before) == []
    carriers.run(after)
    assert list_stale(cascade.workspace.ledger) == []
