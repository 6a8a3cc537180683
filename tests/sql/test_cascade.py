"""A cascade: one pipeline's publication decides which model scores a row of the next."""

import threading
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from sklearn.dummy import DummyRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from cascades import CARRIERS, KEPT, Cascade
from daybreak.declaration.segments import ModelRef, PerSegment
from daybreak.errors import ModelRefused, PartitionRefused, ScoringFailed, SourceRefused, TerminalError
from daybreak.ledger.stale import list_stale
from daybreak.models.aliases import Decision
from daybreak.promotion.promoting import promote
from daybreak.run.replay import replay
from daybreak.run.reproduce import reproduce
from fixture_pipelines.parcel_carriers.training import sample
from parcels import DAY, ROWS

NEAR, MIDDLING = ModelRef("carriers_near"), ModelRef("carriers_middling")
WITHOUT_FALLBACK = PerSegment("parcel_class", {"near": NEAR, "middling": MIDDLING})


@pytest.mark.parametrize("way", ["run", "run_by_tasks"])
def test_each_row_is_scored_by_the_model_of_its_segment_and_the_best_are_published(cascade: Cascade, way: str) -> None:
    getattr(cascade.carriers, way)()
    levels = {"near": 0.1, "middling": 0.4, "far": 0.7}
    classes, lists = cascade.classes_shown(), cascade.lists_shown()
    assert set(classes.values()) == set(levels)
    assert lists.keys() == classes.keys()
    for parcel, listed in lists.items():
        level = levels[classes[parcel]]
        assert [(carrier, parcel_class) for carrier, _, parcel_class in listed] == [
            (4, classes[parcel]),
            (3, classes[parcel]),
        ]
        np.testing.assert_allclose([likelihood for _, likelihood, _ in listed], [level + 0.04, level + 0.03])
    run = cascade.carriers.last_run()
    assert (run["rows_extracted"], run["rows_scored"], run["rows_kept"]) == (ROWS * CARRIERS,) * 2 + (ROWS * KEPT,)
    of_class = {name: CARRIERS * list(classes.values()).count(name) for name in levels}
    assert cascade.segments(run["run_id"]) == {
        "near": (of_class["near"], 0, 0, of_class["near"]),
        "middling": (of_class["middling"], 0, 0, of_class["middling"]),
        None: (of_class["far"], 0, 0, of_class["far"]),
    }


@pytest.mark.parametrize("way", ["run", "run_by_tasks"])
def test_without_a_fallback_rows_of_other_segments_are_quarantined_with_the_reason(cascade: Cascade, way: str) -> None:
    cascade.reclassify("parcel_class = 'far'", "near")
    cascade.reclassify("parcel_id = 8001", "elsewhere")
    cascade.reclassify("parcel_id = 8002", None)
    getattr(cascade.declared(model=WITHOUT_FALLBACK).carriers, way)()
    run_id = cascade.carriers.last_run()["run_id"]
    assert cascade.segments(run_id)[None] == (2 * CARRIERS, 2 * CARRIERS, 0, 0)
    reasons = cascade.carriers.rows(
        "SELECT reasons[1], count(*) FROM ledger.quarantine WHERE run_id = %s GROUP BY 1 ORDER BY 1", run_id
    )
    assert reasons == [("parcel_class: no model for segment 'elsewhere'", 4), ("parcel_class: null", 4)]
    assert len(cascade.lists_shown()) == ROWS - 2


def test_with_a_fallback_unknown_segments_and_none_go_to_it_and_are_counted_as_such(cascade: Cascade) -> None:
    cascade.reclassify("parcel_class = 'far'", "near")
    cascade.reclassify("parcel_id = 8001", "elsewhere")
    cascade.reclassify("parcel_id = 8002", None)
    outcome = cascade.carriers.run()
    assert cascade.segments(outcome.plan.run_id)[None] == (2 * CARRIERS, 0, 0, 2 * CARRIERS)
    by_parcel = {parcel: listed for (_, parcel), listed in cascade.lists_shown().items()}
    assert [round(by_parcel[parcel][0][1], 2) for parcel in (8001, 8002)] == [0.74, 0.74]


def test_a_segment_of_one_row_and_a_segment_of_none_add_up(cascade: Cascade) -> None:
    cascade.reclassify("true", "near")
    cascade.classes.execute("DELETE FROM predictions.parcel_classes_runs WHERE parcel_id > 8000")
    outcome = cascade.declared(top=None, chunk_rows=3).carriers.pipeline, cascade.carriers.run()
    assert cascade.segments(outcome[1].plan.run_id) == {"near": (4, 0, 0, 4), "middling": (0,) * 4, None: (0,) * 4}


def test_a_failing_segment_within_its_own_budget_takes_no_row_of_another_with_it(cascade: Cascade) -> None:
    cascade.register("carriers_near", 0, model=_raising_on_carrier(4))
    model = PerSegment("parcel_class", {"near": NEAR, "middling": MIDDLING}, ModelRef("carriers_any"), {"near": 0.25})
    outcome = cascade.declared(model=model).carriers.run()
    segments = cascade.segments(outcome.plan.run_id)
    near = segments["near"]
    assert near[2] == near[0] // CARRIERS > 0
    assert outcome.counts.rows_failed == near[2]
    assert all(failed == 0 for segment, (_, _, failed, _) in segments.items() if segment != "near")
    classes = cascade.classes_shown()
    assert {parcel for parcel, listed in cascade.lists_shown().items() if listed[0][0] == 4} == {
        parcel for parcel, found in classes.items() if found != "near"
    }


def test_a_segment_past_its_own_budget_stops_the_run_although_the_whole_is_within(cascade: Cascade) -> None:
    cascade.reclassify("parcel_class = 'near'", "middling")
    cascade.reclassify("parcel_id = 8001", "near")
    cascade.register("carriers_near", 0, model=_raising_on_carrier(4))
    with pytest.raises(ScoringFailed, match=r"1 rows of segment 'near' could not be scored, 0 are allowed"):
        cascade.carriers.run()
    assert cascade.lists_shown() == {}
    assert cascade.carriers.last_run()["state"] == "failed"


def test_a_segment_that_may_fail_altogether_leaves_the_others_published(cascade: Cascade) -> None:
    cascade.register("carriers_near", 0, model=DummyRegressor(strategy="constant", constant=7).fit(sample(), [1] * 4))
    model = PerSegment("parcel_class", {"near": NEAR, "middling": MIDDLING}, ModelRef("carriers_any"), {"near": 1})
    cascade.declared(model=model).carriers.run()
    assert cascade.lists_shown().keys() == {p for p, found in cascade.classes_shown().items() if found != "near"}


def test_the_database_refuses_segments_that_do_not_add_up_to_the_run(cascade: Cascade) -> None:
    run_id = cascade.carriers.run_by_tasks().run_id
    cascade.carriers.execute(
        f"UPDATE ledger.runs SET state = 'running' WHERE run_id = {run_id}",
        f"UPDATE ledger.run_segments SET rows_extracted = rows_extracted + 1, rows_scored = rows_scored + 1 "
        f"WHERE run_id = {run_id} AND position = 1",
    )
    with pytest.raises(sa.exc.IntegrityError, match="do not add up"):
        cascade.carriers.execute(f"UPDATE ledger.runs SET state = 'published' WHERE run_id = {run_id}")


def test_every_segments_version_is_resolved_in_the_plan_and_kept_when_aliases_move(cascade: Cascade) -> None:
    origin = "parcel_carriers/one"
    plan = cascade.carriers.plan(origin=origin)
    cascade.register("carriers_near", 0.2)
    again = cascade.carriers.plan(origin=origin)
    assert (again.run_id, again.model.digest) == (plan.run_id, plan.model.digest)
    cascade.carriers.runner.run(again)
    near = {p for p, found in cascade.classes_shown().items() if found == "near"}
    assert {round(listed[0][1], 2) for p, listed in cascade.lists_shown().items() if p in near} == {0.14}
    recorded = cascade.carriers.rows(
        "SELECT segment, model_name, model_version FROM ledger.run_segments WHERE run_id = %s ORDER BY position",
        plan.run_id,
    )
    assert recorded == [("near", "carriers_near", 1), ("middling", "carriers_middling", 1), (None, "carriers_any", 1)]


def test_a_segment_without_a_champion_is_refused_at_plan(cascade: Cascade) -> None:
    with pytest.raises(ModelRefused, match="nobody has no alias 'champion'"):
        cascade.declared(model=PerSegment("parcel_class", {"near": ModelRef("nobody")})).carriers.plan()


def test_a_missing_champion_of_a_segment_names_the_pipeline_that_trains_it(cascade: Cascade) -> None:
    cascade.classes.execute("DELETE FROM registered_model_aliases WHERE name = 'carriers_near'")
    with pytest.raises(ModelRefused, match=r"Model carriers_near has no alias .* `daybreak train parcel_carriers`"):
        cascade.carriers.plan()
    with pytest.raises(ModelRefused, match=r"has no alias 'challenger'.* `daybreak train parcel_carriers`"):
        promote(cascade.carriers.workspace, cascade.carriers.pipeline, model="carriers_near")


def test_one_version_cannot_be_forced_on_all_segments(cascade: Cascade) -> None:
    with pytest.raises(TerminalError, match="has a model for each segment"):
        cascade.carriers.plan(model_version=1)


def test_a_run_without_its_upstream_publication_says_which_one_is_missing(cascade: Cascade) -> None:
    other = DAY.replace(day=11)
    with pytest.raises(PartitionRefused) as caught:
        cascade.carriers.run(other)
    assert str(caught.value) == (
        f"parcel_carriers {other}: parcel_classes has published nothing for {other}, and parcel_carriers is made from "
        f"it. Next: run it first: `daybreak run parcel_classes --partition {other}`."
    )


def test_a_run_reads_one_upstream_publication_whatever_is_published_in_the_middle(cascade: Cascade) -> None:
    before = cascade.classes_shown()
    plan = cascade.carriers.plan()
    cascade.classes.execute("UPDATE parcels.handed_in SET distance_km = 100 - distance_km WHERE distance_km < 99")
    cascade.classes.run()
    assert cascade.classes_shown() != before
    cascade.carriers.runner.run(plan)
    assert {parcel: listed[0][2] for parcel, listed in cascade.lists_shown().items()} == before
    assert [row["pipeline"] for row in list_stale(cascade.workspace.ledger)] == ["parcel_carriers"]


def test_lists_are_never_mixed_while_upstream_and_downstream_are_published_over_and_over(cascade: Cascade) -> None:
    cascade.carriers.run()
    stopped = threading.Event()
    problems: list[Any] = []

    def watch() -> None:
        seen = "count(DISTINCT run_id), count(*), count(DISTINCT (depot, parcel_id))"
        while not stopped.is_set():
            found = cascade.carriers.rows(f"SELECT {seen} FROM predictions.parcel_carriers")[0]
            if found != (1, ROWS * KEPT, ROWS):
                problems.append(found)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for _ in range(3):
            plan = cascade.carriers.plan()
            cascade.classes.run()
            cascade.carriers.runner.run(plan)
            cascade.carriers.run()
    finally:
        stopped.set()
        watcher.join()
    assert problems == []
    assert list_stale(cascade.workspace.ledger) == []


def test_what_is_made_from_a_partition_is_stale_once_that_is_published_anew_and_not_after_its_own_run(
    cascade: Cascade,
) -> None:
    first = cascade.carriers.run().plan.run_id
    assert list_stale(cascade.workspace.ledger) == []
    upstream = cascade.classes.run().plan.run_id
    [stale] = list_stale(cascade.workspace.ledger)
    assert (stale["run_id"], stale["upstream"], stale["upstream_current_run_id"]) == (first, "parcel_classes", upstream)
    cascade.carriers.run()
    assert list_stale(cascade.workspace.ledger) == []


def test_what_is_made_from_a_partition_is_stale_once_that_is_rolled_back(cascade: Cascade) -> None:
    cascade.classes.run()
    cascade.carriers.run()
    cascade.classes.runner.publisher.roll_back(str(DAY))
    [stale] = list_stale(cascade.workspace.ledger, "parcel_classes", str(DAY))
    assert stale["upstream_current_run_id"] != stale["upstream_run_id"]


def test_a_replay_uses_the_versions_and_the_upstream_publication_of_the_run_it_mends(cascade: Cascade) -> None:
    cascade.reclassify("parcel_id = 8001", "elsewhere")
    cascade.reclassify("parcel_class = 'far'", "near")
    downstream = cascade.declared(model=WITHOUT_FALLBACK)
    first = downstream.carriers.run().plan
    cascade.classes.run()
    cascade.register("carriers_near", 0.2)
    cascade.reclassify(f"parcel_id = 8001 AND run_id = {first.upstream_run_id}", "near")
    plan, counts, _ = replay(downstream.carriers.runner, str(DAY))
    assert plan.upstream_run_id == first.upstream_run_id
    assert plan.model.digest == first.model.digest
    assert (counts.rows_quarantined, counts.rows_scored) == (0, ROWS * CARRIERS)


def test_labels_ranks_and_carried_columns_are_derived_again_bit_for_bit(cascade: Cascade) -> None:
    cascade.carriers.run()
    for parcels in (cascade.classes, cascade.carriers):
        found = reproduce(parcels.runner, parcels.runner.publisher.current(str(DAY)))
        assert (found.different, found.changed) == (0, [])
        assert found.rows in (ROWS, ROWS * KEPT)
    cascade.carriers.execute(
        "UPDATE predictions.parcel_carriers_runs SET rank = 9 WHERE parcel_id = 8001 AND rank = 1",
        "UPDATE predictions.parcel_classes_runs SET parcel_class = 'lost' WHERE parcel_id = 8001",
    )
    for parcels in (cascade.classes, cascade.carriers):
        assert reproduce(parcels.runner, parcels.runner.publisher.current(str(DAY))).different == 1


def test_a_group_whose_rows_are_scattered_is_refused(cascade: Cascade) -> None:
    cascade.carriers.rewrite("extract", "ORDER BY depot, parcel_id, carrier", "ORDER BY carrier, depot, parcel_id")
    with pytest.raises(SourceRefused, match="Rows of the same depot, parcel_id do not follow each other"):
        cascade.carriers.run()


def test_models_of_segments_that_take_a_column_as_different_types_are_refused(cascade: Cascade) -> None:
    rows = sample().assign(carrier=["a", "b", "c", "d"])
    encoded = make_pipeline(OneHotEncoder(), DummyRegressor()).fit(rows, [0.1, 0.2, 0.3, 0.4])
    version = cascade.workspace.registry.register("carriers_near", encoded, rows, trained_through=DAY.replace(day=7))
    cascade.workspace.aliases(NEAR).move(version.version, Decision("test"))
    with pytest.raises(ModelRefused, match="takes carrier as"):
        cascade.carriers.run()


def _raising_on_carrier(carrier: int) -> Any:
    known = [[number for number in (1, 2, 3, 4) if number != carrier]]
    rows = sample()[sample()["carrier"] != carrier]
    encoder = OneHotEncoder(categories=known, handle_unknown="error")
    return make_pipeline(encoder, DummyRegressor(strategy="constant", constant=0.5)).fit(rows, [0.5] * len(rows))
