"""The challenger scores what the champion has published, beside it and without touching it."""

import json
import random
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sklearn.dummy import DummyRegressor
from upath import UPath

from daybreak.batch.snapshot import Snapshot
from daybreak.declaration.pipeline import Push
from daybreak.declaration.segments import ModelRef
from daybreak.errors import ConfigurationError
from daybreak.models.aliases import Decision
from daybreak.run.shadow import shadowing
from fixture_pipelines.parcel_hours.training import FEATURES, build, sample
from parcels import DAY, ROWS, TRAINED_THROUGH, Parcels
from processes import Death, ended, start

CHALLENGER = ModelRef("parcel_hours", "challenger")


@pytest.fixture
def shadowed(parcels: Parcels) -> Parcels:
    """Declare that the challenger scores too."""
    return parcels.shadowed()


def challenge(parcels: Parcels, regressor: Any, trained_through: Any = TRAINED_THROUGH) -> int:
    rows = sample()
    model = build(regressor).fit(rows[FEATURES], [5.0] * len(rows))
    version = parcels.workspace.registry.register(
        "parcel_hours", model, rows[FEATURES], trained_through=trained_through
    )
    parcels.workspace.aliases(CHALLENGER).move(version.version, Decision("test"))
    return version.version


def shadow_of(parcels: Parcels) -> dict[str, Any]:
    with parcels.workspace.warehouse.begin() as connection:
        found = connection.execute(sa.text("SELECT * FROM ledger.shadow_runs ORDER BY run_id DESC LIMIT 1"))
        return dict(found.mappings().one())


def shadow_rows(parcels: Parcels) -> list[tuple[Any, ...]]:
    return parcels.rows("SELECT run_id, count(*), avg(predicted_hours) FROM predictions.parcel_hours_shadow GROUP BY 1")


def columns_of_shadows(parcels: Parcels) -> list[str]:
    found = sa.inspect(parcels.workspace.warehouse.engine).get_columns("parcel_hours_shadow", schema="predictions")
    return [column["name"] for column in found]


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


@pytest.mark.parametrize(
    ("nonsense", "says"),
    [
        (
            "UPDATE model_version_tags SET value = 'never' WHERE key = 'trained_through' AND {}",
            "cannot be read (Invalid",
        ),
        ("UPDATE model_version_tags SET value = '{{' WHERE key = 'score_profile' AND {}", "The tags of parcel_hours"),
        ("DELETE FROM model_version_tags WHERE key = 'digest' AND {}", "was not registered by Daybreak"),
        ("UPDATE model_versions SET source = 'nowhere://there' WHERE {}", "not below DAYBREAK_MODELS_URI"),
        ("DELETE FROM model_version_tags WHERE {0}; DELETE FROM model_versions WHERE {0}", "has no version"),
    ],
)
def test_a_challenger_of_which_the_registry_holds_nonsense_is_refused_and_the_run_goes_on(
    shadowed: Parcels, nonsense: str, says: str
) -> None:
    rows = sample()
    model = build(DummyRegressor()).fit(rows[FEATURES], [5.0] * len(rows))
    version = shadowed.workspace.registry.register(
        "parcel_hours", model, rows[FEATURES], trained_through=TRAINED_THROUGH, score_profile={"bins": [1.0]}
    ).version
    shadowed.workspace.aliases(CHALLENGER).move(version, Decision("test"))
    shadowed.execute(nonsense.format(f"name = 'parcel_hours' AND version = {version}"))
    outcome = shadowed.run()
    assert outcome.publication is not None
    assert outcome.publication.published
    found = shadow_of(shadowed)
    assert (found["state"], found["models"]) == ("refused", [[None, "parcel_hours", version]])
    assert says in found["problem"]


def test_a_challenger_whose_training_run_is_gone_scores_all_the_same(shadowed: Parcels) -> None:
    # Its files are those that Daybreak registered; the run in MLflow holds metrics for people.
    version = challenge(shadowed, DummyRegressor())
    shadowed.execute(f"UPDATE model_versions SET run_id = 'gone' WHERE name = 'parcel_hours' AND version = {version}")
    shadowed.run()
    assert shadow_of(shadowed)["state"] == "scored"


@pytest.mark.parametrize("garbled", ["[]", '{"signature": {"inputs": "[1]"}}', "\0\1", None])
def test_a_challenger_whose_folder_is_gone_or_garbled_is_refused_and_the_run_goes_on(
    shadowed: Parcels, garbled: str | None
) -> None:
    version = challenge(shadowed, DummyRegressor())
    folder = UPath(shadowed.workspace.registry.resolve(CHALLENGER, version).uri)
    if garbled is None:
        shutil.rmtree(folder.path)
    else:
        (folder / "MLmodel").write_text(garbled)
    outcome = shadowed.run()
    assert outcome.publication is not None
    assert outcome.plan.shadow is None
    assert shadow_of(shadowed)["state"] == "refused"


def test_what_a_challenger_says_need_not_be_a_text_that_can_be_kept(shadowed: Parcels) -> None:
    challenge(shadowed, DummyRegressor(strategy="constant", constant=5))
    with shadowing(shadowed.workspace.warehouse, plan := shadowed.run().plan):
        raise RuntimeError("nul \0 and half a character \ud800")
    found = shadow_of(shadowed)
    assert (found["run_id"], found["state"]) == (plan.run_id, "failed")
    assert found["problem"] == "RuntimeError: nul and half a character ?"


def test_a_shadow_that_cannot_even_be_written_down_fails_nothing(shadowed: Parcels) -> None:
    challenge(shadowed, DummyRegressor(strategy="constant", constant=5))
    plan = shadowed.plan()
    shadowed.execute("ALTER TABLE ledger.shadow_runs ADD CONSTRAINT full_up CHECK (state = 'planned')")
    outcome = shadowed.runner.run(plan)
    assert outcome.publication is not None
    assert outcome.shadow is not None
    assert "full_up" in (outcome.shadow.problem or "")
    assert shadow_of(shadowed)["state"] == "planned"
    shadowed.execute("ALTER TABLE ledger.shadow_runs RENAME TO away")
    assert shadowed.run().publication is not None


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


def test_two_tries_at_once_leave_one_set_of_rows(shadowed: Parcels) -> None:
    challenge(shadowed, DummyRegressor(strategy="constant", constant=5))
    plan, run = shadowed.run().plan, shadowed.last_run()
    snapshot = Snapshot(run["snapshot_uri"], run["rows_extracted"], run["snapshot_digest"])
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: shadowed.runner.shadow(plan, snapshot), range(3)))
    assert [shadow.problem for shadow in found if shadow] == [None, None, None]
    assert shadow_rows(shadowed) == [(plan.run_id, ROWS, 5.0)]


def test_killed_anywhere_a_shadow_is_whole_or_not_there_and_scored_again_it_is_there_once(
    shadowed: Parcels, tmp_path: Path
) -> None:
    challenge(shadowed, DummyRegressor(strategy="constant", constant=5))
    settings = shadowed.workspace.settings.model_copy(update={"pipelines": "fixture_pipelines.shadowed"})
    run = ("run", "parcel_hours", "--partition", str(DAY))
    expected = shadowed.forecasts()
    assert ended(start(settings, *run, lines=tmp_path / "lines")) == 0
    met = [(path, number) for path, number in json.loads((tmp_path / "lines").read_text())]
    lines = random.Random(20240309).sample([line for line in met if line[0].endswith("shadow.py")], 4)
    # Of publish.py, the champion's rows come through it first.
    in_publish = [Death(function=f"Publisher.{name}", call=2) for name in ("_write", "_copy", "rows")]
    in_publish.append(Death(function="Publisher.rows", call=5))
    killed = 0
    for death in [*(Death(line=line) for line in lines), *in_publish]:
        killed += ended(start(settings, *run, death=death)) == -signal.SIGKILL
        assert shadowed.forecasts() == expected, death
        row = shadowed.last_run()
        kept = shadowed.rows("SELECT count(*) FROM predictions.parcel_hours_shadow WHERE run_id = %s", row["run_id"])
        state = shadowed.rows("SELECT state FROM ledger.shadow_runs WHERE run_id = %s", row["run_id"])
        assert kept in ([(0,)], [(ROWS,)]), death
        assert state != [("scored",)] or kept == [(ROWS,)], death
        if row["state"] == "published":
            snapshot = Snapshot(row["snapshot_uri"], row["rows_extracted"], row["snapshot_digest"])
            shadowed.runner.shadow(replace(shadowed.plan(), run_id=row["run_id"]), snapshot)
            assert (row["run_id"], ROWS, 5.0) in shadow_rows(shadowed), death
    assert killed >= 7


def test_a_column_that_is_carried_is_kept_beside_the_published_prediction_alone(shadowed: Parcels) -> None:
    challenge(shadowed, DummyRegressor(strategy="constant", constant=5))
    shadowed.run()
    wider = shadowed.shadowed(carries=("zone",))
    outcome = wider.run()
    assert shadow_of(wider)["state"] == "scored"
    assert columns_of_shadows(wider) == ["run_id", "depot", "parcel_id", "predicted_hours"]
    assert (outcome.plan.run_id, ROWS, 5.0) in shadow_rows(wider)


def test_a_column_of_another_type_is_followed(shadowed: Parcels) -> None:
    # As the same bytes, a number that is a double is another one as an integer, and no fault would be found.
    shadowed.rewrite("features", "    parcel_id,", "    parcel_id::bigint AS parcel_id,")
    found = shadowed.shadowed()
    kind = "SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'parcel_id'"
    assert found.value(kind, "predictions.parcel_hours_shadow") == "bigint"


def test_a_table_that_was_laid_out_as_that_of_the_predictions_is_written_to_without_its_key(parcels: Parcels) -> None:
    parcels.execute(
        "CREATE TABLE predictions.parcel_hours_shadow (LIKE predictions.parcel_hours_runs INCLUDING ALL)",
        "ALTER TABLE predictions.parcel_hours_shadow ADD COLUMN zone text NOT NULL",
    )
    found = parcels.shadowed()
    challenge(found, DummyRegressor(strategy="constant", constant=5))
    outcome = found.run()
    assert shadow_rows(found) == [(outcome.plan.run_id, ROWS, 5.0)]
    kept = "SELECT amname FROM pg_index JOIN pg_class ON oid = indexrelid JOIN pg_am ON pg_am.oid = relam"
    assert found.rows(f"{kept} WHERE indrelid = 'predictions.parcel_hours_shadow'::regclass") == [("brin",)]


def test_a_pipeline_that_pushes_has_no_shadow(parcels: Parcels) -> None:
    with pytest.raises(ConfigurationError, match="a push together with what only a publication can have"):
        parcels.declared(shadow="challenger", push=Push(connection="c", offers="m:O", scores="m:s"))
