"""Training: what is searched, what is written down of it, that it gives the same again, and what is due when."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from upath import UPath

from daybreak.declaration.pipeline import Retrain
from daybreak.declaration.prediction import Prediction
from daybreak.declaration.segments import ModelRef
from daybreak.errors import ConfigurationError, ModelRefused, PartitionRefused, SourceRefused
from daybreak.models.version import LIBRARIES, ModelVersion
from daybreak.training.evidence import record
from daybreak.training.past import Past
from daybreak.training.pictures import labels_and_features, lift, silhouettes
from daybreak.training.scheduled import chosen, cutoff, held_back, train_once
from daybreak.training.train import challenge, train
from daybreak.training.trained import Trained, Unseen
from fixture_pipelines import PARCEL_CLASSES
from fixture_pipelines.parcel_hours.training import SEARCH, build
from fixture_pipelines.parcel_hours.training import train as fit_hours
from parcels import LAST_DAY, Parcels

THROUGH = date(2024, 3, 11)
MIDNIGHT = datetime(2024, 3, 14, 4, tzinfo=UTC)
BEST = SEARCH.settings[1]


@pytest.fixture
def searching(parcels: Parcels) -> Parcels:
    return parcels.declared(training="fixture_pipelines.parcel_hours.training:train_searching")


def trained(parcels: Parcels, through: date = THROUGH, **how: Any) -> tuple[ModelVersion, Trained]:
    [found] = train(parcels.workspace, parcels.pipeline, through=through, **how)
    return found


def run_of(parcels: Parcels, version: ModelVersion) -> tuple[Any, list[Any]]:
    """Return the run that registered a version, and the runs below it."""
    from mlflow import MlflowClient

    client = MlflowClient(parcels.workspace.registry_url, parcels.workspace.registry_url)
    run = client.get_run(client.get_model_version(version.name, str(version.version)).run_id)
    below = client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    return run, sorted(below, key=lambda trial: -float(trial.data.params["min_samples_leaf"]))


def test_a_search_fits_the_best_and_every_trial_is_a_run_below(searching: Parcels) -> None:
    version, found = trained(searching, search=True)
    assert found.searched == BEST
    run, trials = run_of(searching, version)
    assert run.data.params == {"min_samples_leaf": "5"}
    assert [trial.data.params for trial in trials] == [{"min_samples_leaf": str(n)} for n in (300, 5, 0)]
    assert [trial.data.tags["chosen"] for trial in trials] == ["false", "true", "false"]
    for trial in trials[:2]:
        assert set(trial.data.metrics) == {"rmse", "rmse_fold_1", "rmse_fold_2"}
        assert trial.data.metrics["rmse"] == pytest.approx(
            (trial.data.metrics["rmse_fold_1"] + trial.data.metrics["rmse_fold_2"]) / 2
        )
    assert trials[1].data.metrics["rmse"] < trials[0].data.metrics["rmse"]


def test_a_trial_that_fails_is_a_failed_run_that_says_why(searching: Parcels) -> None:
    _, trials = run_of(searching, trained(searching, search=True)[0])
    assert [trial.info.status for trial in trials] == ["FINISHED", "FINISHED", "FAILED"]
    assert trials[2].data.tags["failure"] == "InvalidParameterError"
    assert trials[2].data.metrics == {}


def test_without_a_search_the_settings_are_the_declared_ones_and_then_those_of_the_last_search(
    searching: Parcels,
) -> None:
    assert trained(searching)[1].parameters == SEARCH.settings[0]
    trained(searching, search=True)
    _, later = trained(searching)
    assert (later.parameters, later.searched, later.candidates) == (BEST, None, ())
    # A search that has seen what is held out here has no say.
    assert trained(searching, through=THROUGH - timedelta(days=2))[1].parameters == SEARCH.settings[0]


@pytest.mark.parametrize("search", [True, False], ids=["with search", "without"])
def test_training_twice_gives_the_same_digest(searching: Parcels, *, search: bool) -> None:
    first, again = trained(searching, search=search)[0], trained(searching, search=search)[0]
    assert first.digest == again.digest
    assert first.version != again.version
    assert first.uri != again.uri
    assert trained(searching, THROUGH - timedelta(days=1), search=search)[0].digest != first.digest


def test_the_run_tells_data_code_libraries_and_the_last_day_seen(searching: Parcels) -> None:
    version, _ = trained(searching)
    run, _ = run_of(searching, version)
    tags = run.data.tags
    assert tags["code_digest"] == searching.workspace.code_digest
    assert tags["trained_through"] == str(THROUGH - timedelta(days=1))
    assert {f"library.{name}" for name in LIBRARIES} <= set(tags)
    assert len(tags["data_digest"]) == 64
    assert int(tags["data_rows"]) == searching.rows("SELECT count(*) FROM parcels.handed_in")[0][0] // 8 * 7
    assert run.data.metrics.keys() == {"rmse", "baseline_rmse"}


def test_the_data_digest_is_that_of_the_rows(searching: Parcels) -> None:
    def digest() -> Any:
        return run_of(searching, trained(searching)[0])[0].data.tags["data_digest"]

    before = digest()
    assert digest() == before
    searching.execute("UPDATE parcels.handed_in SET hours_taken = hours_taken + 1 WHERE parcel_id = 6001")
    assert digest() != before


def test_pictures_and_importances_lie_where_mlflow_shows_them(searching: Parcels) -> None:
    run, _ = run_of(searching, trained(searching)[0])
    folder = UPath(run.info.artifact_uri)
    assert sorted(path.name for path in folder.iterdir()) == ["importances.csv", "model", "pictures"]
    pictures = {path.name: path.read_bytes() for path in (folder / "pictures").iterdir()}
    assert set(pictures) == {"importances.png", "predicted_and_actual.png", "residuals.png"}
    for name, content in pictures.items():
        assert content.startswith(b"\x89PNG\r\n"), name
    lines = list(csv.DictReader(io.StringIO((folder / "importances.csv").read_text())))
    values = [float(line["importance"]) for line in lines]
    assert {line["feature"] for line in lines} == {"zone", "weight_kg", "distance_km", "pieces"}
    assert values == sorted(values, reverse=True)
    assert values[0] > 0


def test_probabilities_are_drawn_as_a_calibration(searching: Parcels) -> None:
    import numpy as np

    from daybreak.training.pictures import calibration

    predicted = np.linspace(0, 1, 1000)
    assert calibration(predicted > 0.5, predicted).startswith(b"\x89PNG")
    assert calibration(np.zeros(1000), np.zeros(1000)).startswith(b"\x89PNG")


def test_what_a_ranking_is_made_from_is_drawn_as_calibration_and_lift(searching: Parcels) -> None:
    from sklearn.linear_model import LogisticRegression

    inputs = pd.DataFrame({"telling": np.linspace(-1, 1, 400), "idle": np.tile([0.0, 1.0], 200)})
    actual = (inputs["telling"] > 0).to_numpy()
    model = LogisticRegression().fit(inputs, actual)
    trained = Trained(
        model, inputs.head(), THROUGH, {}, {}, unseen=Unseen(inputs, actual, model.predict_proba(inputs)[:, 1])
    )
    ranked = searching.declared(measures="ranking", prediction=Prediction("p", 0, 1, method="predict_proba"))
    files = record(Past(ranked.workspace, ranked.pipeline, THROUGH), trained, None).files
    assert set(files) == {
        "importances.csv",
        "pictures/calibration.png",
        "pictures/importances.png",
        "pictures/lift.png",
    }
    lines = list(csv.DictReader(io.StringIO(files["importances.csv"].decode())))
    assert [line["feature"] for line in lines] == ["telling", "idle"]


def test_labels_are_drawn_by_their_features_and_importances_are_the_rows_that_change_theirs(
    searching: Parcels,
) -> None:
    classes = Parcels(searching.workspace, PARCEL_CLASSES)
    run, _ = run_of(classes, trained(classes, date(2024, 3, 8))[0])
    folder = UPath(run.info.artifact_uri)
    assert sorted(path.name for path in (folder / "pictures").iterdir()) == ["importances.png", "labels.png"]
    [line] = csv.DictReader(io.StringIO((folder / "importances.csv").read_text()))
    assert line["feature"] == "distance_km"
    # Of three labels of equal size, two rows in three get another one where the only feature is shuffled.
    assert float(line["importance"]) == pytest.approx(2 / 3, abs=0.07)


def test_a_picture_stands_what_is_missing() -> None:
    nothing, some = np.zeros(60), np.linspace(0, 1, 60)
    inputs = pd.DataFrame({"x": some, "y": nothing})
    for drawn in (
        lift(nothing, some),
        labels_and_features(inputs, nothing, ["all", "none"]),
        silhouettes(some, nothing, ["all", "none"]),
    ):
        assert drawn.startswith(b"\x89PNG")


def test_a_task_that_is_tried_again_registers_once(searching: Parcels) -> None:
    def once(origin: str) -> list[int]:
        found = train_once(searching.workspace, searching.pipeline, THROUGH, origin=origin)
        return [version.version for version in found]

    first = once("train_models/one/parcel_hours")
    assert once("train_models/one/parcel_hours") == first
    assert once("train_models/two/parcel_hours") == [first[0] + 1]


def test_a_new_version_challenges_and_is_champion_only_where_there_is_none(searching: Parcels) -> None:
    workspace, pipeline = searching.workspace, searching.pipeline
    champion = workspace.aliases(pipeline.single_ref)
    before = champion.current()
    [version] = train_once(workspace, pipeline, THROUGH, origin="train_models/one/parcel_hours")
    assert champion.current() == before, "no alias is moved before"
    assert challenge(workspace, pipeline, [version.version], first=True, decided_by="test") == ["challenger"]
    assert champion.current() == before
    searching.execute("DELETE FROM registered_model_aliases")
    for _ in range(2):
        assert challenge(workspace, pipeline, [version.version], first=True, decided_by="test") == ["champion"]
    assert workspace.aliases(ModelRef(pipeline.name, "challenger")).current() is None


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM parcels.handed_in WHERE handed_in_at < '2024-03-12'",
        "UPDATE parcels.handed_in SET hours_taken = 3",
        "ALTER TABLE parcels.handed_in ALTER weight_kg TYPE double precision; "
        "UPDATE parcels.handed_in SET weight_kg = 'infinity' WHERE handed_in_at < '2024-03-11'",
    ],
    ids=["no rows", "a constant target", "infinite weights"],
)
def test_what_nothing_can_be_learned_from_registers_nothing(searching: Parcels, change: str) -> None:
    before = [version.version for version in searching.workspace.registry.versions("parcel_hours")]
    searching.execute(change)
    with pytest.raises(SourceRefused):
        train_once(searching.workspace, searching.pipeline, THROUGH, origin="train_models/one/parcel_hours")
    assert [version.version for version in searching.workspace.registry.versions("parcel_hours")] == before


def test_what_a_fresh_process_cannot_use_gets_no_alias(parcels: Parcels) -> None:
    from sklearn.dummy import DummyClassifier

    def guess(past: Past, progress: Callable[[str], None]) -> Trained:
        found = fit_hours(past, progress)
        return replace(found, model=build(DummyClassifier(strategy="uniform")).fit(found.sample, range(20)))

    challenger = ModelRef("parcel_hours", "challenger")
    with pytest.raises(
        ModelRefused, match=r"cannot be used by a fresh process: its predictions differ .* got no alias"
    ):
        train(parcels.workspace, parcels.declared(training=guess).pipeline, through=THROUGH)
    assert [parcels.workspace.aliases(ref).current() for ref in (parcels.pipeline.single_ref, challenger)] == [1, None]


def test_the_last_day_is_the_last_complete_one_that_the_source_has(parcels: Parcels) -> None:
    workspace, pipeline = parcels.workspace, parcels.pipeline
    assert cutoff(workspace, pipeline, None, MIDNIGHT) == LAST_DAY
    # At three in the morning in London the day before is not over in New York.
    assert cutoff(workspace, pipeline, None, datetime(2024, 3, 12, 3, tzinfo=UTC)) == date(2024, 3, 10)
    assert cutoff(workspace, pipeline, "2024-03-09", MIDNIGHT) == date(2024, 3, 9)


def test_a_last_day_whose_targets_are_not_known_is_refused(parcels: Parcels) -> None:
    with pytest.raises(SourceRefused, match="holds data through 2024-03-12, not through 2024-03-13"):
        cutoff(parcels.workspace, parcels.pipeline, "2024-03-13", MIDNIGHT)
    with pytest.raises(PartitionRefused):
        cutoff(parcels.workspace, parcels.pipeline, "yesterday", MIDNIGHT)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    with pytest.raises(PartitionRefused, match="not over"):
        cutoff(parcels.workspace, parcels.pipeline, tomorrow, MIDNIGHT)


def test_what_measurements_ask_for_waits_for_the_cool_down(parcels: Parcels) -> None:
    now = datetime.now(UTC)
    watched = parcels.declared(retrain=Retrain(cool_down=timedelta(days=3)))
    assert "within 3 days" in str(held_back(watched.workspace, watched.pipeline, now))
    assert held_back(watched.workspace, watched.pipeline, now + timedelta(days=3)) is None
    assert held_back(parcels.workspace, parcels.pipeline, now) is None


def test_measurements_a_person_or_the_week_say_which_pipelines_are_trained() -> None:
    declared = ["a", "b", "c"]
    assert chosen(declared, (), None) == declared
    assert chosen(declared, ["c", "a"], None) == ["a", "c"]
    assert chosen(declared, ["c"], ["b"]) == ["b"]
    with pytest.raises(Exception, match="no pipeline d"):
        chosen(declared, ["d"], None)


def test_a_feature_to_be_watched_that_the_model_does_not_take_registers_nothing(searching: Parcels) -> None:
    before = searching.rows("SELECT count(*) FROM model_versions")
    misspelt = searching.declared(retrain=Retrain(features=("weight_kg", "distance_mk")))
    with pytest.raises(ConfigurationError, match=r"drift of distance_mk.*choose from .*distance_km"):
        trained(misspelt)
    assert searching.rows("SELECT count(*) FROM model_versions") == before


def test_the_winning_settings_are_kept_with_the_version(searching: Parcels) -> None:
    version, _ = trained(searching, search=True)
    [(tagged, settings)] = searching.workspace.registry.tagged("parcel_hours", "searched")
    assert (tagged.version, json.loads(settings)) == (version.version, BEST)
