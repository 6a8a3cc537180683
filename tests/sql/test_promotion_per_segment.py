"""Promotion and demotion of one segment's model: judged on the rows that it is for, the others' stay what they are."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from cascades import Cascade
from daybreak.declaration.segments import ModelRef
from daybreak.errors import ConfigurationError, ModelRefused
from daybreak.models.aliases import Decision
from daybreak.monitoring.measure import measure
from daybreak.promotion.bootstrap import paired_interval
from daybreak.promotion.promoting import Verdict, demote, promote, reject
from daybreak.run.shadow import Shadowed
from daybreak.training.comparison import compare, unseen
from daybreak.training.past import Past
from fixture_pipelines.parcel_carriers.training import build, sample, training_rows
from models import LAST_DAY
from parcels import TRAINED_THROUGH, Parcels

NEAR, ANY = "carriers_near", "carriers_any"
BETTER, LIVE = "better on held-out rows", "better on live shadow rows"
CARRIERS_COMPARED = 8
DAYS = (LAST_DAY - TRAINED_THROUGH).days - 3


@pytest.fixture
def weeks(cascade: Cascade) -> Parcels:
    """Load enough days to compare on; every champion names the carriers that would not do."""
    cascade.classes.load_days(LAST_DAY)
    for name in (NEAR, "carriers_middling", ANY):
        cascade.register(name, 0.5, slope=-0.01)
    return cascade.declared(
        measures="ranking",
        target="would_do",
        target_days=3,
        training_rows="fixture_pipelines.parcel_carriers.training:training_rows",
    ).carriers


def challenge(weeks: Parcels, name: str, slope: float = 0.01) -> int:
    registry = weeks.workspace.registry
    version = registry.register(name, build(0.5, slope), sample().head(3), trained_through=TRAINED_THROUGH).version
    weeks.workspace.aliases(ModelRef(name, "challenger")).move(version, Decision("test"))
    return version


def champions(weeks: Parcels) -> dict[str, int | None]:
    return {ref.name: weeks.workspace.aliases(ref).current() for ref in weeks.pipeline.model_refs}


def judged(weeks: Parcels, **how: Any) -> Verdict:
    return promote(weeks.workspace, weeks.pipeline, **how)


def said(verdict: Verdict, name: str) -> str:
    [says] = [check.says for check in verdict.checks if check.name == name]
    return says


def compared_rows(weeks: Parcels) -> list[Any]:
    past = Past(weeks.workspace, weeks.pipeline, LAST_DAY)
    found = training_rows(past, TRAINED_THROUGH + timedelta(days=1), LAST_DAY - timedelta(days=3))
    return list(found["parcel_class"].to_pylist()[::CARRIERS_COMPARED])


def near_parcels(weeks: Parcels) -> int:
    return compared_rows(weeks).count("near")


def all_parcels(weeks: Parcels) -> int:
    return len(compared_rows(weeks))


def test_a_segments_model_is_judged_on_its_segments_rows_and_only_it_is_moved(weeks: Parcels) -> None:
    before, version = champions(weeks), challenge(weeks, NEAR)
    verdict = judged(weeks, model=NEAR)
    assert verdict.moved, verdict.checks
    assert champions(weeks) == before | {NEAR: version}
    lists = near_parcels(weeks)
    assert 0 < lists < all_parcels(weeks)
    assert f"on {lists:,} rows of {DAYS} days" in said(verdict, BETTER)
    assert f"0 of {CARRIERS_COMPARED * lists:,} rows" in said(verdict, "output contract")
    assert weeks.workspace.aliases(ModelRef(NEAR)).history()[0]["outcome"] == "moved"


def test_the_fallback_is_judged_on_all_rows(weeks: Parcels) -> None:
    challenge(weeks, ANY)
    verdict = judged(weeks, model=ANY)
    assert verdict.moved, verdict.checks
    assert f"on {all_parcels(weeks):,} rows of {DAYS} days" in said(verdict, BETTER)


def test_a_worse_challenger_of_a_segment_is_refused(weeks: Parcels) -> None:
    before = champions(weeks)
    version = challenge(weeks, NEAR, slope=-0.02)
    verdict = judged(weeks, model=NEAR)
    assert not verdict.accepted
    assert champions(weeks) == before
    written = weeks.workspace.aliases(ModelRef(NEAR)).history()[0]
    assert (written["version"], written["outcome"]) == (version, "refused")


def shadow_days(weeks: Parcels, cascade: Cascade, days: int) -> Parcels:
    """Publish with a shadow and measure so many days."""
    shadowed = weeks.shadowed()
    for day in (TRAINED_THROUGH + timedelta(days=1 + place) for place in range(days)):
        cascade.classes.run(day)
        assert (shadowed.run(day).shadow or Shadowed("", problem="none")).problem is None
    measure(shadowed.workspace, shadowed.pipeline)
    return shadowed


def test_a_segments_live_rows_are_those_of_its_model_in_the_shadow_of_the_champion_that_is_judged(
    weeks: Parcels, cascade: Cascade
) -> None:
    weeks.rewrite("actuals", "CASE WHEN parcel_id % 2 = 0 THEN 4 ELSE 1 END AS carrier", "4 AS carrier")
    version = challenge(weeks, NEAR)
    shadowed = shadow_days(weeks, cascade, 7)
    verdict = judged(shadowed, model=NEAR, dry_run=True)
    near = "SELECT count(DISTINCT parcel_id) FROM predictions.parcel_carriers WHERE parcel_class = 'near'"
    assert said(verdict, LIVE).endswith(f"on {shadowed.value(near):,} rows of 7 days"), verdict.checks
    assert [check.met for check in verdict.checks if check.name == LIVE] == [True]
    # Champions stood in for the models without a challenger; one that is named later has not scored those days.
    challenge(weeks, ANY)
    not_asked = "0 of the 7 days that are needed are measured"
    assert said(judged(shadowed, model=ANY, dry_run=True), LIVE) == not_asked
    later = challenge(weeks, NEAR)
    assert said(judged(shadowed, model=NEAR, dry_run=True), LIVE) == not_asked
    assert said(judged(shadowed, model=NEAR, version=version, dry_run=True), LIVE) != not_asked
    # The days were those of the champion before: they say nothing of the new one.
    assert judged(shadowed, model=NEAR, version=version).moved
    assert said(judged(shadowed, model=NEAR, version=later, dry_run=True), LIVE) == not_asked


def test_a_worse_challenger_on_live_rows_of_its_segment_is_refused(weeks: Parcels, cascade: Cascade) -> None:
    # Of the carriers that would do, most parcels went to one that only the champion names.
    challenge(weeks, NEAR)
    shadowed = shadow_days(weeks, cascade, 7)
    verdict = judged(shadowed, model=NEAR, dry_run=True)
    assert [check.met for check in verdict.checks if check.name in (BETTER, LIVE)] == [True, False]


def test_six_days_are_not_enough(weeks: Parcels, cascade: Cascade) -> None:
    challenge(weeks, NEAR)
    shadowed = shadow_days(weeks, cascade, 6)
    assert said(judged(shadowed, model=NEAR, dry_run=True), LIVE) == "6 of the 7 days that are needed are measured"


def test_targets_that_overlap_are_judged_by_blocks_of_as_many_days(weeks: Parcels) -> None:
    version = challenge(weeks, NEAR, slope=0.0001)
    registry, near = weeks.workspace.registry, ModelRef(NEAR)
    both = [registry.resolve(near, version), registry.resolve(near)]
    compared = compare(weeks.workspace, weeks.pipeline, *both, unseen(weeks.workspace, weeks.pipeline, both))
    difference = np.concatenate(compared.challenger) - np.concatenate(compared.champion)
    blocks, single = (paired_interval(difference, np.concatenate(compared.day), horizon=days) for days in (3, 1))
    told = said(judged(weeks, model=NEAR, dry_run=True), BETTER)
    assert f"{blocks.low:+.5f} to {blocks.high:+.5f}" in told
    assert f"{single.low:+.5f} to {single.high:+.5f}" not in told


def test_targets_that_are_not_known_yet_are_not_compared(weeks: Parcels) -> None:
    challenge(weeks, NEAR)
    later = weeks.declared(target_days=10)
    assert said(judged(later, model=NEAR), BETTER).startswith(f"{DAYS - 7} days that neither has seen, 20 are needed")


def test_days_that_the_upstreams_champion_has_seen_are_not_compared(weeks: Parcels, cascade: Cascade) -> None:
    challenge(weeks, NEAR)
    classes = weeks.workspace.registry.load(weeks.workspace.registry.resolve(cascade.classes.pipeline.single_ref))
    rows = cascade.classes.rows("SELECT distance_km FROM parcels.handed_in WHERE distance_km IS NOT NULL LIMIT 9")
    import pandas as pd

    cascade.classes.register(classes, pd.DataFrame(rows, columns=["distance_km"]), LAST_DAY - timedelta(days=9))
    assert said(judged(weeks, model=NEAR), BETTER).startswith("6 days that neither has seen")


def test_without_a_name_the_models_there_are_are_named(weeks: Parcels) -> None:
    with pytest.raises(ConfigurationError, match=r"Next: name one with `--model`: carriers_near, carriers_middling, c"):
        judged(weeks)
    with pytest.raises(ConfigurationError, match=r"has no model 'carriers'. Next: choose from carriers_near, "):
        judged(weeks, model="carriers")


def test_rows_without_the_segments_column_are_refused_with_what_completes_them(weeks: Parcels) -> None:
    challenge(weeks, NEAR)
    with pytest.raises(ConfigurationError, match=r"training.sql gives no column parcel_class. .*`training_rows`"):
        judged(weeks.declared(training_rows=None), model=NEAR)


def test_a_segments_model_is_demoted_and_the_others_stay(weeks: Parcels) -> None:
    before, version = champions(weeks), challenge(weeks, NEAR)
    assert judged(weeks, model=NEAR).moved
    assert demote(weeks.workspace, weeks.pipeline.ref(NEAR)) == (version, before[NEAR])
    assert champions(weeks) == before


def test_a_run_that_is_planned_keeps_the_segments_version(weeks: Parcels) -> None:
    before, version = champions(weeks)[NEAR], challenge(weeks, NEAR)
    plan = weeks.plan()
    assert judged(weeks, model=NEAR).moved
    weeks.runner.run(plan)
    used = "SELECT model_version FROM ledger.run_segments WHERE run_id = %s AND segment = 'near'"
    assert weeks.value(used, plan.run_id) == before != version


def test_a_person_who_refuses_a_segments_model_is_written_down(weeks: Parcels) -> None:
    version = challenge(weeks, NEAR)
    reject(weeks.workspace, weeks.pipeline, version, "test", model=NEAR)
    assert weeks.workspace.aliases(ModelRef(NEAR)).history()[0]["outcome"] == "refused"
    with pytest.raises(ModelRefused, match=r"version .* is the champion already"):
        judged(weeks, model=NEAR, version=champions(weeks)[NEAR])
