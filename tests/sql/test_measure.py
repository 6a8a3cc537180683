"""Measure: published predictions against actuals, by hand on the same rows; late actuals, shadows, refusals."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from daybreak.declaration.cadence import Hour, Month, Week
from daybreak.declaration.source_tables import StateTable
from daybreak.errors import ConfigurationError, SourceRefused
from daybreak.monitoring.measure import Measured, Measuring, measure
from daybreak.monitoring.target_periods import TargetPeriods
from models import fitted
from parcels import DAY, Parcels

LATER = datetime(2024, 6, 1, tzinfo=UTC)


def measured(parcels: Parcels, **days: Any) -> list[Measured]:
    return measure(parcels.workspace, parcels.pipeline, **days)


def metrics(parcels: Parcels, by: str = "", role: str = "champion") -> dict[tuple[str, str], float]:
    query = "SELECT segment, metric, value FROM ledger.performance WHERE segment_by = %s AND role = %s"
    return {(segment, metric): value for segment, metric, value in parcels.rows(query, by, role)}


def errors(parcels: Parcels, where: str = "true") -> np.ndarray:
    """Return prediction minus actual, as the database has them."""
    found = parcels.rows(
        "SELECT predicted_hours - hours_taken FROM predictions.parcel_hours "
        f"JOIN parcels.handed_in USING (depot, parcel_id) WHERE partition_date = '{DAY}' AND {where}"
    )
    return np.array([value for (value,) in found])


def test_the_metrics_are_those_reckoned_by_hand(parcels: Parcels) -> None:
    [found] = measured(parcels)
    error = errors(parcels)
    assert (found.partition, found.rows, found.predictions, found.problem) == (str(DAY), 400, 400, None)
    assert metrics(parcels) == {
        ("(all)", "mae"): pytest.approx(np.abs(error).mean()),
        ("(all)", "rmse"): pytest.approx(np.sqrt((error**2).mean())),
        ("(all)", "bias"): pytest.approx(error.mean()),
    }
    north = errors(parcels, "depot = 'north'")
    assert metrics(parcels, "depot")["north", "rmse"] == pytest.approx(np.sqrt((north**2).mean()))
    assert {segment for segment, _ in metrics(parcels, "depot")} == {"north", "south", "west"}


def test_what_was_measured_is_kept_with_run_and_version(parcels: Parcels) -> None:
    measured(parcels)
    kept = "SELECT DISTINCT pipeline, partition_date, run_id, role, model_name, model_version FROM ledger.performance"
    assert parcels.rows(kept) == [("parcel_hours", DAY, parcels.current()[0], "champion", "parcel_hours", 1)]


def test_late_actuals_are_measured_again(parcels: Parcels) -> None:
    parcels.execute("ALTER TABLE parcels.handed_in ADD COLUMN later double precision")
    parcels.execute("UPDATE parcels.handed_in SET later = hours_taken, hours_taken = NULL WHERE parcel_id % 4 = 0")
    [found] = measured(parcels)
    assert (found.rows, found.predictions) == (300, 400)
    before = metrics(parcels)["(all)", "rmse"]
    parcels.execute("UPDATE parcels.handed_in SET hours_taken = later + 10 WHERE hours_taken IS NULL")
    [found] = measured(parcels)
    assert (found.rows, found.predictions) == (400, 400)
    assert metrics(parcels)["(all)", "rmse"] > before
    assert parcels.value("SELECT count(*) FROM ledger.performance WHERE segment_by = ''") == 3


def test_without_actuals_nothing_is_written(parcels: Parcels) -> None:
    parcels.execute("UPDATE parcels.handed_in SET hours_taken = NULL")
    [found] = measured(parcels)
    assert found.problem == "no actuals yet"
    assert metrics(parcels) == {}


def test_an_entity_key_twice_among_the_actuals_is_refused(parcels: Parcels) -> None:
    parcels.rewrite(
        "actuals", "FROM parcels.handed_in", "FROM (TABLE parcels.handed_in UNION ALL TABLE parcels.handed_in) h"
    )
    with pytest.raises(SourceRefused, match=r"actuals.sql gives 400 entity keys more than once. Next: give each"):
        measured(parcels)


def test_a_missing_file_and_a_missing_column_are_refused(parcels: Parcels) -> None:
    with pytest.raises(ConfigurationError, match="does not say what it measures"):
        measured(parcels.declared(measures=None, measured_by=None))
    parcels.rewrite("actuals", "hours_taken AS actual", "hours_taken AS hours")
    with pytest.raises(ConfigurationError, match=r"actuals\.sql gives no column actual"):
        measured(parcels)
    parcels.workspace.sql(parcels.pipeline, "actuals").unlink()
    with pytest.raises(ConfigurationError, match=r"There is no sql/parcel_hours/actuals\.sql"):
        measured(parcels)


def test_a_day_of_long_ago_is_due_if_it_was_run_lately_as_by_a_backfill(parcels: Parcels) -> None:
    later = [DAY + timedelta(days=n) for n in (1, 2)]
    for day in later:
        parcels.run(day)
    old, moved = "2023-03-09", "UPDATE ledger.publications SET partition_key = '{0}', partition_date = '{0}'"
    parcels.execute(f"{moved.format(old)} WHERE partition_date = '{DAY}'")
    measuring = Measuring(parcels.workspace, parcels.pipeline)
    assert [key for key, _ in measuring.due()] == [old, *map(str, later)]
    parcels.execute("UPDATE ledger.runs SET started_at = started_at - interval '30 days'")
    assert [key for key, _ in measuring.due()] == [*map(str, later)]


def test_the_range_and_the_days_that_are_due(parcels: Parcels) -> None:
    parcels.run(DAY + timedelta(days=1))
    assert [found.partition for found in measured(parcels)] == [str(DAY), str(DAY + timedelta(days=1))]
    day = parcels.pipeline.calendar.partition(str(DAY))
    assert [found.partition for found in measured(parcels, first=day, last=day)] == [day.key]
    again = parcels.run(DAY).plan.run_id
    assert [found.run_id for found in measured(parcels, first=day, last=day)] == [again]


def test_champion_and_shadow_are_measured_on_the_same_rows(parcels: Parcels) -> None:
    shadowed = parcels.shadowed()
    challenger = parcels.challenge(*fitted(parcels)).version
    shadowed.run(DAY)
    parcels.execute("DELETE FROM predictions.parcel_hours_shadow WHERE parcel_id % 2 = 0")
    [found] = measured(shadowed)
    assert (found.rows, found.predictions) == (200, 400)
    assert metrics(parcels)["(all)", "rmse"] == pytest.approx(
        np.sqrt((errors(parcels, "parcel_id & 1 = 1") ** 2).mean())
    )
    kept = "SELECT DISTINCT role, model_version, rows FROM ledger.performance WHERE segment_by = '' ORDER BY role"
    assert parcels.rows(kept) == [("champion", 1, 200), ("shadow", challenger, 200)]


def test_a_pipeline_of_which_nothing_was_published_yet_has_nothing_to_be_measured(parcels: Parcels) -> None:
    parcels.execute("UPDATE ledger.publications SET withdrawn_at = clock_timestamp()")
    assert measured(parcels) == []
    assert parcels.rows("SELECT * FROM ledger.performance") == []


@pytest.mark.parametrize(
    ("changes", "key", "now", "told"),
    [
        ({}, "2024-03-11", LATER, None),
        ({}, "2024-03-12", LATER, "what it predicts is over with 2024-03-13, the source has days through 2024-03-12"),
        ({}, "2024-03-11", datetime(2024, 3, 13, 3, tzinfo=UTC), "what it predicts is over with 2024-03-12"),
        ({}, "2024-03-11", datetime(2024, 3, 13, 5, tzinfo=UTC), None),
        ({"target_days": 0}, "2024-03-12", LATER, None),
        ({"target_days": 7, "every": Week()}, "2024-02-26", LATER, None),
        (
            {"target_days": 7, "every": Week()},
            "2024-03-04",
            LATER,
            "what it predicts is over with 2024-03-17, the source ",
        ),
        ({"target_days": 31, "every": Month()}, "2024-01", LATER, None),
        ({"target_days": 31, "every": Month()}, "2024-02", LATER, "what it predicts is over with 2024-03-31, the "),
        ({"every": Hour()}, "2024-03-12T10", datetime(2024, 3, 12, 15, 30, tzinfo=UTC), "over at 2024-03-12 16:00 UTC"),
        ({"every": Hour()}, "2024-03-12T10", LATER, None),
        ({"reads": StateTable(table="sources.parcels")}, "2024-03-12", LATER, None),
        ({"target": None, "groups": ()}, "2024-03-12", LATER, None),
    ],
)
def test_a_target_is_over_by_the_clock_and_by_the_source(
    parcels: Parcels, changes: dict[str, Any], key: str, now: datetime, told: str | None
) -> None:
    pipeline = parcels.declared(**changes).pipeline
    partition = pipeline.calendar.partition(key)
    found = TargetPeriods(parcels.workspace, pipeline).not_over(partition, now)
    assert (found is None) == (told is None), found
    assert (told or "") in (found or "")


def test_a_partition_whose_target_is_not_over_is_not_measured(parcels: Parcels) -> None:
    parcels.execute("UPDATE ledger.publications SET partition_key = '2024-03-12', partition_date = '2024-03-12'")
    [found] = measured(parcels)
    assert str(found.problem).startswith("what it predicts is over with 2024-03-13")
    assert metrics(parcels) == {}
