"""Promotion: the challenger becomes the champion only where it is better, and nothing else speaks against it."""

import json
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeRegressor

from daybreak.errors import ConfigurationError, ModelRefused
from daybreak.models.answering import Answering
from daybreak.models.version import ModelVersion
from daybreak.promotion.judging import COLUMNS, signature_difference
from daybreak.promotion.promoting import Verdict, demote, promote, reject
from daybreak.training.features import encoder, told_apart
from daybreak.training.trial import Trial, try_in_fresh_process
from models import LAST_DAY, TRAINED, constant, fitted, rows
from parcels import Parcels

BETTER, SHADOW, GROUP, CONTRACT = (
    "better on held-out rows",
    "better on live shadow rows",
    "no worse for any zone",
    "output contract",
)


@pytest.fixture
def weeks(parcels: Parcels) -> Parcels:
    """Load enough days to compare on; the champion knows nothing but a mean."""
    parcels.load_days(LAST_DAY)
    parcels.register(*fitted(parcels, constant(22.0)), trained_through=TRAINED)
    return parcels


def judged(parcels: Parcels, **how: Any) -> Verdict:
    return promote(parcels.workspace, parcels.pipeline, **how)


def met(verdict: Verdict) -> dict[str, bool | None]:
    return {check.name: check.met for check in verdict.checks}


def said(verdict: Verdict, name: str) -> str:
    [says] = [check.says for check in verdict.checks if check.name == name]
    return says


def champion(parcels: Parcels) -> int | None:
    return parcels.workspace.aliases(parcels.pipeline.single_ref).current()


def challenge(parcels: Parcels, *what: Any) -> ModelVersion:
    return parcels.challenge(*fitted(parcels, *what), trained_through=TRAINED)


def history(parcels: Parcels) -> list[Any]:
    return parcels.workspace.aliases(parcels.pipeline.single_ref).history()


def test_a_better_challenger_becomes_the_champion_and_the_reasons_are_kept(weeks: Parcels) -> None:
    version = challenge(weeks).version
    verdict = judged(weeks, decided_by="test")
    assert verdict.moved
    assert met(verdict) == {
        COLUMNS: True,
        BETTER: True,
        SHADOW: None,
        GROUP: True,
        CONTRACT: True,
        "fresh process": True,
    }
    assert "4,000 rows of 10 days" in said(verdict, BETTER)
    assert champion(weeks) == version
    written = history(weeks)[0]
    assert (written["version"], written["from_version"], written["outcome"]) == (version, 2, "moved")
    assert written["decided_by"] == "test"
    assert [reason["check"] for reason in written["reasons"]] == list(met(verdict))
    # It is no challenger any more: a shadow would be its own.
    assert weeks.rows("SELECT alias FROM registered_model_aliases") == [("champion",)]


def test_a_worse_challenger_is_refused_and_the_reasons_are_kept(weeks: Parcels) -> None:
    weeks.promote(challenge(weeks).version)
    worse = challenge(weeks, constant(22.0)).version
    before, alias = champion(weeks), history(weeks)[0]["since"]
    verdict = judged(weeks)
    assert not verdict.moved
    assert met(verdict)[BETTER] is False
    assert champion(weeks) == before
    refused, current = history(weeks)[:2]
    assert (refused["version"], refused["outcome"], refused["since"]) == (worse, "refused", refused["until"])
    assert refused["reason"].startswith(f"not {BETTER}: squared error ")
    assert (current["since"], current["until"]) == (alias, None)
    assert weeks.workspace.aliases(weeks.pipeline.single_ref).at(refused["since"]) == before


def test_a_challenger_that_is_no_better_than_chance_is_refused(weeks: Parcels) -> None:
    challenge(weeks, constant(22.0))
    assert met(judged(weeks))[BETTER] is False


def test_a_dry_run_judges_and_moves_and_writes_nothing(weeks: Parcels) -> None:
    challenge(weeks)
    before = history(weeks)
    verdict = judged(weeks, dry_run=True)
    assert verdict.accepted
    assert not verdict.moved
    assert (champion(weeks), history(weeks)) == (2, before)


def test_a_version_can_be_named(weeks: Parcels) -> None:
    version = challenge(weeks).version
    challenge(weeks, constant(0.0))
    assert judged(weeks, version=version).moved
    with pytest.raises(ModelRefused, match=f"version {version} is the champion already"):
        judged(weeks, version=version)


def test_both_models_are_judged_on_days_that_neither_has_seen(weeks: Parcels) -> None:
    weeks.challenge(*fitted(weeks), trained_through=LAST_DAY - timedelta(days=7))
    verdict = judged(weeks)
    assert met(verdict)[BETTER] is False
    assert said(verdict, BETTER).startswith("6 days that neither has seen, 7 are needed")
    weeks.challenge(*fitted(weeks), trained_through=LAST_DAY)
    assert met(judged(weeks)) == {COLUMNS: True, "held-out rows": False}


def test_a_version_that_cannot_score_what_extract_sql_gives_is_refused(weeks: Parcels) -> None:
    from sklearn.linear_model import LinearRegression

    found = rows(weeks)
    found["zone_number"] = found["zone"].str.len()
    found["distance_km"] = found["distance_km"] > 50
    features = ["weight_kg", "zone_number", "distance_km"]
    model = LinearRegression().fit(found[features].astype("float64"), found["hours_taken"])
    weeks.challenge(model, found[features].head(5), trained_through=TRAINED)
    verdict = judged(weeks)
    assert met(verdict) == {COLUMNS: False}
    assert said(verdict, COLUMNS) == (
        "takes zone_number, which extract.sql does not give; takes distance_km as boolean, extract.sql gives double"
    )
    assert champion(weeks) == 2
    assert history(weeks)[0]["outcome"] == "refused"


def test_a_champion_that_cannot_score_what_extract_sql_gives_holds_its_challenger_back(weeks: Parcels) -> None:
    challenge(weeks)
    model, sample = fitted(weeks, constant(22.0))
    weeks.rewrite("features", "    zone,", "    upper(zone) AS area,")
    assert said(judged(weeks), COLUMNS) == "takes zone, which extract.sql does not give"
    model = model[-1].fit(sample[["weight_kg"]], [22.0] * len(sample))
    weeks.challenge(model, sample[["weight_kg"]], trained_through=TRAINED)
    told = "the champion, version 2, takes zone, which extract.sql does not give"
    assert said(judged(weeks), COLUMNS) == told


@pytest.mark.parametrize(
    ("column", "kind", "taken", "learned"),
    [
        ("weight_class", "int64", "long", "double"),
        ("zone", "category", "category", "string"),
        ("zone", "str", "string", "string"),
        ("is_far", "bool", "boolean", "boolean"),
    ],
)
def test_what_a_training_made_of_a_column_challenges_what_was_brought(
    weeks: Parcels, column: str, kind: str, taken: str, learned: str
) -> None:
    """The next run scores with the one, and after it was taken back with the other."""
    weeks.rewrite(
        "features", "    zone,", "    zone,\n    weight_kg::integer AS weight_class,\n    distance_km > 50 AS is_far,"
    )
    found = rows(weeks)
    features = found[[column, "distance_km"]]
    brought, given = constant(22.0), features.astype({column: kind})
    weeks.register(brought.fit(given, found["hours_taken"]), given.head(20), TRAINED)
    steady, *kinds = told_apart(weeks.pipeline, "hours_taken", found, features)
    trained = make_pipeline(encoder(*kinds), DecisionTreeRegressor(min_samples_leaf=2, random_state=0))
    version = weeks.challenge(trained.fit(steady, found["hours_taken"]), steady.head(20), TRAINED)
    assert dict(version.signature.columns)[column] == learned
    verdict = judged(weeks)
    difference = f"; other than version 3: takes {column} as {learned}, not {taken}" if learned != taken else ""
    assert said(verdict, COLUMNS) == f"2 columns{difference}"
    assert verdict.moved, verdict.reason
    assert weeks.run(TRAINED).publication is not None
    demote(weeks.workspace, weeks.pipeline.single_ref)
    assert weeks.run(TRAINED).publication is not None
    assert weeks.rows("SELECT DISTINCT model_version FROM ledger.runs ORDER BY 1 DESC LIMIT 2") == [(4,), (3,)]


def test_a_challenger_may_take_other_columns_that_extract_sql_gives_and_the_difference_is_kept(weeks: Parcels) -> None:
    found = rows(weeks)
    model = make_pipeline(encoder(["distance_km"], ["zone", "depot"]), DecisionTreeRegressor(min_samples_leaf=2))
    features = found[["zone", "depot", "distance_km"]]
    weeks.challenge(model.fit(features, found["hours_taken"]), features.head(20), TRAINED)
    verdict = judged(weeks)
    assert verdict.moved, verdict.reason
    told = (
        "3 columns; other than version 2: no longer takes pieces; no longer takes weight_kg; takes depot (string) too"
    )
    assert history(weeks)[0]["reasons"][0] == {"check": COLUMNS, "met": True, "says": told}


def test_a_column_that_training_sql_lacks_is_named_and_nobody_is_judged_without_it(weeks: Parcels) -> None:
    challenge(weeks)
    weeks.rewrite("training", "features.*,", "features.depot, features.parcel_id, features.zone,")
    told = "version 3 takes weight_kg, distance_km, pieces, which training.sql does not give: it cannot be held against"
    with pytest.raises(ConfigurationError, match=told):
        judged(weeks)


def test_the_difference_of_equal_signatures_is_none(weeks: Parcels) -> None:
    version = challenge(weeks)
    assert signature_difference(version, version) == ""


def test_a_challenger_that_makes_one_group_worse_is_refused(weeks: Parcels) -> None:
    found = rows(weeks)
    wrong_in_the_country = found["hours_taken"] + 18.0 * (found["zone"] == "country")
    challenge(weeks, None, wrong_in_the_country)
    verdict = judged(weeks)
    assert met(verdict)[BETTER] is True, "it is better overall"
    assert met(verdict)[GROUP] is False
    assert said(verdict, GROUP).startswith("1 of 3 get worse by more than 10.0%: country by ")
    assert champion(weeks) == 2
    assert judged(weeks.declared(group_margin=100.0)).moved


def test_predictions_outside_of_the_contract_are_refused(weeks: Parcels) -> None:
    found = rows(weeks)
    outside = np.where(found["weight_kg"] > 15, -5.0, found["hours_taken"])
    challenge(weeks, None, outside)
    verdict = judged(weeks)
    assert met(verdict)[CONTRACT] is False
    assert "rows without a prediction in the declared range" in said(verdict, CONTRACT)
    assert champion(weeks) == 2


def test_a_sample_is_scored_in_a_fresh_process(weeks: Parcels) -> None:
    import pyarrow as pa

    version = challenge(weeks)
    model, sample = fitted(weeks)
    rows_ = pa.RecordBatch.from_pandas(sample, preserve_index=False)
    by = Answering("predict")
    here = by.values(model, sample)
    artifacts, right = weeks.workspace.registry.artifacts, Trial(version, rows_, here)
    assert try_in_fresh_process(artifacts, by, [right, right]) is None
    other = try_in_fresh_process(artifacts, by, [right, Trial(version, rows_, np.nextafter(here, 1e9))])
    assert other == "its predictions differ from those made in this process"
    lost = Trial(version, rows_.drop_columns(["zone"]), here)
    assert "zone" in str(try_in_fresh_process(artifacts, by, [right, lost]))


def test_a_challenger_that_a_fresh_process_cannot_use_is_not_promoted(weeks: Parcels) -> None:
    from sklearn.dummy import DummyClassifier

    whole = np.arange(len(rows(weeks))) % 20
    challenge(weeks, DummyClassifier(strategy="uniform"), whole)
    verdict = judged(weeks)
    assert said(verdict, "fresh process") == "its predictions differ from those made in this process"
    assert not verdict.moved


def test_without_a_champion_the_checks_that_need_none_decide(weeks: Parcels) -> None:
    weeks.execute("DELETE FROM registered_model_aliases")
    challenge(weeks)
    verdict = judged(weeks)
    assert met(verdict) == {COLUMNS: True, CONTRACT: True, "fresh process": True}
    assert verdict.moved


def test_a_held_out_day_without_rows_or_with_one_target_only_stops_nothing(weeks: Parcels) -> None:
    challenge(weeks)
    weeks.execute(
        "UPDATE parcels.handed_in SET hours_taken = 7 WHERE parcel_id / 1000 = 14",
        "DELETE FROM parcels.handed_in WHERE parcel_id / 1000 = 15",
    )
    assert "3,600 rows of 9 days" in said(judged(weeks), BETTER)


def test_a_pipeline_that_declares_no_target_cannot_be_judged(weeks: Parcels) -> None:
    challenge(weeks)
    verdict = judged(weeks.declared(target=None, groups=()))
    assert said(verdict, "held-out rows") == "the pipeline declares no target"


@pytest.mark.parametrize(("shadow", "wanted"), [(1.0, True), (4.0, False)], ids=["better", "worse"])
def test_live_shadow_rows_decide_too_where_there_are_enough(weeks: Parcels, shadow: float, *, wanted: bool) -> None:
    version = challenge(weeks).version
    run = weeks.run(TRAINED).plan.run_id
    days = [TRAINED + timedelta(days=n) for n in range(8)]
    for number, day in enumerate(days):
        if number == 7:
            assert met(judged(weeks, dry_run=True))[SHADOW] is True or shadow > 2
        measured(weeks, run, day, "champion", 2, 2.0 + number / 10)
        measured(weeks, run, day, "shadow", version, shadow + number / 10)
        run = weeks.run(TRAINED).plan.run_id
    verdict = judged(weeks)
    assert met(verdict)[SHADOW] is wanted
    assert "3,200 rows of 8 days" in said(verdict, SHADOW)
    assert verdict.moved is wanted


def measured(parcels: Parcels, run: int, day: date, role: str, version: int, rmse: float) -> None:
    parcels.execute(
        "INSERT INTO ledger.performance VALUES "
        f"('parcel_hours', '{day}', {run}, '{role}', '', '(all)', 'rmse', 'parcel_hours', {version}, {rmse}, 400, 400, "
        f"NULL, clock_timestamp(), '{day}')"
    )


def test_two_who_promote_at_once_one_wins_and_both_are_recorded(weeks: Parcels) -> None:
    first, second = challenge(weeks).version, challenge(weeks).version

    def meanwhile(step: str) -> None:
        if step.startswith("scoring a sample"):
            weeks.promote(first)

    with pytest.raises(ModelRefused, match=rf"champion is version {first} by now, it was 2 when this was decided"):
        judged(weeks, version=second, progress=meanwhile)
    assert champion(weeks) == first
    refused, moved = history(weeks)[:2]
    assert (refused["version"], refused["outcome"]) == (second, "refused")
    assert (moved["version"], moved["outcome"], moved["until"]) == (first, "moved", None)
    assert json.dumps(refused["reasons"])


def test_what_nobody_approved_is_judged_and_moves_nothing(weeks: Parcels) -> None:
    version, before = challenge(weeks).version, champion(weeks)
    verdict = judged(weeks, approved=False)
    assert (verdict.accepted, verdict.moved, champion(weeks)) == (True, False, before)
    assert all(decision["version"] != version for decision in history(weeks))
    # Asked once, however often the task is tried again.
    judged(weeks, approved=False)
    asked = weeks.rows("SELECT pipeline, model_name, version FROM ledger.approvals")
    assert asked == [(weeks.pipeline.name, weeks.pipeline.single_ref.name, version)]


def test_a_refusal_is_written_down_before_anybody_is_asked(weeks: Parcels) -> None:
    version = challenge(weeks, constant(500.0)).version
    assert not judged(weeks, approved=False).accepted
    assert (history(weeks)[0]["version"], history(weeks)[0]["outcome"]) == (version, "refused")


def test_a_person_who_refuses_is_written_down(weeks: Parcels) -> None:
    version, before = challenge(weeks).version, champion(weeks)
    reject(weeks.workspace, weeks.pipeline, version, "promote_models/one, answered by ana")
    written = history(weeks)[0]
    assert (written["version"], written["outcome"], written["decided_by"]) == (
        version,
        "refused",
        "promote_models/one, answered by ana",
    )
    assert champion(weeks) == before
