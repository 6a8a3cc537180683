"""Measure rankings: lists against what was chosen; a list of which nothing was chosen counts, too."""

import pytest

from cascades import Cascade
from daybreak.aliases import point_alias
from daybreak.measure import measure
from daybreak.pipeline import ModelRef
from fixture_pipelines.parcel_carriers.training import build, sample
from parcels import ROWS, TRAINED_THROUGH


def test_what_is_not_among_the_actuals_was_not_chosen(cascade: Cascade) -> None:
    ranked = cascade.declared(measures="ranking", measured_by="parcel_class").carriers
    ranked.run()
    [found] = measure(ranked.workspace, ranked.pipeline)
    assert (found.rows, found.predictions, found.problem) == (2 * ROWS, 2 * ROWS, None)
    # Every list names carriers 4 and 3. One parcel in four went to carrier 4, two to carrier 1, one nowhere.
    kept = ranked.rows("SELECT value, rows FROM ledger.performance WHERE segment_by = '' AND metric = 'precision_at_5'")
    assert kept == [(pytest.approx(1 / 4 / 5), ROWS)]


def test_a_challengers_lists_do_not_change_what_is_measured_of_the_champion(cascade: Cascade) -> None:
    ranked = cascade.declared(measures="ranking").carriers.shadowed()
    for ref in ranked.pipeline.model_refs:
        version = ranked.workspace.registry.register(
            ref.name, build(0.5, -0.01), sample().head(3), trained_through=TRAINED_THROUGH
        )
        point_alias(ranked.workspace, ModelRef(ref.name, "challenger"), version.version, "test")
    shadow = ranked.run().shadow
    assert shadow is not None
    assert shadow.rows_scored == 4 * ROWS, shadow
    [found] = measure(ranked.workspace, ranked.pipeline)
    assert found.metrics == {"champion": pytest.approx(1 / 4 / 5)}


def test_each_segment_is_measured_by_itself(cascade: Cascade) -> None:
    ranked = cascade.declared(measures="ranking", measured_by="parcel_class").carriers
    ranked.run()
    measure(ranked.workspace, ranked.pipeline)
    by_class: dict[str, list[float]] = {}
    for (_, parcel), listed in cascade.lists_shown().items():
        by_class.setdefault(listed[0][2], []).append((parcel % 4 == 2) / 5)
    kept = ranked.rows("SELECT segment, value, rows FROM ledger.performance WHERE segment_by = 'parcel_class'")
    assert {segment: (value, rows) for segment, value, rows in kept} == {
        segment: (pytest.approx(sum(hits) / len(hits)), len(hits)) for segment, hits in by_class.items()
    }
