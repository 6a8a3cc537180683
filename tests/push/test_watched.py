"""What is pushed is watched by scoring it again: of each column one number is kept, and of a prediction nothing."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daybreak.declaration.pipeline import Retrain
from daybreak.errors import ScoringFailed
from daybreak.models.training_record import TrainingRecord
from daybreak.monitoring.drift import LEAST_ROWS
from daybreak.monitoring.measure import measure
from daybreak.monitoring.rescore import Rescoring
from daybreak.monitoring.retraining import watch, watch_newest
from daybreak.training.profiles import keep_profiles
from local_days import local_day
from predictions import Search

from .conftest import Everywhere
from .shelf_offers import FEATURES
from .shelves import DAY, TRAINED_THROUGH, Shelves, register
from .test_measured import ACTUALS

LATER = datetime.now(UTC) + timedelta(days=30)


@pytest.fixture
def watched(shelves: Shelves) -> Shelves:
    """Declare thresholds, and keep the profile of a day that the champion has not seen."""
    declared = shelves.declared(
        measures="probability",
        measured_by="department",
        retrain=Retrain(features=("units", "price"), days=1, error_ratio=1.5),
        push_scores="push.shelf_offers:any_scores",
    )
    declared.workspace.sql(declared.pipeline, "actuals").write_text(ACTUALS)
    held_out = declared.frame(TRAINED_THROUGH + timedelta(days=1))
    predicted = declared.model(1).predict_proba(held_out[FEATURES])[:, 1]
    columns = held_out[["units", "price"]].assign(probability=predicted)
    assert keep_profiles(declared.workspace.warehouse, "shelf_offers", 1, columns) == 3
    return declared


def kept(shelves: Shelves) -> dict[str, tuple[Any, ...]]:
    found = shelves.rows("SELECT column_name, drifted, rows, model_version, segment FROM ledger.drift")
    return {name: tuple(more) for name, *more in found}


def drift_away(shelves: Shelves) -> None:
    shelves.execute(f"UPDATE shelves.daily SET price = price / 8 + 0.5 WHERE day = '{DAY}'")


def test_a_push_that_is_spread_as_in_training_asks_for_nothing(watched: Shelves) -> None:
    watched.push()
    assert watch(watched.workspace, watched.pipeline, str(DAY), LATER).reasons == ()
    assert kept(watched) == dict.fromkeys(("units", "price", "probability"), (False, 400, 1, None))
    [(most,)] = watched.rows("SELECT max(divergence) FROM ledger.drift")
    assert most < 0.05
    assert watched.rows("SELECT DISTINCT shares FROM ledger.drift") == [(None,)], "what is sent is kept nowhere"


def test_a_feature_and_the_predictions_that_drift_ask_for_a_training(watched: Shelves) -> None:
    drift_away(watched)
    watched.push()
    found = watch(watched.workspace, watched.pipeline, str(DAY), LATER)
    assert found.asked
    assert {reason.split(" ")[0] for reason in found.reasons} == {"price", "probability"}
    [(pipeline, version, reasons)] = watched.rows(
        "SELECT pipeline, model_version, reasons FROM ledger.retraining_requests"
    )
    assert (pipeline, version, tuple(reasons)) == ("shelf_offers", 1, found.reasons)


@pytest.mark.parametrize(("trained", "asked"), [(0.1, True), (0.5, False)])
def test_an_error_beyond_the_declared_ratio_asks_for_a_training(watched: Shelves, trained: float, asked: bool) -> None:
    record = TrainingRecord(metrics={"log_loss": trained})
    version = register(watched.workspace, watched.model(1), record=record)
    watched.promote(version.version)
    watched.push()
    [found] = measure(watched.workspace, watched.pipeline, *2 * [local_day(DAY, "UTC")])
    assert found.metrics is not None
    assert 0.15 < found.metrics["champion"] < 0.75, "half again as much as one of them, and not of the other"
    newest = watch_newest(watched.workspace, watched.pipeline)
    assert newest is not None
    assert [reason.split(" ")[0] for reason in newest.reasons] == (["log_loss"] if asked else [])


def test_the_planned_version_is_held_against_its_own_training(watched: Shelves) -> None:
    watched.push()
    watched.promote(2)
    # Of version 2 no profile is kept: if it were asked for, nothing could be compared.
    watch(watched.workspace, watched.pipeline, str(DAY), LATER)
    assert {version for _, _, version, _ in kept(watched).values()} == {1}


def test_rows_in_quarantine_are_left_out(watched: Shelves) -> None:
    watched.execute(f"UPDATE shelves.daily SET price = 0.25 WHERE day = '{DAY}' AND product_id <= 5")
    watched.push()
    watch(watched.workspace, watched.pipeline, str(DAY), LATER)
    assert {rows for _, rows, _, _ in kept(watched).values()} == {395}


def test_of_few_rows_nothing_is_told(watched: Shelves) -> None:
    watched.execute(f"DELETE FROM shelves.daily WHERE day = '{DAY}' AND product_id >= {LEAST_ROWS}")
    watched.push()
    assert watch(watched.workspace, watched.pipeline, str(DAY), LATER).reasons == ()
    assert kept(watched) == {}


def predictions_to_look_for(shelves: Shelves) -> Search:
    """Search for the day's predictions, but for what the profile of a held-out day names as well."""
    profiles = str(shelves.rows("SELECT profile FROM ledger.training_profiles"))
    profiles += str(shelves.workspace.registry.versions("shelf_offers"))
    predicted = shelves.model(1).predict_proba(shelves.frame(DAY)[FEATURES])[:, 1]
    found = Search(value for value in predicted.tolist() if not Search([value]).found(profiles.encode()))
    assert len(found.predictions) > 300
    return found


def test_nothing_of_a_prediction_is_left_anywhere(
    watched: Shelves, everywhere: Everywhere, caplog: pytest.LogCaptureFixture
) -> None:
    drift_away(watched)
    watched.push()
    search = predictions_to_look_for(watched)
    with caplog.at_level(logging.DEBUG):
        assert watch(watched.workspace, watched.pipeline, str(DAY), LATER).asked
    assert not search.found(caplog.text.encode())
    for place, content in everywhere():
        assert not search.found(content), f"{place} holds a prediction"
    assert watched.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'predictions'") == []


def test_an_error_while_predictions_are_judged_tells_none(watched: Shelves) -> None:
    run, search = watched.push().plan.run_id, predictions_to_look_for(watched)

    def judge(rows: Any) -> None:
        raise ValueError(f"cannot judge {rows['probability'].to_pylist()}")

    with pytest.raises(ScoringFailed, match="its text is withheld") as failed:
        Rescoring(watched.workspace, watched.pipeline).judged(dict(watched.workspace.ledger.get(run)), [], judge)
    assert not search.found(str(failed.getrepr(showlocals=True, chain=True)).encode())
