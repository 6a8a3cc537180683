"""Measure rankings: lists against what was chosen; a list of which nothing was chosen counts, too."""

import pytest

from cascades import Cascade
from daybreak.cli.model_tables import print_models
from daybreak.declaration.segments import ModelRef
from daybreak.models.aliases import Decision
from daybreak.monitoring.measure import measure
from fixture_pipelines.parcel_carriers.training import build, sample
from parcels import ROWS, TRAINED_THROUGH, Parcels

MODELS = {"near": "carriers_near", "middling": "carriers_middling", "far": "carriers_any"}


def test_what_is_not_among_the_actuals_was_not_chosen(cascade: Cascade) -> None:
    ranked = cascade.declared(measures="ranking", measured_by="parcel_class").carriers
    ranked.run()
    [found] = measure(ranked.workspace, ranked.pipeline)
    assert (found.rows, found.predictions, found.problem) == (2 * ROWS, 2 * ROWS, None)
    # Every list names carriers 4 and 3. One parcel in four went to carrier 4, two to carrier 1, one nowhere.
    kept = ranked.rows("SELECT value, rows FROM ledger.performance WHERE segment_by = '' AND metric = 'precision_at_5'")
    assert kept == [(pytest.approx(1 / 4 / 5), ROWS)]


@pytest.fixture
def shadowed(cascade: Cascade) -> Parcels:
    """Publish lists of carriers 4 and 3; the challengers of two of the three models name 1 and 2."""
    ranked = cascade.declared(measures="ranking", measured_by="parcel_class").carriers.shadowed()
    for name in (MODELS["near"], MODELS["far"]):
        version = ranked.workspace.registry.register(
            name, build(0.5, -0.01), sample().head(3), trained_through=TRAINED_THROUGH
        )
        ranked.workspace.aliases(ModelRef(name, "challenger")).move(version.version, Decision("test"))
    shadow = ranked.run().shadow
    assert shadow is not None
    assert shadow.rows_scored == 4 * ROWS, shadow
    return ranked


def kept(ranked: Parcels, by: str, role: str) -> dict[str, tuple[float, int]]:
    query = "SELECT segment, value, rows FROM ledger.performance WHERE segment_by = %s AND role = %s"
    return {segment: (value, rows) for segment, value, rows in ranked.rows(query, by, role)}


def test_a_challengers_lists_are_measured_for_the_same_groups(shadowed: Parcels, cascade: Cascade) -> None:
    [found] = measure(shadowed.workspace, shadowed.pipeline)
    assert (found.rows, found.predictions) == (2 * ROWS, 2 * ROWS)
    # Odd parcels went to carrier 1. Those in the middle have no challenger: their champion named 4 and 3 once more.
    hits: dict[str, list[bool]] = {}
    for (_, parcel), parcel_class in cascade.classes_shown().items():
        hits.setdefault(parcel_class, []).append(parcel % 4 == 2 if parcel_class == "middling" else parcel % 2 == 1)
    expected = {name: (pytest.approx(sum(found) / len(found) / 5), len(found)) for name, found in hits.items()}
    assert set(expected) == set(MODELS)
    assert kept(shadowed, "parcel_class", "shadow") == expected
    assert kept(shadowed, "(model)", "shadow") == {MODELS[name]: figures for name, figures in expected.items()}
    share = sum(map(sum, hits.values())) / ROWS / 5
    assert kept(shadowed, "", "shadow") == {"(all)": (pytest.approx(share), ROWS)}
    assert found.metrics == {"champion": pytest.approx(1 / 4 / 5), "shadow": pytest.approx(share)}


def test_groups_that_the_challenger_has_no_list_for_are_measured_for_neither(shadowed: Parcels) -> None:
    shadowed.execute("DELETE FROM predictions.parcel_carriers_shadow WHERE parcel_id % 4 <> 2")
    [found] = measure(shadowed.workspace, shadowed.pipeline)
    assert found.predictions == 2 * ROWS
    assert kept(shadowed, "", "champion") == {"(all)": (pytest.approx(1 / 5), ROWS // 4)}
    assert kept(shadowed, "", "shadow")["(all)"][1] == ROWS // 4


def test_what_each_model_predicted_is_measured_with_its_version(shadowed: Parcels) -> None:
    measure(shadowed.workspace, shadowed.pipeline)
    found = shadowed.rows(
        "SELECT role, segment, model_name, model_version FROM ledger.performance WHERE segment_by = '(model)'"
    )
    versions = [("champion", 1, 1, 1), ("shadow", 2, 1, 2)]
    assert sorted(found) == sorted(
        (role, name, name, version)
        for role, *numbers in versions
        for name, version in zip(MODELS.values(), numbers, strict=True)
    )


def test_a_segments_challenger_stands_beside_its_champion_with_what_was_measured_live(
    shadowed: Parcels, capsys: pytest.CaptureFixture[str]
) -> None:
    measure(shadowed.workspace, shadowed.pipeline)
    print_models(shadowed.workspace, shadowed.workspace.registry.listed(MODELS["far"]))
    live = [line.split() for line in capsys.readouterr().out.splitlines() if "precision_at_5" in line]
    values = [kept(shadowed, "(model)", role)[MODELS["far"]][0] for role in ("champion", "shadow")]
    assert [line[:4] for line in live] == [["live,", "1", "partitions:", "precision_at_5"]]
    assert [float(value) for value in live[0][4:]] == [pytest.approx(value, abs=0.001) for value in values]


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
