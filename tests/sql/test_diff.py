"""Diff: which rows of a partition came, left and differ between two runs, or would if it were published now."""

from collections.abc import Iterator
from typing import Any

import pytest

from cascades import Cascade
from daybreak.batch.chunk import Scored
from daybreak.errors import ConfigurationError, PublicationRefused
from daybreak.run.diff import Difference, Segment, diff_dry_run, diff_publications
from daybreak.run.runner import Runner
from parcels import DAY, SHORT_DAY, Parcels, hold_no_transaction_open

CHANGE = (
    "DELETE FROM parcels.handed_in WHERE parcel_id BETWEEN 8000 AND 8006",
    "UPDATE parcels.handed_in SET distance_km = distance_km + 400 WHERE parcel_id BETWEEN 8100 AND 8119",
)


def counts(segment: Segment) -> tuple[int, int, int, int]:
    return segment.left, segment.came, segment.differ, segment.same


def changed(parcels: Parcels) -> tuple[Difference, dict[Any, float], dict[Any, float]]:
    """Publish the day, change the source, publish it again; return the difference and what was shown."""
    before = parcels.forecasts()
    parcels.execute(*CHANGE)
    parcels.run()
    return diff_publications(parcels.runner, str(DAY), None), before, parcels.forecasts()


def test_rows_that_left_and_differ_are_counted_and_those_that_differ_most_are_named(parcels: Parcels) -> None:
    found, before, after = changed(parcels)
    both = before.keys() & after.keys()
    moved = {key: after[key] - before[key] for key in both if after[key] != before[key]}
    assert moved
    assert counts(found.total) == (7, 0, len(moved), len(both) - len(moved))
    assert found.key == ("depot", "parcel_id")
    widest = sorted(moved, key=lambda key: (-abs(moved[key]), key))[:10]
    assert [(depot, int(parcel)) for depot, parcel, _, _ in found.largest] == widest
    assert [later - earlier for *_, earlier, later in found.largest] == [moved[key] for key in widest]
    assert found.spread is not None
    assert (found.spread[0], found.spread[-1]) == (min(0, *moved.values()), max(0, *moved.values()))
    assert found.total.mean_difference == pytest.approx(sum(map(abs, moved.values())) / len(both))


def test_the_other_way_round_rows_came(parcels: Parcels) -> None:
    found, *_ = changed(parcels)
    later, earlier = found.later_run, found.earlier_run
    assert later is not None
    again = diff_publications(parcels.runner, str(DAY), (later, earlier))
    assert counts(again.total) == (0, 7, found.total.differ, found.total.same)


def test_who_takes_predictions_and_fails_leaves_no_transaction_of_the_source_open(parcels: Parcels) -> None:
    def fail(predictions: Iterator[Scored]) -> None:
        next(predictions)
        raise PublicationRefused("No room.", next_step="make some.")

    pipeline = parcels.declared(chunk_rows=10).pipeline  # so many chunks that the source is still being read
    with pytest.raises(PublicationRefused) as kept:
        Runner(parcels.workspace, pipeline, unpublished=fail).run(parcels.plan(dry_run=True))
    hold_no_transaction_open(parcels)
    assert kept.value.partition == str(DAY)


def test_a_dry_run_says_the_same_beforehand_and_leaves_what_is_current(parcels: Parcels) -> None:
    shown, current = parcels.forecasts(), parcels.current()
    parcels.execute(*CHANGE)
    beforehand = diff_dry_run(parcels.runner, parcels.plan(dry_run=True))
    assert (parcels.forecasts(), parcels.current()) == (shown, current)
    dry = parcels.last_run()
    assert (dry["state"], parcels.stored(dry["run_id"])) == ("checked", 0)

    parcels.run()
    found = diff_publications(parcels.runner, str(DAY), None)
    assert (beforehand.later_run, beforehand.earlier_run) == (None, found.earlier_run)
    assert (beforehand.segments, beforehand.spread, beforehand.largest) == (found.segments, found.spread, found.largest)


def test_rows_are_counted_by_any_column_that_is_kept(parcels: Parcels) -> None:
    changed(parcels)
    found = diff_publications(parcels.runner, str(DAY), None, by="depot")
    assert {segment.segment for segment in found.segments} == {key[0] for key in parcels.forecasts()}
    assert sum(segment.left for segment in found.segments) == 7
    with pytest.raises(ConfigurationError, match=r"keeps no column 'colour'.*choose from depot"):
        diff_publications(parcels.runner, str(DAY), None, by="colour")


def test_labels_are_counted_from_one_to_the_other_and_lists_by_segment(cascade: Cascade) -> None:
    cascade.carriers.run()
    cascade.classes.run()
    before = cascade.classes_shown()
    first, second = sorted(set(before.values()))[:2]
    newest = "run_id = (SELECT max(run_id) FROM predictions.parcel_classes_runs)"
    cascade.reclassify(f"{newest} AND parcel_class = '{first}' AND parcel_id < 8200", second)
    cascade.carriers.run()

    moved = sum(parcel_class == first and parcel < 8200 for (_, parcel), parcel_class in before.items())
    assert moved
    of_classes = diff_publications(cascade.classes.runner, str(DAY), None)
    assert (of_classes.spread, of_classes.total.mean_difference) == (None, None)
    assert of_classes.moved == [(first, second, moved)]
    assert of_classes.total.differ == moved
    of_lists = diff_publications(cascade.carriers.runner, str(DAY), None)
    assert {segment.segment for segment in of_lists.segments} <= set(cascade.classes_shown().values())
    assert of_lists.total.left + of_lists.total.same + of_lists.total.differ > 0


def test_columns_may_be_called_what_the_comparison_calls_its_own(parcels: Parcels) -> None:
    parcels.execute(
        "DROP VIEW predictions.parcel_hours, predictions.parcel_hours_ever CASCADE",
        "DROP TABLE predictions.parcel_hours_runs",
    )
    columns = "SELECT parcel_id AS state, depot AS before, 1 AS there, 2 AS segment, features.*"
    parcels.rewrite("extract", "SELECT *", columns)
    own = parcels.declared(entity_key=("before", "state"), carries=("there", "segment"))
    own.run()
    own.execute("DELETE FROM parcels.handed_in WHERE parcel_id = 8000")
    own.run()
    found = diff_publications(own.runner, str(DAY), None, by="segment")
    assert [(s.segment, *counts(s)) for s in found.segments] == [("2", 1, 0, 0, 399)]


def test_what_cannot_be_compared_is_refused(parcels: Parcels) -> None:
    with pytest.raises(PublicationRefused, match=r"published once only.*--dry-run"):
        diff_publications(parcels.runner, str(DAY), None)
    with pytest.raises(PublicationRefused, match="Nothing is published"):
        diff_publications(parcels.runner, str(SHORT_DAY), None)
    [current] = parcels.current()
    other = parcels.run(SHORT_DAY).plan.run_id
    with pytest.raises(PublicationRefused, match=rf"Run {other} is of parcel_hours {SHORT_DAY}, and published"):
        diff_publications(parcels.runner, str(DAY), (current, other))
    dry = parcels.run(dry_run=True).plan.run_id
    with pytest.raises(PublicationRefused, match="and checked"):
        diff_publications(parcels.runner, str(DAY), (current, dry))
