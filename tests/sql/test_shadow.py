"""The challenger scores what the champion has published, beside it and without touching it."""

from typing import Any

import pytest
import sqlalchemy as sa
from sklearn.dummy import DummyRegressor
from upath import UPath

from daybreak.aliases import point_alias
from daybreak.errors import ConfigurationError
from daybreak.pipeline import ModelRef, Push
from daybreak.snapshot import Snapshot
from fixture_pipelines.parcel_hours.training import FEATURES, build, sample
from parcels import DAY, ROWS, TRAINED_THROUGH, Parcels

CHALLENGER = ModelRef("parcel_hours", "challenger")


@pytest.fixture
def shadowed(parcels: Parcels) -> Parcels:
    """Declare that the challenger scores too; the table for it is made when the ledger is opened."""
    found = parcels.declared(shadow="challenger")
    parcels.workspace.__dict__["pipelines"] = {**parcels.workspace.pipelines, "parcel_hours": found.pipeline}
    parcels.workspace.__dict__.pop("ledger", None)
    return found


def challenge(parcels: Parcels, regressor: Any, trained_through: Any = TRAINED_THROUGH) -> int:
    rows = sample()
    model = build(regressor).fit(rows[FEATURES], [5.0] * len(rows))
    version = parcels.workspace.registry.register(
        "parcel_hours", model, rows[FEATURES], trained_through=trained_through
    )
    point_alias(parcels.workspace, CHALLENGER, version.version, "test")
    return version.version


def shadow_of(parcels: Parcels) -> dict[str, Any]:
    with parcels.workspace.warehouse.begin() as connection:
        found = connection.execute(sa.text("SELECT * FROM ledger.shadow_runs ORDER BY run_id DESC LIMIT 1"))
        return dict(found.mappings().one())


def shadow_rows(parcels: Parcels) -> list[tuple[Any, ...]]:
    return parcels.rows("SELECT run_id, count(*), avg(predicted_hours) FROM predictions.parcel_hours_shadow GROUP BY 1")


def test_both_score_the_same_rows_and_only_the_champions_are_published(shadowed: Parcels) -> None:
    before = shadowed.forecasts()
    version = challenge(shadowed, DummyRegressor(strategy="constant", constant=5))
    outcome = shadowed.run()
    assert shadowed.forecasts() == before
    assert shadow_rows(shadowed) == [(outcome.plan.run_id, ROWS, 5.0)]
    found = shadow_of(shadowed)
    assert (found["state"], found["model_version"], found["rows_scored"]) == ("scored", version, ROWS)
    assert str(outcome.shadow).startswith(f"shadow (version {version}): {ROWS} scored")


def test_quarantined_rows_are_neither_the_champions_nor_the_challengers(shadowed: Parcels) -> None:
    challenge(shadowed, DummyRegressor(strategy="constant", constant=5))
    shadowed.execute("UPDATE parcels.handed_in SET weight_kg = 1000 WHERE parcel_id BETWEEN 8000 AND 8011")
    outcome = shadowed.run()
    assert outcome.counts.rows_quarantined == 12
    assert shadow_rows(shadowed)[0][1] == ROWS - 12


@pytest.mark.parametrize("regressor", [DummyRegressor(strategy="constant", constant=-1)])
def test_a_challenger_that_cannot_score_is_written_down_and_the_publication_stands(
    shadowed: Parcels, regressor: Any
) -> None:
    challenge(shadowed, regressor)
    outcome = shadowed.run()
    assert outcome.publication is not None
    assert shadowed.current() == [outcome.plan.run_id]
    found = shadow_of(shadowed)
    assert (found["state"], found["rows_scored"]) == ("failed", 0)
    assert "rows could not be scored" in found["problem"]
    assert shadow_rows(shadowed) == []
    assert shadowed.workspace.ledger.get(outcome.plan.run_id)["state"] == "published"
    assert shadowed.rows("SELECT * FROM ledger.quarantine WHERE run_id = %s", outcome.plan.run_id) == []


def test_a_challenger_whose_artifact_was_tampered_with_is_refused_and_the_run_goes_on(shadowed: Parcels) -> None:
    version = challenge(shadowed, DummyRegressor())
    uri = shadowed.workspace.registry.resolve(CHALLENGER, version).uri
    (UPath(uri) / "model.skops").write_bytes(b"other")
    outcome = shadowed.run()
    assert outcome.publication is not None
    assert outcome.plan.shadow is None
    found = shadow_of(shadowed)
    assert found["state"] == "refused"
    assert "was changed" in found["problem"]


def test_a_challenger_that_has_seen_the_day_after_does_not_score_it(shadowed: Parcels) -> None:
    challenge(shadowed, DummyRegressor(), trained_through=DAY.replace(day=11))
    assert shadowed.run().plan.shadow is None
    assert "has seen days through 2024-03-11" in shadow_of(shadowed)["problem"]


def test_without_a_challenger_or_where_it_is_the_champion_nothing_is_scored_twice(shadowed: Parcels) -> None:
    assert shadowed.run().shadow is None
    version = challenge(shadowed, DummyRegressor(strategy="constant", constant=5))
    shadowed.promote(version)
    assert shadowed.run().shadow is None
    assert shadowed.rows("SELECT * FROM ledger.shadow_runs") == []


def test_the_challenger_of_the_plan_scores_whatever_the_alias_says_later(shadowed: Parcels) -> None:
    first = challenge(shadowed, DummyRegressor(strategy="constant", constant=5))
    plan = shadowed.plan(origin="parcel_hours/one")
    challenge(shadowed, DummyRegressor(strategy="constant", constant=6))
    again = shadowed.plan(origin="parcel_hours/one")
    assert again.shadow is not None
    assert (plan.shadow.version, again.shadow.version) == (first, first)  # type: ignore[union-attr]
    shadowed.runner.run(again)
    assert shadow_rows(shadowed) == [(plan.run_id, ROWS, 5.0)]


def test_scoring_the_shadow_again_replaces_it(shadowed: Parcels) -> None:
    challenge(shadowed, DummyRegressor(strategy="constant", constant=5))
    outcome = shadowed.run()
    run = shadowed.last_run()
    shadowed.runner.shadow(outcome.plan, Snapshot(run["snapshot_uri"], run["rows_extracted"], run["snapshot_digest"]))
    assert shadow_rows(shadowed) == [(outcome.plan.run_id, ROWS, 5.0)]


def test_a_column_added_to_the_predictions_is_added_to_the_shadows(shadowed: Parcels) -> None:
    challenge(shadowed, DummyRegressor(strategy="constant", constant=5))
    shadowed.run()
    with shadowed.workspace.sql(shadowed.pipeline, "views").open("a") as views:
        views.write("\nALTER TABLE predictions.parcel_hours_runs ADD COLUMN IF NOT EXISTS zone text;\n")
    shadowed.workspace.__dict__.pop("ledger")
    wider = shadowed.declared(carries=("zone",))
    outcome = wider.run()
    assert shadow_of(wider)["state"] == "scored"
    query = "SELECT count(zone) FROM predictions.parcel_hours_shadow WHERE run_id = %s"
    assert wider.value(query, outcome.plan.run_id) == ROWS


def test_a_pipeline_that_pushes_has_no_shadow(parcels: Parcels) -> None:
    with pytest.raises(ConfigurationError, match="a push together with what only a publication can have"):
        parcels.declared(shadow="challenger", push=Push(connection="c", offers="m:O", scores="m:s"))
